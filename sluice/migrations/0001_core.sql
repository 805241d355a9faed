-- The warehouse's fixed part: what is the same for every process and every source system.
-- Applied once, in one transaction, by sluice.warehouse.migrate(); a change after a release is a new file.
-- Raw tables (raw_<system>.<table>) are made by the extractors from their table specs, candidate tables by dbt and the
-- import; both by name only, so a new process or system needs nothing here.

create schema if not exists staging;       -- dbt views: rename and cast only
create schema if not exists intermediate;  -- dbt: one model per kind of event, touched cases
create schema if not exists candidate;     -- what the gate looks at, touched cases only; <process>__<table>
create schema if not exists event_log;     -- published
create schema if not exists mining;        -- published
create schema if not exists quality;       -- what the gate found
create schema if not exists ops;           -- what ran
create schema if not exists bi;            -- views: the one thing that readers may read

-- ops ---------------------------------------------------------------------------------------------------------------

-- One row per load of a source system; `version` stamps every raw row that the load inserted, changed or deleted.
create table ops.loads (
    version bigint generated always as identity primary key,
    run_id text not null,
    system text not null,
    mode text not null check (mode in ('full', 'night', 'window')),
    window_start timestamptz,
    window_end timestamptz,
    source_snapshot_at timestamptz,
    state text not null check (state in ('copied', 'landed', 'blocked')),
    read_count bigint not null default 0,
    inserted_count bigint not null default 0,
    updated_count bigint not null default 0,
    deleted_count bigint not null default 0,
    quarantined_count bigint not null default 0,
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    message text
);

create table ops.load_tables (
    version bigint not null references ops.loads (version) on delete cascade,
    table_name text not null,
    read_count bigint not null default 0,
    inserted_count bigint not null default 0,
    updated_count bigint not null default 0,
    deleted_count bigint not null default 0,
    seconds double precision,
    primary key (version, table_name)
);

create table ops.watermarks (
    system text not null,
    table_name text not null,
    cursor_value timestamptz not null,
    version bigint not null,
    primary key (system, table_name)
);

-- One row per agent file ever seen, by content.
create table ops.files (
    file_id text primary key,          -- first 16 hex digits of the content's SHA-256
    system text not null,
    format text,                       -- null when it could not be told
    name_key text not null,            -- keyed hash of the file's name (names can be personal)
    byte_count bigint not null,
    state text not null check (state in ('landed', 'refused', 'empty')),
    row_count bigint not null default 0,
    landed_count bigint not null default 0,
    quarantined_count bigint not null default 0,
    reason text,
    derivation_version int not null,
    version bigint not null,
    seen_at timestamptz not null default clock_timestamp()
);

create table ops.runs (
    run_id text primary key,           -- <dag_id>/<partition day>/<airflow run id>, or import/<process>/<file id>
    kind text not null check (kind in ('extract', 'mine', 'import')),
    subject text not null,             -- the system or the process
    day date,
    as_of timestamptz,
    state text not null check (state in ('running', 'published', 'landed', 'blocked', 'failed')),
    message text,
    parameters jsonb not null default '{}',
    started_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz
);

create table ops.steps (
    run_id text not null,
    step text not null,
    attempt int not null default 1,
    state text not null check (state in ('running', 'done', 'blocked', 'failed')),
    rows_in bigint,
    rows_out bigint,
    seconds double precision,
    message text,
    started_at timestamptz not null default clock_timestamp(),
    primary key (run_id, step, attempt)
);

-- Where each process stands: everything landed up to gated_version has been looked at.
create table ops.process_state (
    process text primary key,
    gated_version bigint not null,
    fingerprint text not null,         -- of its YAML, SQL and reference data: another one means a full rebuild
    as_of timestamptz not null,
    run_id text not null,
    published_at timestamptz not null default clock_timestamp()
);

-- Which raw rows made which case, at its last gating: how a changed row finds the case that it used to belong to.
create table ops.case_rows (
    process text not null,
    source_table text not null,
    source_key text not null,
    case_id text not null,
    primary key (process, source_table, source_key, case_id)
);
create index case_rows_case on ops.case_rows (process, case_id);

-- quality -----------------------------------------------------------------------------------------------------------

create table quality.check_results (
    run_id text not null,
    subject text not null,             -- the process, or the source system
    layer text not null check (layer in ('landing', 'candidate', 'mining')),
    check_name text not null,
    severity text not null check (severity in ('block', 'quarantine', 'warn')),
    is_success boolean not null,
    checked_count bigint,
    unexpected_count bigint not null default 0,
    message text not null,             -- one line: what was expected, what was found, what to do
    checked_at timestamptz not null default clock_timestamp(),
    primary key (run_id, subject, layer, check_name)
);

create table quality.quarantined_cases (
    process text not null,
    case_id text not null,
    check_name text not null,
    reason text not null,
    first_seen_at timestamptz not null default clock_timestamp(),
    run_id text not null,
    primary key (process, case_id, check_name)
);

-- Source rows that could not be used. Never their content.
create table quality.quarantined_rows (
    system text not null,
    source_table text not null,        -- a table, or an agent format
    source_key text not null,          -- the row's key, or <file_id>:<line>
    check_name text not null,
    reason text not null,
    first_seen_at timestamptz not null default clock_timestamp(),
    version bigint not null,
    primary key (system, source_table, source_key, check_name)
);

-- event_log ---------------------------------------------------------------------------------------------------------

create table event_log.processes (
    process text primary key,
    title text not null,
    kind text not null check (kind in ('declared', 'imported')),
    order_declared text not null,      -- e.g. 'occurred_at, rank, source_seq, event_id'
    is_case_level_public boolean not null default true,
    k_anonymity int not null default 5,
    as_of timestamptz not null,
    run_id text not null,
    loaded_at timestamptz not null
);

create table event_log.events (
    process text not null,
    event_id uuid not null,
    case_id text not null,
    case_key bigint not null,
    event_seq int not null,
    activity text not null,
    activity_key int not null,
    occurred_at timestamptz not null,
    started_at timestamptz,
    lifecycle text,
    resource text,
    source_system text not null,
    source_table text not null,
    source_key text not null,
    source_seq bigint,
    order_basis text not null,
    loaded_at timestamptz not null,
    primary key (process, case_key, event_seq)
) partition by list (process);
create index events_event_id on event_log.events (process, event_id);
create index events_source on event_log.events (process, source_table, source_key);

create table event_log.cases (
    process text not null,
    case_id text not null,
    case_key bigint not null,
    started_at timestamptz not null,
    ended_at timestamptz not null,
    event_count int not null,
    variant_id text not null,
    is_open boolean not null,
    primary key (process, case_key)
) partition by list (process);
create index cases_case_id on event_log.cases (process, case_id);
create index cases_variant on event_log.cases (process, variant_id);

create table event_log.activities (
    process text not null,
    activity_key int not null,
    activity text not null,
    rank int,
    category text,
    is_automated boolean not null default false,
    primary key (process, activity_key)
);

-- How often times tied within a case, and what decided the order there.
create table event_log.order_ties (
    process text not null,
    order_basis text not null,
    tied_event_count bigint not null,
    tied_case_count bigint not null,
    primary key (process, order_basis)
);
