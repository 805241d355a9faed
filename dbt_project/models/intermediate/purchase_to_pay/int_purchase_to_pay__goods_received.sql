{{ transfers_done(
    "'Receive Goods'", 'incoming', ref('int_purchase_to_pay__changes'), ref('int_purchase_to_pay__pickings')) }}
