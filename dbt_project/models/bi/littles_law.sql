select
    littles_law.process,
    littles_law.window_kind,
    littles_law.window_start,
    littles_law.day_count,
    littles_law.arrival_count,
    littles_law.completion_count,
    littles_law.mean_in_progress,
    littles_law.arrivals_per_day,
    littles_law.completions_per_day,
    littles_law.mean_throughput_seconds,
    littles_law.expected_in_progress,
    littles_law.residual,
    littles_law.relative_residual,
    littles_law.is_stable,
    littles_law.is_consistent
from {{ source('mining', 'littles_law') }} as littles_law
