{{ finalise_cases(ref('lead_to_order__events'), ref('int_lead_to_order__case_states')) }}
