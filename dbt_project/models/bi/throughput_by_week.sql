select
    throughput_by_week.process,
    throughput_by_week.week_start,
    throughput_by_week.started_count,
    throughput_by_week.ended_count,
    throughput_by_week.mean_seconds,
    throughput_by_week.median_seconds
from {{ source('mining', 'throughput_by_week') }} as throughput_by_week
