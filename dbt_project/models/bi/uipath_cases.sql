{{ config(post_hook="alter view {{ this }} set (security_barrier = true)") }}

select
    cases.process,
    cases.case_id,
    case when cases.is_open then 'Open' else 'Closed' end as case_status
from {{ source('event_log', 'cases') }} as cases
where
    exists (
        select from {{ source('event_log', 'processes') }} as processes
        where processes.process = cases.process and processes.is_case_level_public
    )
