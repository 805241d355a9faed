{{ untimed_events(ref('int_order_to_cash__events_unioned')) }}
