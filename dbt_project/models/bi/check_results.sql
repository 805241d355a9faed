select
    check_results.run_id,
    check_results.subject,
    check_results.layer,
    check_results.check_name,
    check_results.severity,
    check_results.is_success,
    check_results.checked_count,
    check_results.unexpected_count,
    check_results.message,
    check_results.checked_at
from {{ source('quality', 'check_results') }} as check_results
