{{ config(post_hook="alter view {{ this }} set (security_barrier = true)") }}

select
    cases.process,
    cases.case_id,
    cases.case_key,
    cases.started_at,
    cases.ended_at,
    cases.event_count,
    cases.variant_id,
    cases.is_open
from {{ source('event_log', 'cases') }} as cases
where
    exists (
        select from {{ source('event_log', 'processes') }} as processes
        where processes.process = cases.process and processes.is_case_level_public
    )
