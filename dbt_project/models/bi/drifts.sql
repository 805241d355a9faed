select
    drifts.process,
    drifts.figure,
    drifts.rank,
    drifts.kind,
    drifts.activity,
    drifts.next_activity,
    drifts.week_start,
    drifts.level_before,
    drifts.level_after,
    drifts.impact,
    drifts.weeks_before,
    drifts.weeks_after,
    drifts.observations_before,
    drifts.observations_after,
    drifts.p_value,
    drifts.q_value
from {{ source('mining', 'drifts') }} as drifts
