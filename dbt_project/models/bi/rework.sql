select
    rework.process,
    rework.activity,
    rework.case_count,
    rework.repeat_case_count,
    rework.repeat_case_share,
    rework.repeat_count,
    rework.self_loop_count,
    rework.max_per_case
from {{ source('mining', 'rework') }} as rework
