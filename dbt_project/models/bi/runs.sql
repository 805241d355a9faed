select
    runs.run_id,
    runs.kind,
    runs.subject,
    runs.day,
    runs.as_of,
    runs.state,
    case
        when runs.kind = 'extract' or exists (
            select from {{ source('event_log', 'processes') }} as processes
            where processes.process = runs.subject and processes.is_case_level_public
        ) then runs.message
    end as message,
    runs.started_at,
    runs.finished_at
from {{ source('ops', 'runs') }} as runs
