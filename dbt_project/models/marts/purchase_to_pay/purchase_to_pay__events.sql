{{ finalise_events(ref('int_purchase_to_pay__events_unioned'), ref('purchase_to_pay__declared_activities')) }}
