select
    prediction_calibration.process,
    prediction_calibration.target,
    prediction_calibration.kind,
    prediction_calibration.rank,
    prediction_calibration.predicted_share,
    prediction_calibration.observed_share,
    prediction_calibration.snapshot_count
from {{ source('mining', 'prediction_calibration') }} as prediction_calibration
