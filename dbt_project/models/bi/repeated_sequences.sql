select
    repeated_sequences.process,
    repeated_sequences.sequence_id,
    repeated_sequences.rank,
    repeated_sequences.steps,
    repeated_sequences.step_count,
    repeated_sequences.occurrence_count,
    repeated_sequences.session_count,
    repeated_sequences.person_count,
    repeated_sequences.action_count,
    repeated_sequences.action_share,
    repeated_sequences.total_seconds,
    repeated_sequences.mean_seconds,
    repeated_sequences.median_seconds
from {{ source('mining', 'repeated_sequences') }} as repeated_sequences
