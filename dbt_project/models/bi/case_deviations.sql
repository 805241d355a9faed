{{ config(post_hook="alter view {{ this }} set (security_barrier = true)") }}

select
    cases.process,
    cases.case_id,
    cases.case_key,
    cases.variant_id,
    deviations.deviation_number,
    deviations.move,
    deviations.activity,
    deviations.event_seq,
    events.event_id,
    events.occurred_at
from {{ source('event_log', 'cases') }} as cases
inner join {{ source('mining', 'variant_deviations') }} as deviations
    on cases.process = deviations.process and cases.variant_id = deviations.variant_id
left join {{ source('event_log', 'events') }} as events
    on
        cases.process = events.process
        and cases.case_key = events.case_key
        and deviations.event_seq = events.event_seq
where
    not cases.is_open
    and exists (
        select from {{ source('event_log', 'processes') }} as processes
        where processes.process = cases.process and processes.is_case_level_public
    )
