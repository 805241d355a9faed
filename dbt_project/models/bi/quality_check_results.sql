{{ config(post_hook="alter view {{ this }} set (security_barrier = true)") }}

with runs as (
    select
        check_results.subject,
        check_results.layer,
        check_results.run_id,
        max(check_results.checked_at) as checked_at
    from {{ source('quality', 'check_results') }} as check_results
    group by check_results.subject, check_results.layer, check_results.run_id
),

last_runs as (
    select distinct on (runs.subject, runs.layer)
        runs.subject,
        runs.layer,
        runs.run_id
    from runs
    order by runs.subject, runs.layer, runs.checked_at desc, runs.run_id
)

select
    check_results.subject,
    check_results.layer,
    check_results.check_name,
    check_results.dimension,
    check_results.pattern,
    check_results.severity,
    check_results.is_success,
    check_results.checked_count,
    check_results.unexpected_count,
    check_results.case_count,
    case
        when check_results.layer = 'landing' or exists (
            select from {{ source('event_log', 'processes') }} as processes
            where processes.process = check_results.subject and processes.is_case_level_public
        ) then check_results.message
    end as message,
    check_results.checked_at,
    check_results.run_id
from {{ source('quality', 'check_results') }} as check_results
inner join last_runs
    on
        check_results.subject = last_runs.subject
        and check_results.layer = last_runs.layer
        and check_results.run_id = last_runs.run_id
