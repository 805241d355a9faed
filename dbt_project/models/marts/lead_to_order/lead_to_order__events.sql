{{ finalise_events(ref('int_lead_to_order__events_unioned'), ref('lead_to_order__declared_activities')) }}
