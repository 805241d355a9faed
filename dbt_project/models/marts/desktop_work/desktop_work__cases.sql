{{ finalise_cases(ref('desktop_work__events'), ref('int_desktop_work__case_states')) }}
