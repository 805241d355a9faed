select
    working_together.process,
    working_together.persons_per_case,
    working_together.case_count,
    working_together.case_share,
    working_together.person_count,
    working_together.mean_seconds,
    working_together.median_seconds
from {{ source('mining', 'working_together') }} as working_together
