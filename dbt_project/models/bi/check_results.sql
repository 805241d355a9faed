select
    check_results.run_id,
    check_results.subject,
    check_results.layer,
    check_results.check_name,
    check_results.severity,
    check_results.is_success,
    check_results.checked_count,
    check_results.unexpected_count,
    case
        when check_results.layer = 'landing' or exists (
            select from {{ source('event_log', 'processes') }} as processes
            where processes.process = check_results.subject and processes.is_case_level_public
        ) then check_results.message
    end as message,
    check_results.checked_at
from {{ source('quality', 'check_results') }} as check_results
