{{ config(post_hook="alter view {{ this }} set (security_barrier = true)") }}

select
    obligations.process,
    obligations.rule,
    obligations.case_id,
    obligations.case_key,
    nullif(obligations.event_seq, 0) as event_seq,
    events.event_id,
    obligations.activity,
    events.occurred_at,
    obligations.expected,
    obligations.due_at,
    coalesce(obligations.due_at < processes.as_of, false) as is_overdue
from {{ source('mining', 'obligations') }} as obligations
inner join {{ source('event_log', 'processes') }} as processes
    on obligations.process = processes.process and processes.is_case_level_public
left join {{ source('event_log', 'events') }} as events
    on
        obligations.process = events.process
        and obligations.case_key = events.case_key
        and obligations.event_seq = events.event_seq
