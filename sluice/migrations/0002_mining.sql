-- The mining results: one table per result, for all processes; docs/mining.md defines every figure.
-- Seconds are double precision, made from exact integer microseconds; a null says "not published" (fewer persons than
-- k) or "nothing to measure". publish() replaces a process's rows of all of these in one transaction.

create schema if not exists bi_audit;  -- event-level persons (pseudonyms): the auditor's role only

-- Directly-follows graph, without start and end nodes.
create table mining.dfg (
    process text not null,
    source_activity text not null,
    target_activity text not null,
    edge_count bigint not null,        -- how often target came directly after source
    case_count bigint not null,        -- in how many cases
    backward_count bigint not null,    -- how often the target's time was before the source's: counted as 0 seconds
    mean_seconds double precision not null,
    median_seconds double precision not null,
    p90_seconds double precision not null,
    min_seconds double precision not null,
    max_seconds double precision not null,
    total_seconds double precision not null,
    primary key (process, source_activity, target_activity)
);

-- The same arcs, ranked by the total time that cases spent on them.
create table mining.slow_transitions (
    process text not null,
    rank int not null,
    source_activity text not null,
    target_activity text not null,
    edge_count bigint not null,
    case_count bigint not null,
    mean_seconds double precision not null,
    median_seconds double precision not null,
    p90_seconds double precision not null,
    total_seconds double precision not null,
    total_share double precision not null,       -- of the time on all arcs
    cumulative_share double precision not null,
    primary key (process, rank)
);

create table mining.variants (
    process text not null,
    variant_id text not null,
    rank int not null,                 -- 1 is the most frequent; equal counts in the order of variant_id
    activities text[] not null,
    activity_count int not null,       -- length of the sequence
    case_count bigint not null,
    case_share double precision not null,
    cumulative_share double precision not null,
    mean_seconds double precision not null,
    median_seconds double precision not null,
    primary key (process, variant_id)
);
create index variants_rank on mining.variants (process, rank);

create table mining.start_activities (
    process text not null,
    activity text not null,
    case_count bigint not null,
    case_share double precision not null,
    primary key (process, activity)
);

create table mining.end_activities (
    process text not null,
    activity text not null,
    case_count bigint not null,
    case_share double precision not null,
    primary key (process, activity)
);

create table mining.activity_kpis (
    process text not null,
    activity text not null,
    event_count bigint not null,
    case_count bigint not null,
    case_share double precision not null,
    start_count bigint,                -- cases that begin with it
    end_count bigint,                  -- cases that end with it
    first_at timestamptz not null,
    last_at timestamptz not null,
    mean_wait_seconds double precision,     -- since the event before it in its case
    median_wait_seconds double precision,
    p90_wait_seconds double precision,
    service_count bigint,              -- events that have a start and an end
    mean_service_seconds double precision,
    median_service_seconds double precision,
    resource_count bigint,             -- distinct persons; null below k
    primary key (process, activity)
);

-- One row per case. Empty for processes whose cases are people's sessions (is_case_level_public = false).
create table mining.case_kpis (
    process text not null,
    case_id text not null,
    case_key bigint not null,
    started_at timestamptz not null,
    ended_at timestamptz not null,
    throughput_seconds double precision not null,
    event_count bigint not null,
    activity_count bigint not null,    -- distinct activities
    rework_count bigint not null,      -- events beyond the first of their activity
    self_loop_count bigint not null,   -- events directly after one of the same activity
    start_activity text not null,
    end_activity text not null,
    longest_wait_seconds double precision,
    longest_wait_source_activity text,
    longest_wait_target_activity text,
    variant_id text not null,
    is_open boolean not null,
    primary key (process, case_key)
);
create index case_kpis_case_id on mining.case_kpis (process, case_id);
create index case_kpis_variant on mining.case_kpis (process, variant_id);

