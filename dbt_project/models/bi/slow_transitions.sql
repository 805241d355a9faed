select
    slow_transitions.process,
    slow_transitions.rank,
    slow_transitions.source_activity,
    slow_transitions.target_activity,
    slow_transitions.edge_count,
    slow_transitions.case_count,
    slow_transitions.mean_seconds,
    slow_transitions.median_seconds,
    slow_transitions.p90_seconds,
    slow_transitions.total_seconds,
    slow_transitions.total_share,
    slow_transitions.cumulative_share
from {{ source('mining', 'slow_transitions') }} as slow_transitions
