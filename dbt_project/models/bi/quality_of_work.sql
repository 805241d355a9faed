select
    quality_of_work.process,
    quality_of_work.closed_count,
    quality_of_work.right_first_time_count,
    quality_of_work.right_first_time_share,
    quality_of_work.event_count,
    quality_of_work.repeat_count,
    quality_of_work.repeat_share,
    quality_of_work.ping_pong_count,
    quality_of_work.ping_pong_case_count,
    quality_of_work.automated_count,
    quality_of_work.automated_share,
    quality_of_work.touchless_count,
    quality_of_work.touchless_share
from {{ source('mining', 'quality_of_work') }} as quality_of_work
