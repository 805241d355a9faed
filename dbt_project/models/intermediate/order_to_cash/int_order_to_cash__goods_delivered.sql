{{ transfers_done(
    "'Deliver Goods'", 'outgoing', ref('int_order_to_cash__changes'), ref('int_order_to_cash__pickings')) }}
