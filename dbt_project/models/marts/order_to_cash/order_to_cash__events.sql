{{ finalise_events(ref('int_order_to_cash__events_unioned'), ref('order_to_cash__declared_activities')) }}
