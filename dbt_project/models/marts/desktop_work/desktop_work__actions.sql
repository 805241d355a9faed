with
actions as (
    select
        events.event_id,
        events.case_id,
        events.case_key,
        events.event_seq,
        events.activity_key,
        events.occurred_at,
        actions.application,
        actions.action,
        actions.element_key,
        actions.element_label,
        actions.target_kind,
        actions.target_row,
        actions.container_key,
        actions.value_kind,
        actions.value_length,
        actions.value_relation,
        copies.event_seq as copy_event_seq,
        actions.document_ref,
        actions.duration_seconds::double precision as duration_seconds
    from {{ ref('desktop_work__events') }} as events
    inner join {{ ref('int_desktop_work__actions') }} as actions
        on events.source_table = actions.source_table and events.source_key = actions.source_key
    left join {{ ref('desktop_work__events') }} as copies
        on actions.case_id = copies.case_id and actions.source_table = copies.source_table and actions.copy_seq = copies.source_seq
)

select
    event_id, case_id, case_key, event_seq, activity_key, occurred_at, application, action, element_key, element_label,
    target_kind, target_row, container_key, value_kind, value_length, value_relation, copy_event_seq, document_ref,
    duration_seconds
from actions
