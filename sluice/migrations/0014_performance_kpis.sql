-- Bottlenecks, work in progress, survival, quality of work, batches, causes of waiting, due dates; docs/performance_kpis.md
-- defines every figure.

create table if not exists mining.bottlenecks (
    process text not null,
    kind text not null,
    time_rank bigint not null,
    cost_rank bigint,
    source_activity text,
    target_activity text not null,
    wait_count bigint not null,
    case_count bigint not null,
    lost_seconds double precision not null,
    working_lost_seconds double precision not null,
    working_lost_share double precision not null,
    cumulative_share double precision not null,
    excess_seconds double precision not null,
    processing_seconds double precision not null,
    currency text,
    waiting_cost double precision,
    processing_cost double precision,
    cost double precision,
    primary key (process, kind, time_rank)
);
comment on table mining.bottlenecks is
'One row per activity and per arc, ranked by the working time that cases lie before it, and by what that costs.';
comment on column mining.bottlenecks.kind is 'activity, or arc.';
comment on column mining.bottlenecks.excess_seconds is 'What of the working time lost lies beyond the median of the place.';
comment on column mining.bottlenecks.cost is 'At the rates that the process declares; null if it declares none.';

create table if not exists mining.work_in_progress (
    process text not null,
    day date not null,
    arrival_count bigint not null,
    completion_count bigint not null,
    case_count bigint not null,
    mean_in_progress double precision not null,
    primary key (process, day)
);
comment on table mining.work_in_progress is 'One row per day, in the zone of the process''s calendar.';
comment on column mining.work_in_progress.case_count is 'Cases in progress at the end of the day.';
comment on column mining.work_in_progress.mean_in_progress is 'Cases in progress, mean over the time of the day.';

create table if not exists mining.queue_lengths (
    process text not null,
    activity text not null,
    day date not null,
    joined_count bigint not null,
    left_count bigint not null,
    case_count bigint not null,
    mean_in_queue double precision not null,
    primary key (process, activity, day)
);
comment on table mining.queue_lengths is
'One row per activity and day on which cases waited for it, as far as it came to them at last.';
comment on column mining.queue_lengths.case_count is 'Cases that wait for it at the end of the day.';

create table if not exists mining.littles_law (
    process text not null,
    window_kind text not null,
    window_start date not null,
    day_count bigint not null,
    arrival_count bigint not null,
    completion_count bigint not null,
    mean_in_progress double precision not null,
    arrivals_per_day double precision not null,
    completions_per_day double precision not null,
    mean_throughput_seconds double precision,
    expected_in_progress double precision,
    residual double precision,
    relative_residual double precision,
    is_stable boolean not null,
    is_consistent boolean,
    primary key (process, window_kind, window_start)
);
comment on table mining.littles_law is
'Little''s law, L = lambda W, in each month and over all: what is in progress against arrivals times throughput time.';
comment on column mining.littles_law.residual is 'mean_in_progress less expected_in_progress.';
comment on column mining.littles_law.is_stable is 'Arrivals and completions differ by at most a tenth.';
comment on column mining.littles_law.is_consistent is 'The residual is at most a tenth of what is in progress.';

create table if not exists mining.throughput_quantiles (
    process text not null,
    completed_share double precision not null,
    survival_seconds double precision,
    lower_seconds double precision,
    upper_seconds double precision,
    closed_seconds double precision,
    all_seconds double precision,
    primary key (process, completed_share)
);
comment on table mining.throughput_quantiles is
'By when a share of the cases is done: with open cases censored (Kaplan-Meier), and as plain percentiles.';
comment on column mining.throughput_quantiles.survival_seconds is 'Kaplan-Meier; null if the curve does not come so far.';
comment on column mining.throughput_quantiles.lower_seconds is 'Its lower limit, 95 %.';
comment on column mining.throughput_quantiles.upper_seconds is 'Its upper limit, 95 %; null if the curve does not come so far.';
comment on column mining.throughput_quantiles.closed_seconds is 'Percentile of the closed cases alone.';
comment on column mining.throughput_quantiles.all_seconds is 'Percentile of all cases, open ones as if they were done.';

