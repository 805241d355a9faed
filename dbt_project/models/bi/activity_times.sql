select
    activity_times.process,
    activity_times.activity,
    activity_times.event_count,
    activity_times.timed_count,
    activity_times.total_waiting_seconds,
    activity_times.total_idle_seconds,
    activity_times.total_processing_seconds,
    activity_times.total_working_waiting_seconds,
    activity_times.total_working_idle_seconds,
    activity_times.total_working_processing_seconds,
    activity_times.mean_working_wait_seconds,
    activity_times.median_working_wait_seconds,
    activity_times.p90_working_wait_seconds
from {{ source('mining', 'activity_times') }} as activity_times
