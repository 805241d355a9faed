select
    drift_kpis.process,
    drift_kpis.figure,
    drift_kpis.series_count,
    drift_kpis.first_week_start,
    drift_kpis.last_week_start,
    drift_kpis.tested_count,
    drift_kpis.drift_count
from {{ source('mining', 'drift_kpis') }} as drift_kpis
