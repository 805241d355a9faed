select
    application_time.process,
    application_time.application,
    application_time.action_count,
    application_time.session_count,
    application_time.person_count,
    application_time.total_seconds,
    application_time.time_share,
    application_time.mean_seconds_per_session
from {{ source('mining', 'application_time') }} as application_time