-- One row per process.
create table mining.process_kpis (
    process text primary key,
    as_of timestamptz not null,
    case_count bigint,
    open_case_count bigint,
    event_count bigint,
    activity_count bigint,
    variant_count bigint,
    edge_count bigint,                 -- distinct arcs of the directly-follows graph
    first_at timestamptz,
    last_at timestamptz,
    mean_seconds double precision,     -- case duration, all cases, open ones included
    median_seconds double precision,
    p90_seconds double precision,
    min_seconds double precision,
    max_seconds double precision,
    closed_mean_seconds double precision,
    closed_median_seconds double precision,
    mean_events_per_case double precision,
    rework_case_count bigint,          -- cases in which some activity happened more than once
    rework_case_share double precision,
    resource_count bigint,             -- distinct persons; null below k
    k_anonymity int not null,
    suppressed_count bigint not null   -- result rows left out because fewer than k persons stand behind them
);

-- ISO weeks (Monday, UTC).
create table mining.throughput_by_week (
    process text not null,
    week_start date not null,
    started_count bigint not null,     -- cases whose first event fell in the week
    ended_count bigint not null,       -- closed cases whose last event fell in the week
    mean_seconds double precision,     -- throughput time of the cases that ended
    median_seconds double precision,
    primary key (process, week_start)
);

create table mining.rework (
    process text not null,
    activity text not null,
    case_count bigint not null,        -- cases with the activity
    repeat_case_count bigint not null, -- cases that have it at least twice
    repeat_case_share double precision not null,
    repeat_count bigint not null,      -- events beyond the first of their case
    self_loop_count bigint not null,   -- events directly after one of the same activity
    max_per_case bigint not null,
    primary key (process, activity)
);

-- Desktop work. Every row rests on at least k persons.
create table mining.application_time (
    process text not null,
    application text not null,
    action_count bigint not null,
    session_count bigint not null,
    person_count bigint not null,
    total_seconds double precision not null,
    time_share double precision not null,
    mean_seconds_per_session double precision not null,
    primary key (process, application)
);

create table mining.application_switches (
    process text not null,
    source_application text not null,
    target_application text not null,
    switch_count bigint not null,
    session_count bigint not null,
    person_count bigint not null,
    switch_share double precision not null,
    primary key (process, source_application, target_application)
);

-- Contiguous sequences of actions that happen again and again.
create table mining.repeated_sequences (
    process text not null,
    sequence_id text not null,
    rank int not null,
    steps text[] not null,
    step_count int not null,
    occurrence_count bigint not null,  -- not overlapping
    session_count bigint not null,
    person_count bigint not null,
    action_count bigint not null,      -- actions covered = steps times occurrences
    action_share double precision not null,
    total_seconds double precision not null,
    mean_seconds double precision not null,
    median_seconds double precision not null,
    primary key (process, sequence_id)
);

-- What was left out of which table, and why the rest may be shown.
create table mining.suppressions (
    process text not null,
    table_name text not null,
    k_anonymity int not null,
    published_count bigint not null,
    suppressed_count bigint not null,
    primary key (process, table_name)
);

-- Lineage: every arc leads to its cases (event_seq is the target's; its predecessor has event_seq - 1). Seconds as in dfg.
create view mining.edge_occurrences as
select
    target.process,
    source.activity as source_activity,
    target.activity as target_activity,
    target.case_id,
    target.case_key,
    target.event_seq,
    source.event_id as source_event_id,
    target.event_id as target_event_id,
    greatest(
        extract(epoch from coalesce(target.started_at, target.occurred_at) - source.occurred_at), 0
    )::double precision as seconds
from event_log.events as source
inner join event_log.events as target
    on
        source.process = target.process
        and source.case_key = target.case_key
        and source.event_seq + 1 = target.event_seq;

-- For the auditor's role: who (pseudonym) did what, of every process; nothing here is aggregated.
create view bi_audit.event_resources as
select
    events.process,
    events.case_id,
    events.event_seq,
    events.event_id,
    events.activity,
    events.occurred_at,
    events.resource
from event_log.events as events;
