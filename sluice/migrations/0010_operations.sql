-- Knowing what happened: versions and parameters of every run, alerts, retention and backups; and what the columns of ops mean.

alter table ops.runs add column versions jsonb not null default '{}';
alter table ops.runs add column fingerprint text;
alter table ops.steps add column error_class text;
alter table ops.steps add column finished_at timestamptz;
create index runs_day on ops.runs (day, subject);

comment on table ops.migrations is 'One row per applied migration of the warehouse.';
comment on column ops.migrations.name is 'File name in sluice/migrations, without its ending.';
comment on column ops.migrations.checksum is 'SHA-256 of the file as it was applied; a file that differs now is refused.';
comment on column ops.migrations.sluice_version is 'The release of Sluice that applied it.';

comment on table ops.runs is 'One row per run of a source system (extract), a process (mine) or an imported log (import).';
comment on column ops.runs.run_id is '<dag>/<partition day>/<Airflow''s run id>, or import/<process>/<file id>.';
comment on column ops.runs.subject is 'The source system or the process.';
comment on column ops.runs.day is 'The partition: the day that the run is for.';
comment on column ops.runs.as_of is 'The data horizon: what is open, late or in the future is decided by it.';
comment on column ops.runs.message is 'One line where it did not end well.';
comment on column ops.runs.parameters is
'What it was asked for (mode, window) and what that came to (full rebuild or not, the versions of raw that it looked at).';
comment on column ops.runs.versions is
'Versions of Sluice and of the parts that decide a result: dbt, Great Expectations, Airflow, Polars, Python, PostgreSQL.';
comment on column ops.runs.fingerprint is
'Of what decides the result besides the data: the declared tables of an extraction; YAML, models and seeds of a process.';

comment on table ops.steps is 'One row per attempt of a step of a run.';
comment on column ops.steps.rows_in is 'Rows that came in; docs/operations.md says of what, step by step.';
comment on column ops.steps.rows_out is 'Rows that went out.';
comment on column ops.steps.seconds is 'How long it took.';
comment on column ops.steps.message is 'One line: why it did not end well, or what is worth knowing.';
comment on column ops.steps.error_class is 'The kind of an error that nobody foresaw; null for those that say themselves what to do.';

comment on table ops.loads is 'One row per load of a source system; its version stamps every raw row that it inserted, changed or deleted.';
comment on column ops.loads.version is 'Rises with every load.';
comment on column ops.loads.mode is 'night (from the watermark), window (a backfill''s) or full.';
comment on column ops.loads.source_snapshot_at is 'The moment that the source was read at.';
comment on column ops.loads.message is 'New columns of the source, files refused, rows taken out by the retention.';
comment on table ops.load_tables is 'One row per table of a load.';
comment on table ops.watermarks is 'Up to where each table of a source system has been read.';
comment on table ops.files is 'One row per agent file ever seen, by its content.';
comment on column ops.files.name_key is 'Keyed hash of the file''s name: names can be personal.';
comment on table ops.process_state is 'Where each process stands: everything landed up to gated_version has been looked at.';
comment on table ops.case_rows is 'Which raw rows made which case when it was last gated.';
comment on table ops.transform_state is 'From which files the views of a layer were last made.';

-- An incident: a subject that failed, was blocked or is late. Told once when it begins and once when it is over.
create table ops.alerts (
    alert_id bigint generated always as identity primary key,
    subject text not null,
    kind text not null check (kind in ('failed', 'blocked', 'interrupted', 'late', 'test')),
    run_id text,
    day date,
    reason text not null,
    command text not null,
    opened_at timestamptz not null default clock_timestamp(),
    last_seen_at timestamptz not null default clock_timestamp(),
    seen_count int not null default 1,
    recovered_at timestamptz,
    recovery text
);
create unique index alerts_open on ops.alerts (subject, kind) where recovered_at is null;
comment on table ops.alerts is 'One row per incident: something failed, was blocked, interrupted or is late.';
comment on column ops.alerts.subject is 'The source system or the process.';
comment on column ops.alerts.run_id is 'The run that it was last seen in; null where there is none.';
comment on column ops.alerts.reason is 'One line, as it was sent: no secrets, no persons, no content of rows.';
comment on column ops.alerts.command is 'What to type to look further.';
comment on column ops.alerts.seen_count is 'How many runs it was seen in; only the first was told.';
comment on column ops.alerts.recovery is 'How it ended.';

create table ops.alert_notices (
    alert_id bigint not null references ops.alerts (alert_id) on delete cascade,
    notice text not null check (notice in ('opened', 'recovered')),
    channel text not null check (channel in ('email', 'webhook')),
    state text not null default 'waiting' check (state in ('waiting', 'sent', 'given up')),
    attempt_count int not null default 0,
    last_error text,
    sent_at timestamptz,
    primary key (alert_id, notice, channel)
);
comment on table ops.alert_notices is 'One row per notice and channel: one that could not be delivered is tried again at every look.';
comment on column ops.alert_notices.state is 'waiting, sent, or given up after too many attempts.';
comment on column ops.alert_notices.last_error is 'Why the last attempt failed.';

create table ops.retention (
    retention_id bigint generated always as identity primary key,
    system text not null,
    run_id text,
    as_of timestamptz not null,
    keep_days int not null,
    cutoff_at timestamptz not null,
    version bigint,
    expired_count bigint not null default 0,
    purged_count bigint not null default 0,
    details jsonb not null default '{}',
    executed_at timestamptz not null default clock_timestamp()
);
create index retention_system on ops.retention (system, cutoff_at);
comment on table ops.retention is 'One row per time that the declared retention took something out.';
comment on column ops.retention.system is 'The source system, or ops for the history of the runs.';
comment on column ops.retention.cutoff_at is 'What is older than this was to go; it never moves back.';
comment on column ops.retention.version is
'The load in ops.loads that took rows out, so that processes drop their cases; null where none were.';
comment on column ops.retention.expired_count is 'Rows that were marked as gone because of their age.';
comment on column ops.retention.purged_count is 'Rows marked as gone whose content was erased.';
comment on column ops.retention.details is 'The counts by table.';

create table ops.backups (
    backup_id bigint generated always as identity primary key,
    location text not null,
    format text not null check (format in ('custom', 'directory')),
    byte_count bigint not null,
    seconds double precision not null,
    pseudonym_key_id text not null,
    versions jsonb not null,
    taken_at timestamptz not null default clock_timestamp()
);
comment on table ops.backups is 'One row per backup taken with `sluice backup`.';
comment on column ops.backups.pseudonym_key_id is
'Tells one pseudonym key from another and nothing else; the key itself is never in the warehouse.';
