{{ finalise_cases(ref('purchase_to_pay__events'), ref('int_purchase_to_pay__case_states')) }}
