{{ untimed_events(ref('int_purchase_to_pay__events_unioned')) }}
