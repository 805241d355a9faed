select
    survival_curve.process,
    survival_curve.elapsed_seconds,
    survival_curve.open_share,
    survival_curve.lower_share,
    survival_curve.upper_share,
    survival_curve.at_risk_count,
    survival_curve.ended_count
from {{ source('mining', 'survival_curve') }} as survival_curve
