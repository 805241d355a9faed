select
    throughput_quantiles.process,
    throughput_quantiles.completed_share,
    throughput_quantiles.survival_seconds,
    throughput_quantiles.lower_seconds,
    throughput_quantiles.upper_seconds,
    throughput_quantiles.closed_seconds,
    throughput_quantiles.all_seconds
from {{ source('mining', 'throughput_quantiles') }} as throughput_quantiles
