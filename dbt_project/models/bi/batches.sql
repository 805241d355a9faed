select
    batches.process,
    batches.activity,
    batches.kind,
    batches.batch_count,
    batches.event_count,
    batches.case_count,
    batches.event_share,
    batches.mean_size,
    batches.max_size,
    batches.total_batch_wait_seconds,
    batches.resource_count
from {{ source('mining', 'batches') }} as batches
