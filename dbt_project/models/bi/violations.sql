{{ config(post_hook="alter view {{ this }} set (security_barrier = true)") }}

select
    violations.process,
    violations.rule,
    violations.case_id,
    violations.case_key,
    nullif(violations.event_seq, 0) as event_seq,
    events.event_id,
    violations.activity,
    events.occurred_at,
    violations.related_event_seq,
    related_events.event_id as related_event_id,
    violations.related_activity,
    related_events.occurred_at as related_occurred_at,
    violations.expected
from {{ source('mining', 'violations') }} as violations
left join {{ source('event_log', 'events') }} as events
    on
        violations.process = events.process
        and violations.case_key = events.case_key
        and violations.event_seq = events.event_seq
left join {{ source('event_log', 'events') }} as related_events
    on
        violations.process = related_events.process
        and violations.case_key = related_events.case_key
        and violations.related_event_seq = related_events.event_seq
where
    exists (
        select from {{ source('event_log', 'processes') }} as processes
        where processes.process = violations.process and processes.is_case_level_public
    )
