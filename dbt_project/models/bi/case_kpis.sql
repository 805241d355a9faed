{{ config(post_hook="alter view {{ this }} set (security_barrier = true)") }}

select
    case_kpis.process,
    case_kpis.case_id,
    case_kpis.case_key,
    case_kpis.started_at,
    case_kpis.ended_at,
    case_kpis.throughput_seconds,
    case_kpis.event_count,
    case_kpis.activity_count,
    case_kpis.rework_count,
    case_kpis.self_loop_count,
    case_kpis.start_activity,
    case_kpis.end_activity,
    case_kpis.longest_wait_seconds,
    case_kpis.longest_wait_source_activity,
    case_kpis.longest_wait_target_activity,
    case_kpis.variant_id,
    case_kpis.is_open
from {{ source('mining', 'case_kpis') }} as case_kpis
where
    exists (
        select from {{ source('event_log', 'processes') }} as processes
        where processes.process = case_kpis.process and processes.is_case_level_public
    )
