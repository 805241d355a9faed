{{ config(post_hook="alter view {{ this }} set (security_barrier = true)") }}

select
    events.process,
    events.case_id as _case_key,
    events.activity as activity_en,
    events.occurred_at as eventtime,
    events.event_seq as _sorting
from {{ source('event_log', 'events') }} as events
where
    exists (
        select from {{ source('event_log', 'processes') }} as processes
        where processes.process = events.process and processes.is_case_level_public
    )
