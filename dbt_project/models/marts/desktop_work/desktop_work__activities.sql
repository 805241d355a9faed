{{ finalise_activities(ref('desktop_work__events'), ref('desktop_work__declared_activities'), ref('int_desktop_work__touched_cases')) }}
