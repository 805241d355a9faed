{{ finalise_activities(
    ref('purchase_to_pay__events'),
    ref('purchase_to_pay__declared_activities'),
    ref('int_purchase_to_pay__touched_cases'),
) }}
