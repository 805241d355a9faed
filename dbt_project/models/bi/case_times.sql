{{ config(post_hook="alter view {{ this }} set (security_barrier = true)") }}

select
    case_times.process,
    case_times.case_id,
    case_times.case_key,
    case_times.calendar,
    case_times.throughput_microseconds * 0.000001 as throughput_seconds,
    case_times.waiting_microseconds * 0.000001 as waiting_seconds,
    case_times.idle_microseconds * 0.000001 as idle_seconds,
    case_times.processing_microseconds * 0.000001 as processing_seconds,
    case_times.working_throughput_microseconds * 0.000001 as working_throughput_seconds,
    case_times.working_waiting_microseconds * 0.000001 as working_waiting_seconds,
    case_times.working_idle_microseconds * 0.000001 as working_idle_seconds,
    case_times.working_processing_microseconds * 0.000001 as working_processing_seconds
from {{ source('mining', 'case_times') }} as case_times
where
    exists (
        select from {{ source('event_log', 'processes') }} as processes
        where processes.process = case_times.process and processes.is_case_level_public
    )
