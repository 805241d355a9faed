-- The quality model: what a check speaks of, what it found case by case, what its findings do to the figures, and the
-- counts per day by which gaps, volumes and drifts are seen without reading the whole log again.

alter table quality.check_results add column if not exists dimension text;
alter table quality.check_results add column if not exists pattern text;
alter table quality.check_results add column if not exists case_count bigint;
comment on table quality.check_results is 'One row per check of a run and layer.';
comment on column quality.check_results.dimension is
'Which quality of the data the check speaks of: structure, completeness, timeliness, precision, consistency, validity,
uniqueness, volume, drift, referential or privacy.';
comment on column quality.check_results.pattern is
'The event-log imperfection pattern (Suriadi et al., 2017) whose signature the check looks for; null for other checks.';
comment on column quality.check_results.case_count is
'How many cases it named; for quarantined_share: how many cases of the process are in quarantine. Null where a check
names no cases.';

create table if not exists quality.findings (
    process text not null,
    check_name text not null,
    finding_key text not null,
    case_id text,
    reason text not null,
    severity text not null check (severity in ('quarantine', 'warn')),
    bad_row_count bigint not null,
    first_seen_at timestamptz not null default clock_timestamp(),
    run_id text not null,
    primary key (process, check_name, finding_key)
);
create index if not exists findings_case on quality.findings (process, case_id);
comment on table quality.findings is
'What the checks of a process found when it was last published: one row per check and case, or, for a check of the log
as a whole, per line of what it found.';
comment on column quality.findings.finding_key is 'The case, or the line itself where no case is named.';
comment on column quality.findings.case_id is 'The case; null where a check speaks of the log as a whole.';
comment on column quality.findings.reason is 'Why, in one line.';
comment on column quality.findings.severity is 'quarantine: the case is left out of everything else; warn: it is in.';
comment on column quality.findings.bad_row_count is 'Bad rows (mostly events) of the case, or behind the line.';
comment on column quality.findings.first_seen_at is 'When the check first found it, without interruption since.';
comment on column quality.findings.run_id is 'The run that last wrote the row.';

create table if not exists quality.finding_effects (
    process text not null,
    check_name text not null,
    kpi text not null,
    case_count bigint not null,
    with_value double precision,
    without_value double precision,
    run_id text not null,
    primary key (process, check_name, kpi)
);
comment on table quality.finding_effects is
'What the cases that a check names do to the figures of their process: each figure with them and without them.';
comment on column quality.finding_effects.kpi is
'The figure: case_count, event_count, variant_count, median_seconds, mean_seconds, p90_seconds or rework_case_share.';
comment on column quality.finding_effects.case_count is 'How many cases the check names.';
comment on column quality.finding_effects.with_value is
'The figure over the published cases and those of the check, also where these are in quarantine.';
comment on column quality.finding_effects.without_value is 'The figure over the published cases without those of the check.';
comment on column quality.finding_effects.run_id is 'The run that last wrote the row.';

create table if not exists quality.daily_counts (
    process text not null,
    day date not null,
    activity text not null,
    event_count bigint not null,
    midnight_count bigint not null,
    whole_hour_count bigint not null,
    whole_minute_count bigint not null,
    whole_second_count bigint not null,
    primary key (process, day, activity)
);
comment on table quality.daily_counts is
'How many events of each activity the published log has per day, and how many of their times are round. Kept up with
each publication by what it changes.';
comment on column quality.daily_counts.day is 'Day in UTC.';
comment on column quality.daily_counts.midnight_count is 'Of them at 00:00:00 of the source''s zone (UTC where none is declared).';
comment on column quality.daily_counts.whole_hour_count is 'Of them at a whole hour, midnight included.';
comment on column quality.daily_counts.whole_minute_count is 'Of them at a whole minute, whole hours included.';
comment on column quality.daily_counts.whole_second_count is 'Of them at a whole second, whole minutes included.';

-- what was published before this release is counted once
insert into quality.daily_counts (
    process, day, activity, event_count, midnight_count, whole_hour_count, whole_minute_count, whole_second_count
)
select
    events.process,
    (events.occurred_at at time zone 'UTC')::date as day,
    events.activity,
    count(*) as event_count,
    count(*) filter (where date_trunc('day', events.occurred_at, 'UTC') = events.occurred_at) as midnight_count,
    count(*) filter (where date_trunc('hour', events.occurred_at) = events.occurred_at) as whole_hour_count,
    count(*) filter (where date_trunc('minute', events.occurred_at) = events.occurred_at) as whole_minute_count,
    count(*) filter (where date_trunc('second', events.occurred_at) = events.occurred_at) as whole_second_count
from event_log.events as events
group by 1, 2, 3
on conflict do nothing;
