select
    loads.version,
    loads.run_id,
    loads.system,
    loads.mode,
    loads.source_snapshot_at,
    loads.state,
    loads.read_count,
    loads.inserted_count,
    loads.updated_count,
    loads.deleted_count,
    loads.quarantined_count,
    loads.started_at,
    loads.finished_at
from {{ source('ops', 'loads') }} as loads
