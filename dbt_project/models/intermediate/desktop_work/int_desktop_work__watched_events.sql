{#- ActivityWatch: one row per bucket and start, however often it was exported, of the hosts that have something new.
    `_version` is when the winning content came first, or when a row of it was changed or deleted: the same event exported
    again is nothing new. Events of which all rows are deleted stay in, with is_current false. -#}
with
changed_hosts as (
    select coalesce(host_key, stream_key) as host_key
    from {{ source('raw_agent', 'activitywatch') }}
    {%- if not var('full_rebuild') %}
    where _version > {{ var('gated_version') | int }}
    {%- endif %}
    union
    select split_part(case_id, '@', 1)
    from {{ source('quality', 'quarantined_cases') }}
    where process = 'desktop_work'
),

landed as (
    select
        raw.*,
        coalesce(raw.host_key, raw.stream_key) as host,
        raw._version > derived.first_version as is_changed,
        -- rank 1: the winner's content; the same order as in stg_agent__activitywatch
        dense_rank() over (
            partition by raw.stream_key, raw.occurred_at
            order by
                raw._is_deleted, raw.derivation_version desc, raw.ended_at desc, raw.application collate "C",
                raw.action collate "C", raw.container_key collate "C", raw.document_ref collate "C", raw.person collate "C"
        ) as content_rank
    from {{ source('raw_agent', 'activitywatch') }} as raw
    inner join {{ source('raw_agent', '_derivations') }} as derived on raw.file_id = derived.file_id
    where coalesce(raw.host_key, raw.stream_key) in (select changed_hosts.host_key from changed_hosts)
),

grouped as (
    select
        stream_key,
        occurred_at,
        bool_or(not _is_deleted) as is_current,
        bool_or(action = 'away') as was_away,
        max(ended_at) as last_ended_at,
        greatest(
            min(_version) filter (where content_rank = 1),
            max(_version) filter (where _is_deleted or is_changed)
        ) as _version
    from landed
    group by stream_key, occurred_at
),

watched_events as (
    select distinct on (landed.stream_key, landed.occurred_at)
        landed.stream_key,
        landed.host,
        landed.occurred_at,
        landed.ended_at,
        grouped.last_ended_at,
        landed.person,
        landed.application,
        landed.action,
        landed.target_kind,
        landed.container_key,
        landed.document_ref,
        grouped.is_current,
        grouped.was_away,
        grouped._version,
        landed.action in ('use_window', 'view_page', 'edit_file') and landed.application <> 'Lock screen' as is_work,
        landed.action = 'away' or landed.application = 'Lock screen' as is_away
    from landed
    inner join grouped on landed.stream_key = grouped.stream_key and landed.occurred_at = grouped.occurred_at
    where landed.content_rank = 1
    order by landed.stream_key, landed.occurred_at
)

select
    stream_key, host, occurred_at, ended_at, last_ended_at, person, application, action, target_kind, container_key, document_ref,
    is_current, was_away, _version, is_work, is_away
from watched_events
