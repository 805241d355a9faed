{{ config(post_hook="alter view {{ this }} set (security_barrier = true)") }}

select
    edge_occurrences.process,
    edge_occurrences.source_activity,
    edge_occurrences.target_activity,
    edge_occurrences.case_id,
    edge_occurrences.case_key,
    edge_occurrences.event_seq,
    edge_occurrences.source_event_id,
    edge_occurrences.target_event_id,
    edge_occurrences.seconds
from {{ source('mining', 'edge_occurrences') }} as edge_occurrences
where
    exists (
        select from {{ source('event_log', 'processes') }} as processes
        where processes.process = edge_occurrences.process and processes.is_case_level_public
    )
