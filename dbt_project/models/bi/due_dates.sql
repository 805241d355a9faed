{{ config(post_hook="alter view {{ this }} set (security_barrier = true)") }}

select
    due_dates.process,
    due_dates.case_id,
    due_dates.case_key,
    due_dates.rule,
    due_dates.due_at,
    due_dates.done_at,
    due_dates.is_late,
    due_dates.late_seconds
from {{ source('mining', 'due_dates') }} as due_dates
where
    exists (
        select from {{ source('event_log', 'processes') }} as processes
        where processes.process = due_dates.process and processes.is_case_level_public
    )
