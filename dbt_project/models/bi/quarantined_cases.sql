{{ config(post_hook="alter view {{ this }} set (security_barrier = true)") }}

select
    quarantined_cases.process,
    quarantined_cases.case_id,
    quarantined_cases.check_name,
    quarantined_cases.reason,
    quarantined_cases.first_seen_at,
    quarantined_cases.run_id
from {{ source('quality', 'quarantined_cases') }} as quarantined_cases
where
    exists (
        select from {{ source('event_log', 'processes') }} as processes
        where processes.process = quarantined_cases.process and processes.is_case_level_public
    )
