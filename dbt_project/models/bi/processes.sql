select
    processes.process,
    processes.title,
    processes.kind,
    processes.order_declared,
    processes.is_case_level_public,
    processes.k_anonymity,
    processes.as_of,
    processes.run_id,
    processes.loaded_at
from {{ source('event_log', 'processes') }} as processes
