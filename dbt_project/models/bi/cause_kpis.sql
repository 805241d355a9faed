select
    cause_kpis.process,
    cause_kpis.outcome,
    cause_kpis.case_count,
    cause_kpis.outcome_count,
    cause_kpis.threshold_seconds,
    cause_kpis.condition_count,
    cause_kpis.tested_count,
    cause_kpis.cause_count
from {{ source('mining', 'cause_kpis') }} as cause_kpis
