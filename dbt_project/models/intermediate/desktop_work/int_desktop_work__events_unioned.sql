{#- One event per action. started_at only where the source has durations and the event is the use of a window. -#}
select
    case_id,
    activity,
    occurred_at,
    null::timestamptz as started_at,
    'complete'::text as lifecycle,
    person as resource,
    'agent'::text as source_system,
    source_table,
    source_key,
    source_seq,
    1 as ordinal
from {{ ref('int_desktop_work__actions') }}
