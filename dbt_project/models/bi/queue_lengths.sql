select
    queue_lengths.process,
    queue_lengths.activity,
    queue_lengths.day,
    queue_lengths.joined_count,
    queue_lengths.left_count,
    queue_lengths.case_count,
    queue_lengths.mean_in_queue
from {{ source('mining', 'queue_lengths') }} as queue_lengths
