{{ transfers_done(
    "'Return Goods'", 'outgoing', ref('int_purchase_to_pay__changes'), ref('int_purchase_to_pay__pickings')) }}
