{{ config(post_hook="alter view {{ this }} set (security_barrier = true)") }}

select
    predictions.process,
    predictions.case_id,
    predictions.case_key,
    predictions.target,
    predictions.log_end_at,
    predictions.remaining_seconds,
    predictions.low_seconds,
    predictions.high_seconds,
    predictions.expected_at,
    predictions.due_at,
    predictions.late_probability
from {{ source('mining', 'predictions') }} as predictions
where
    exists (
        select from {{ source('event_log', 'processes') }} as processes
        where processes.process = predictions.process and processes.is_case_level_public
    )
