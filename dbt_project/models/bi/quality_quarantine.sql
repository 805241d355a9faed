select
    quarantined_cases.process,
    quarantined_cases.check_name,
    (quarantined_cases.first_seen_at at time zone 'UTC')::date as first_seen_on,
    count(*) as case_count
from {{ source('quality', 'quarantined_cases') }} as quarantined_cases
group by 1, 2, 3
