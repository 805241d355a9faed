select
    workload_by_day.process,
    workload_by_day.day,
    workload_by_day.event_count,
    workload_by_day.case_count,
    workload_by_day.person_count,
    workload_by_day.person_event_count,
    workload_by_day.mean_events_per_person
from {{ source('mining', 'workload_by_day') }} as workload_by_day
