{{ finalise_events(ref('int_desktop_work__events_unioned'), ref('desktop_work__declared_activities')) }}
