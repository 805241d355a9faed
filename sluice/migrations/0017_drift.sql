-- When the figures of a process changed, from what to what. docs/drift.md.

create table if not exists mining.drifts (
    process text not null,
    figure text not null,
    rank int not null,
    kind text not null,
    activity text,
    next_activity text,
    week_start date not null,
    level_before double precision not null,
    level_after double precision not null,
    impact double precision not null,
    weeks_before int not null,
    weeks_after int not null,
    observations_before bigint not null,
    observations_after bigint not null,
    p_value double precision not null,
    q_value double precision not null,
    primary key (process, figure, rank)
);
comment on table mining.drifts is
'Weeks in which the level of a weekly figure changed, by Pettitt''s test, corrected for all tests of the process.';
comment on column mining.drifts.process is 'The process.';
comment on column mining.drifts.figure is
'started_cases, ended_cases, share_of_next, throughput_seconds or step_seconds; drift_kpis tells over which weeks.';
comment on column mining.drifts.rank is '1 is the change of the figure with the greatest impact.';
comment on column mining.drifts.kind is 'volume, control_flow or time.';
comment on column mining.drifts.activity is 'The activity whose next step the figure is about; null: it is about whole cases.';
comment on column mining.drifts.next_activity is 'The activity of the next step.';
comment on column mining.drifts.week_start is 'Monday of the first week after the change (weeks are UTC).';
comment on column mining.drifts.level_before is
'The level between the change before this one, or the beginning, and this one: cases per week, share, or seconds.';
comment on column mining.drifts.level_after is 'The level from this change to the next one, or to the end.';
comment on column mining.drifts.impact is
'|level_after - level_before| in a week after it: cases; steps that go another way; seconds of all its steps or cases together.';
comment on column mining.drifts.weeks_before is 'Weeks that level_before is the level of.';
comment on column mining.drifts.weeks_after is 'Weeks that level_after is the level of.';
comment on column mining.drifts.observations_before is 'Cases or steps in the weeks before.';
comment on column mining.drifts.observations_after is 'Cases or steps in the weeks after.';
comment on column mining.drifts.p_value is 'Of Pettitt''s test (1979), his approximation.';
comment on column mining.drifts.q_value is
'The p-value corrected for all tests of the process (Benjamini and Hochberg 1995); at most 0.05.';

create table if not exists mining.drift_kpis (
    process text not null,
    figure text not null,
    series_count bigint not null,
    first_week_start date,
    last_week_start date,
    tested_count bigint not null,
    drift_count bigint not null,
    primary key (process, figure)
);
comment on table mining.drift_kpis is 'What was looked at for drift, one row per figure.';
comment on column mining.drift_kpis.process is 'The process.';
comment on column mining.drift_kpis.figure is
'started_cases, ended_cases, share_of_next, throughput_seconds or step_seconds.';
comment on column mining.drift_kpis.series_count is 'Weekly series of the figure that are long enough for a change.';
comment on column mining.drift_kpis.first_week_start is 'Monday of the first week of any of them.';
comment on column mining.drift_kpis.last_week_start is 'Monday of the last week of any of them.';
comment on column mining.drift_kpis.tested_count is 'Series, and parts of series on the sides of a change, that were tested.';
comment on column mining.drift_kpis.drift_count is 'Rows in drifts.';
