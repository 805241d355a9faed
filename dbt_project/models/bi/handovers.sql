select
    handovers.process,
    handovers.source_activity,
    handovers.target_activity,
    handovers.is_handover,
    handovers.edge_count,
    handovers.case_count,
    handovers.person_count,
    handovers.mean_seconds,
    handovers.median_seconds,
    handovers.total_seconds
from {{ source('mining', 'handovers') }} as handovers
