select
    steps.run_id,
    runs.kind,
    runs.subject,
    runs.day,
    steps.step,
    steps.attempt,
    steps.state,
    steps.rows_in,
    steps.rows_out,
    steps.seconds,
    steps.started_at,
    steps.finished_at
from {{ source('ops', 'steps') }} as steps
inner join {{ source('ops', 'runs') }} as runs on steps.run_id = runs.run_id
