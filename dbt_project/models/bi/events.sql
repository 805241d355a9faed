{{ config(post_hook="alter view {{ this }} set (security_barrier = true)") }}

select
    events.process,
    events.case_id,
    events.case_key,
    events.event_seq,
    events.event_id,
    events.activity,
    events.activity_key,
    events.occurred_at,
    events.started_at,
    events.lifecycle,
    events.source_system,
    events.source_table,
    events.source_key,
    events.source_seq,
    events.order_basis
from {{ source('event_log', 'events') }} as events
where
    exists (
        select from {{ source('event_log', 'processes') }} as processes
        where processes.process = events.process and processes.is_case_level_public
    )
