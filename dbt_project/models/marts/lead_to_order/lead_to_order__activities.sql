{{ finalise_activities(ref('lead_to_order__events'), ref('lead_to_order__declared_activities'), ref('int_lead_to_order__touched_cases')) }}
