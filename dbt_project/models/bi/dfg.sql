select
    dfg.process,
    dfg.source_activity,
    dfg.target_activity,
    dfg.edge_count,
    dfg.case_count,
    dfg.backward_count,
    dfg.mean_seconds,
    dfg.median_seconds,
    dfg.p90_seconds,
    dfg.min_seconds,
    dfg.max_seconds,
    dfg.total_seconds
from {{ source('mining', 'dfg') }} as dfg
