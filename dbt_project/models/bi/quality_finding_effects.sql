select
    finding_effects.process,
    finding_effects.check_name,
    finding_effects.kpi,
    finding_effects.case_count,
    finding_effects.with_value,
    finding_effects.without_value,
    finding_effects.with_value - finding_effects.without_value as difference,
    finding_effects.run_id
from {{ source('quality', 'finding_effects') }} as finding_effects
