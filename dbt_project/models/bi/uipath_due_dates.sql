{{ config(post_hook="alter view {{ this }} set (security_barrier = true)") }}

select
    obligations.process,
    obligations.case_id,
    obligations.rule as due_date,
    'Rule' as due_date_type,
    null::timestamptz as actual_date,
    obligations.due_at as expected_date,
    processes.as_of <= obligations.due_at as on_time,
    null::double precision as cost,
    (extract(epoch from processes.as_of - obligations.due_at) * 1000)::bigint as difference
from {{ source('mining', 'obligations') }} as obligations
inner join {{ source('event_log', 'processes') }} as processes
    on obligations.process = processes.process and processes.is_case_level_public
where obligations.due_at is not null
