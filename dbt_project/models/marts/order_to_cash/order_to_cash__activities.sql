{{ finalise_activities(ref('order_to_cash__events'), ref('order_to_cash__declared_activities'), ref('int_order_to_cash__touched_cases')) }}
