select
    start_activities.process,
    start_activities.activity,
    start_activities.case_count,
    start_activities.case_share
from {{ source('mining', 'start_activities') }} as start_activities
