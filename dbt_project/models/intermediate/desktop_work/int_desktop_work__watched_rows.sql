{#- ActivityWatch events with their sessions: the runs of one host's work without a pause over 30 minutes, ended, too, by an absence over 30
    minutes. An event counts as work for 4 hours at most (a window left open overnight is none).
    A block is a run of everything that ever landed of a host: whatever sessions there were or are, each lies in one block.
    An absence shortens the windows of every block that it reaches into, without joining them. So the version of a row is the
    newest of its block and of the absences that ever reached into it: a change makes the sessions of these blocks anew, no others. -#}
with
events as materialized (
    select
        watched.*,
        case when is_work then least(ended_at, occurred_at + interval '4 hours') else occurred_at end as worked_until,
        -- by the kind of its stream, which stays: what an application counts as is declared, and may be declared otherwise
        case
            when target_kind in ('window', 'page', 'file') then least(last_ended_at, occurred_at + interval '4 hours')
            else occurred_at
        end as covered_until
    from {{ ref('int_desktop_work__watched_events') }} as watched
),

covered as (
    select
        events.*,
        coalesce(occurred_at - max(covered_until) over (
            partition by host order by occurred_at, stream_key collate "C" rows between unbounded preceding and 1 preceding
        ) > interval '30 minutes', true) as is_block_start
    from events
),

blocked as (
    select
        covered.*,
        count(*) filter (where is_block_start) over (partition by host order by occurred_at, stream_key collate "C") as block_number
    from covered
),

-- blocks and the absences that reach beyond their own, day by day, so that only those of one day meet
block_days as (
    select blocks.host, blocks.block_number, blocks.started_at, blocks.covered_until, days.day
    from (
        select host, block_number, min(occurred_at) as started_at, max(covered_until) as covered_until
        from blocked
        group by host, block_number
    ) as blocks
    cross join lateral
        generate_series(date_trunc('day', blocks.started_at, 'UTC'), blocks.covered_until, interval '1 day') as days (day)
),

away_days as (
    select away.host, away.block_number, away.occurred_at, away.last_ended_at, away._version, days.day
    from blocked as away
    cross join lateral
        generate_series(date_trunc('day', away.occurred_at, 'UTC'), away.last_ended_at, interval '1 day') as days (day)
    where away.was_away
),

reached as (
    select block_days.host, block_days.block_number, max(away_days._version) as _version
    from block_days
    inner join away_days on block_days.host = away_days.host and block_days.day = away_days.day
    where away_days.block_number < block_days.block_number and away_days.last_ended_at > block_days.started_at
    group by block_days.host, block_days.block_number
),

-- a row without an event for each block that is reached: its version counts for the block's, without a join on estimates
in_blocks as (
    select
        host, stream_key, occurred_at, ended_at, worked_until, person, application, action, target_kind, container_key, document_ref,
        is_current, is_work, is_current and is_away and ended_at - occurred_at > interval '30 minutes' as is_absence, block_number,
        _version
    from blocked
    union all
    select
        host, null, null, null, null, null, null, null, null, null, null,
        false, false, false, block_number, _version
    from reached
),

versioned as (
    select
        in_blocks.*,
        max(_version) over (partition by host, block_number) as block_version,
        count(*) filter (where is_absence) over (partition by host order by occurred_at, stream_key collate "C") as absence_count
    from in_blocks
),

work as (
    select
        versioned.*,
        coalesce(occurred_at - max(worked_until) over (
            partition by host order by occurred_at, stream_key collate "C" rows between unbounded preceding and 1 preceding
        ) > interval '30 minutes', true)
        or absence_count <> lag(absence_count) over (partition by host order by occurred_at, stream_key collate "C") as is_start
    from versioned
    where is_current and is_work
),

numbered as (
    select
        work.*,
        count(*) filter (where is_start) over (partition by host order by occurred_at, stream_key collate "C") as session_number
    from work
),

-- windows and absences hour by hour, so that only those of one hour meet
window_hours as (
    select numbered.host, numbered.stream_key, numbered.occurred_at, numbered.worked_until, hours.started_at
    from numbered
    cross join lateral
        generate_series(date_trunc('hour', numbered.occurred_at, 'UTC'), numbered.worked_until, interval '1 hour') as hours (started_at)
    where numbered.action = 'use_window'
),

away_hours as (
    select away.host, away.occurred_at, away.ended_at, hours.started_at
    from events as away
    cross join lateral
        generate_series(date_trunc('hour', away.occurred_at, 'UTC'), away.ended_at, interval '1 hour') as hours (started_at)
    where away.is_current and away.action = 'away'
),

absences as (
    select window_hours.stream_key, window_hours.occurred_at, sum(greatest(0, extract(epoch from
        least(window_hours.worked_until, away_hours.ended_at, away_hours.started_at + interval '1 hour')
        - greatest(window_hours.occurred_at, away_hours.occurred_at, away_hours.started_at)))) as away_seconds
    from window_hours
    inner join away_hours on window_hours.host = away_hours.host and window_hours.started_at = away_hours.started_at
    group by window_hours.stream_key, window_hours.occurred_at
),

in_sessions as (
    select
        numbered.stream_key,
        numbered.occurred_at,
        numbered.host || '@' || to_char(
            min(numbered.occurred_at) over (partition by numbered.host, numbered.session_number) at time zone 'UTC',
            'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'
        ) as case_id,
        case
            when numbered.action = 'use_window' then greatest(
                extract(epoch from numbered.worked_until - numbered.occurred_at) - coalesce(absences.away_seconds, 0), 0
            )
        end as duration_seconds
    from numbered
    left join absences on numbered.stream_key = absences.stream_key and numbered.occurred_at = absences.occurred_at
)

select
    'activitywatch'::text as source_table,
    versioned.stream_key || '@' || (extract(epoch from versioned.occurred_at) * 1000000)::bigint as source_key,
    in_sessions.case_id,
    versioned.is_current,
    versioned.block_version as _version,
    (extract(epoch from versioned.occurred_at) * 1000000)::bigint as source_seq,
    versioned.occurred_at,
    versioned.ended_at,
    in_sessions.duration_seconds,
    versioned.host as recording_key,
    versioned.person,
    versioned.application,
    versioned.action,
    null::text as element_key,
    null::text as element_label,
    versioned.target_kind,
    null::bigint as target_row,
    versioned.container_key,
    null::text as value_kind,
    null::bigint as value_length,
    null::text as value_relation,
    null::bigint as copy_seq,
    versioned.document_ref
from versioned
left join in_sessions on versioned.stream_key = in_sessions.stream_key and versioned.occurred_at = in_sessions.occurred_at
where versioned.stream_key is not null
