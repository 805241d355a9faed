{{ finalise_cases(ref('order_to_cash__events'), ref('int_order_to_cash__case_states')) }}
