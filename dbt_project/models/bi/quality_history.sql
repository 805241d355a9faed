with results as (
    select
        check_results.subject,
        check_results.layer,
        check_results.check_name,
        check_results.run_id,
        check_results.severity,
        check_results.is_success,
        check_results.case_count,
        check_results.checked_at,
        coalesce(runs.day, (check_results.checked_at at time zone 'UTC')::date) as day
    from {{ source('quality', 'check_results') }} as check_results
    left join {{ source('ops', 'runs') }} as runs on check_results.run_id = runs.run_id
),

last_results as (
    select distinct on (results.subject, results.day, results.layer, results.check_name)
        results.subject,
        results.day,
        results.layer,
        results.check_name,
        results.severity,
        results.is_success,
        results.case_count
    from results
    order by results.subject, results.day, results.layer, results.check_name, results.checked_at desc, results.run_id
)

select
    last_results.subject,
    last_results.day,
    count(*) as check_count,
    count(*) filter (where not last_results.is_success) as failed_count,
    count(*) filter (where not last_results.is_success and last_results.severity = 'block') as blocking_count,
    count(*) filter (where last_results.is_success) / count(*)::double precision as pass_share,
    max(last_results.case_count) filter (where last_results.check_name = 'quarantined_share') as quarantined_case_count
from last_results
group by last_results.subject, last_results.day
