{{ config(materialized='table', unlogged=true, post_hook="analyze {{ this }}") }}
{#- All rows of the recordings and hosts that have something new, with the session that each belongs to now. -#}
{%- for model in ['int_desktop_work__recorded_rows', 'int_desktop_work__watched_rows'] %}
select
    source_table, source_key, case_id, is_current, _version, source_seq, occurred_at, ended_at, duration_seconds, recording_key,
    person, application, action, element_key, element_label, target_kind, target_row, container_key, value_kind, value_length,
    value_relation, copy_seq, document_ref
from {{ ref(model) }}
{{ "union all" if not loop.last }}
{%- endfor %}
