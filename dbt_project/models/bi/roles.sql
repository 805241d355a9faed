select
    roles.process,
    roles.role_id,
    roles.rank,
    roles.activities,
    roles.activity_count,
    roles.event_count,
    roles.event_share,
    roles.person_count
from {{ source('mining', 'roles') }} as roles
