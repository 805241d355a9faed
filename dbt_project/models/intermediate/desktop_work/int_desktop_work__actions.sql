{{ config(materialized='table', unlogged=true, post_hook="analyze {{ this }}") }}
{#- The actions of the touched sessions, with the readable label that is their activity. -#}
select
    rows.case_id,
    rows.application || ': '
    || case
        when rows.action = 'paste' and rows.target_kind is not null then 'paste into ' || rows.target_kind
        else replace(rows.action, '_', ' ')
    end as activity,
    rows.source_table,
    rows.source_key,
    rows.source_seq,
    rows.occurred_at,
    rows.ended_at,
    rows.duration_seconds,
    rows.recording_key,
    rows.person,
    rows.application,
    rows.action,
    rows.element_key,
    rows.element_label,
    rows.target_kind,
    rows.target_row,
    rows.container_key,
    rows.value_kind,
    rows.value_length,
    rows.value_relation,
    rows.copy_seq,
    rows.document_ref
from {{ ref('int_desktop_work__rows') }} as rows
inner join {{ ref('int_desktop_work__touched_cases') }} as touched on rows.case_id = touched.case_id
