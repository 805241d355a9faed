{{ config(post_hook="alter view {{ this }} set (security_barrier = true)") }}

select
    events.process,
    events.case_id,
    events.event_id,
    events.activity,
    events.started_at as event_start,
    events.occurred_at as event_end,
    events.event_seq as activity_order,
    activities.is_automated as automated,
    null::double precision as event_cost,
    (extract(epoch from events.occurred_at - events.started_at) * 1000)::bigint as event_processing_time
from {{ source('event_log', 'events') }} as events
left join {{ source('event_log', 'activities') }} as activities
    on events.process = activities.process and events.activity_key = activities.activity_key
where
    exists (
        select from {{ source('event_log', 'processes') }} as processes
        where processes.process = events.process and processes.is_case_level_public
    )
