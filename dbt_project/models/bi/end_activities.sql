select
    end_activities.process,
    end_activities.activity,
    end_activities.case_count,
    end_activities.case_share
from {{ source('mining', 'end_activities') }} as end_activities