create table if not exists mining.survival_curve (
    process text not null,
    elapsed_seconds double precision not null,
    open_share double precision not null,
    lower_share double precision not null,
    upper_share double precision not null,
    at_risk_count bigint not null,
    ended_count bigint not null,
    primary key (process, elapsed_seconds)
);
comment on table mining.survival_curve is
'What share of the cases lasts longer than a time (Kaplan-Meier), at a point for each two-hundredth of them.';

create table if not exists mining.quality_of_work (
    process text not null,
    closed_count bigint not null,
    right_first_time_count bigint not null,
    right_first_time_share double precision,
    event_count bigint not null,
    repeat_count bigint not null,
    repeat_share double precision,
    ping_pong_count bigint not null,
    ping_pong_case_count bigint not null,
    automated_count bigint not null,
    automated_share double precision,
    touchless_count bigint not null,
    touchless_share double precision,
    primary key (process)
);
comment on table mining.quality_of_work is 'One row per process: right the first time, rework, ping-pong, automation.';

create table if not exists mining.ping_pongs (
    process text not null,
    activity text not null,
    other_activity text not null,
    ping_pong_count bigint not null,
    case_count bigint not null,
    primary key (process, activity, other_activity)
);
comment on table mining.ping_pongs is 'One row per pair of activities that follow one another as a, b, a.';

create table if not exists mining.batches (
    process text not null,
    activity text not null,
    kind text not null,
    batch_count bigint not null,
    event_count bigint not null,
    case_count bigint not null,
    event_share double precision not null,
    mean_size double precision not null,
    max_size bigint not null,
    total_batch_wait_seconds double precision not null,
    resource_count bigint not null,
    primary key (process, activity, kind)
);
comment on table mining.batches is
'One row per activity and kind of batch: work that one resource does for several cases together.';
comment on column mining.batches.kind is 'simultaneous, concurrent or sequential.';
comment on column mining.batches.total_batch_wait_seconds is
'From when a case was there until the last of its batch was, of all cases together.';

create table if not exists mining.waiting_causes (
    process text not null,
    activity text not null,
    wait_count bigint not null,
    resource_count bigint not null,
    total_wait_seconds double precision not null,
    batching_seconds double precision not null,
    batching_share double precision not null,
    unavailability_seconds double precision not null,
    unavailability_share double precision not null,
    contention_seconds double precision not null,
    contention_share double precision not null,
    prioritisation_seconds double precision not null,
    prioritisation_share double precision not null,
    extraneous_seconds double precision not null,
    extraneous_share double precision not null,
    primary key (process, activity)
);
comment on table mining.waiting_causes is
'One row per activity: the time that cases lie before it, split into five causes.';

create table if not exists mining.due_dates (
    process text not null,
    case_id text not null,
    case_key bigint not null,
    rule text not null,
    due_at timestamptz not null,
    done_at timestamptz,
    is_late boolean,
    late_seconds double precision,
    primary key (process, case_key, rule)
);
comment on table mining.due_dates is 'One row per case and declared rule: when something was due and when it was done.';
comment on column mining.due_dates.late_seconds is 'How long after; 0 if in time, null if not done.';

create table if not exists mining.due_date_kpis (
    process text not null,
    rule text not null,
    case_count bigint not null,
    done_count bigint not null,
    late_count bigint not null,
    late_share double precision,
    overdue_count bigint not null,
    pending_count bigint not null,
    not_done_count bigint not null,
    total_late_seconds double precision not null,
    primary key (process, rule)
);
comment on table mining.due_date_kpis is 'One row per declared rule: how many cases kept it.';
comment on column mining.due_date_kpis.late_share is 'Of those done.';
comment on column mining.due_date_kpis.overdue_count is 'Open cases, not done, whose time was over at the last event.';
comment on column mining.due_date_kpis.pending_count is 'Open cases, not done, whose time was not over at the last event.';
comment on column mining.due_date_kpis.not_done_count is 'Closed cases in which it was never done.';
