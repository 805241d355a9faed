select
    application_switches.process,
    application_switches.source_application,
    application_switches.target_application,
    application_switches.switch_count,
    application_switches.session_count,
    application_switches.person_count,
    application_switches.switch_share
from {{ source('mining', 'application_switches') }} as application_switches
