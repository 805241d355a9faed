with latest_runs as (
    select distinct on (runs.subject)
        runs.subject,
        runs.day,
        runs.state,
        runs.started_at
    from {{ source('ops', 'runs') }} as runs
    where runs.kind <> 'extract'
    order by runs.subject asc, runs.started_at desc
),

freshness as (
    select
        processes.process,
        processes.as_of,
        processes.loaded_at as published_at,
        latest_runs.day as last_run_day,
        latest_runs.state as last_run_state,
        latest_runs.started_at as last_run_at
    from {{ source('event_log', 'processes') }} as processes
    left join latest_runs on processes.process = latest_runs.subject
)

select
    process,
    as_of,
    published_at,
    last_run_day,
    last_run_state,
    last_run_at
from freshness
