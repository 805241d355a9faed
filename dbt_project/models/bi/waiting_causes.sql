select
    waiting_causes.process,
    waiting_causes.activity,
    waiting_causes.wait_count,
    waiting_causes.resource_count,
    waiting_causes.total_wait_seconds,
    waiting_causes.batching_seconds,
    waiting_causes.batching_share,
    waiting_causes.unavailability_seconds,
    waiting_causes.unavailability_share,
    waiting_causes.contention_seconds,
    waiting_causes.contention_share,
    waiting_causes.prioritisation_seconds,
    waiting_causes.prioritisation_share,
    waiting_causes.extraneous_seconds,
    waiting_causes.extraneous_share
from {{ source('mining', 'waiting_causes') }} as waiting_causes
