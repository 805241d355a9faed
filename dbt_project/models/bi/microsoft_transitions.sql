{{ config(post_hook="alter view {{ this }} set (security_barrier = true)") }}

select
    edge_occurrences.process,
    edge_occurrences.target_event_id as index,
    edge_occurrences.case_id,
    edge_occurrences.source_activity,
    edge_occurrences.target_activity,
    edge_occurrences.source_event_id,
    edge_occurrences.seconds as duration_seconds,
    edge_occurrences.source_activity = edge_occurrences.target_activity as is_self_loop
from {{ source('mining', 'edge_occurrences') }} as edge_occurrences
where
    exists (
        select from {{ source('event_log', 'processes') }} as processes
        where processes.process = edge_occurrences.process and processes.is_case_level_public
    )
