select
    deviations.process,
    deviations.move,
    deviations.activity,
    deviations.case_count,
    deviations.case_share,
    deviations.deviation_count
from {{ source('mining', 'deviations') }} as deviations
