{#- Rows of recordings with their sessions: the runs of one recording and person without a pause over 30 minutes, in the order of
    the rows; times jump backwards, so a pause is the absolute difference. A recording is made anew as a whole: its rows land
    together, and the version of each is the newest of all. Deleted rows stay in, without a case. -#}
with
changed_files as (
    {%- for table in ['rpa_logger', 'smartrpa'] %}
    select file_id from {{ source('raw_agent', table) }}
    {%- if not var('full_rebuild') %}
    where _version > {{ var('gated_version') | int }}
    {%- endif %}
    union
    {%- endfor %}
    select split_part(case_id, ':', 1)
    from {{ source('quality', 'quarantined_cases') }}
    where process = 'desktop_work'
),

recorded as (
    {%- for table in ['rpa_logger', 'smartrpa'] %}
    select
        '{{ table }}'::text as source_table,
        raw.file_id, raw.source_seq, raw.occurred_at, raw.person, raw.application, raw.action, raw.element_key, raw.element_label,
        raw.target_kind, raw.target_row, raw.container_key, raw.value_kind, raw.value_length, raw.value_relation, raw.copy_seq,
        raw.document_ref, not raw._is_deleted as is_current,
        max(raw._version) over (partition by raw.file_id) as _version
    from {{ source('raw_agent', table) }} as raw
    where raw.file_id in (select changed_files.file_id from changed_files)
    {{ "union all" if not loop.last }}
    {%- endfor %}
),

paused as (
    select
        recorded.*,
        coalesce(
            abs(extract(epoch from occurred_at - lag(occurred_at) over in_recording)) > 1800,
            true
        ) as is_start
    from recorded
    window in_recording as (partition by source_table, file_id, is_current, person order by source_seq)
),

numbered as (
    select
        paused.*,
        count(*) filter (where is_start) over (
            partition by source_table, file_id, is_current, person order by source_seq
        ) as session_number
    from paused
),

recorded_rows as (
    select
        numbered.*,
        case
            when is_current
                then file_id || ':' || min(source_seq) over (partition by source_table, file_id, is_current, person, session_number)
        end as case_id,
        greatest(extract(epoch from lead(occurred_at) over in_session - occurred_at), 0) as duration_seconds
    from numbered
    window in_session as (
        partition by source_table, file_id, is_current, person, session_number order by source_seq
    )
)

select
    source_table,
    file_id || ':' || source_seq as source_key,
    case_id,
    is_current,
    _version,
    source_seq,
    occurred_at,
    null::timestamptz as ended_at,
    duration_seconds,
    file_id as recording_key,
    person,
    application,
    action,
    element_key,
    element_label,
    target_kind,
    target_row,
    container_key,
    value_kind,
    value_length,
    value_relation,
    copy_seq,
    document_ref
from recorded_rows
