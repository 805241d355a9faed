{{ transfers_done(
    "'Receive Return'", 'incoming', ref('int_order_to_cash__changes'), ref('int_order_to_cash__pickings')) }}
