select
    quarantined_cases.process,
    quarantined_cases.check_name,
    count(*) as case_count,
    min(quarantined_cases.first_seen_at) as first_seen_at
from {{ source('quality', 'quarantined_cases') }} as quarantined_cases
group by quarantined_cases.process, quarantined_cases.check_name
