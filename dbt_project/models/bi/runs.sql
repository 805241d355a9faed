select
    runs.run_id,
    runs.kind,
    runs.subject,
    runs.day,
    runs.as_of,
    runs.state,
    runs.message,
    runs.started_at,
    runs.finished_at
from {{ source('ops', 'runs') }} as runs
