{{ untimed_events(ref('int_lead_to_order__events_unioned')) }}
