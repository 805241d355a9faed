select
    arc_times.process,
    arc_times.source_activity,
    arc_times.target_activity,
    arc_times.wait_count,
    arc_times.case_count,
    arc_times.total_waiting_seconds,
    arc_times.total_idle_seconds,
    arc_times.total_working_wait_seconds,
    arc_times.mean_working_wait_seconds,
    arc_times.median_working_wait_seconds,
    arc_times.p90_working_wait_seconds
from {{ source('mining', 'arc_times') }} as arc_times
