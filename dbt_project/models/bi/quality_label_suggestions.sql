{{ config(post_hook="alter view {{ this }} set (security_barrier = true)") }}

select
    label_suggestions.process,
    label_suggestions.pattern,
    label_suggestions.rank,
    label_suggestions.label_a,
    label_suggestions.label_b,
    label_suggestions.score,
    label_suggestions.evidence
from {{ source('quality', 'label_suggestions') }} as label_suggestions
where
    exists (
        select from {{ source('event_log', 'processes') }} as processes
        where processes.process = label_suggestions.process and processes.is_case_level_public
    )
