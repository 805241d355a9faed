-- Performance in clock and in working time; docs/performance_kpis.md defines every figure.

create table if not exists mining.case_times (
    process text not null,
    case_id text not null,
    case_key bigint not null,
    calendar text,
    throughput_microseconds bigint not null,
    waiting_microseconds bigint not null,
    idle_microseconds bigint not null,
    processing_microseconds bigint not null,
    working_throughput_microseconds bigint not null,
    working_waiting_microseconds bigint not null,
    working_idle_microseconds bigint not null,
    working_processing_microseconds bigint not null,
    primary key (process, case_key)
);

comment on table mining.case_times is
'One row per case: its throughput time split exactly into waiting, idle and processing, in clock and in working time.';
comment on column mining.case_times.calendar is 'The calendar of its working time; null: around the clock.';
comment on column mining.case_times.throughput_microseconds is
'From the earliest begin to the latest end of its events.';
comment on column mining.case_times.waiting_microseconds is
'No step of the case runs, in hours in which those who do the next one work.';
comment on column mining.case_times.idle_microseconds is
'No step of the case runs, outside the hours of those who do the next one.';
comment on column mining.case_times.processing_microseconds is
'At least one step of the case runs; known only where events have a start.';
comment on column mining.case_times.working_throughput_microseconds is
'The same between the same instants, in the hours of the calendar.';

create table if not exists mining.process_times (
    process text not null,
    case_count bigint not null,
    total_throughput_seconds double precision not null,
    total_waiting_seconds double precision not null,
    total_idle_seconds double precision not null,
    total_processing_seconds double precision not null,
    total_working_throughput_seconds double precision not null,
    total_working_waiting_seconds double precision not null,
    total_working_idle_seconds double precision not null,
    total_working_processing_seconds double precision not null,
    mean_throughput_seconds double precision not null,
    median_throughput_seconds double precision not null,
    p90_throughput_seconds double precision not null,
    mean_working_throughput_seconds double precision not null,
    median_working_throughput_seconds double precision not null,
    p90_working_throughput_seconds double precision not null,
    cycle_time_efficiency_share double precision,
    working_efficiency_share double precision,
    primary key (process)
);

comment on table mining.process_times is
'One row per process: the times of all its cases together, and what part of them is processing.';
comment on column mining.process_times.cycle_time_efficiency_share is
'Processing by throughput, clock time; null where that is 0.';
comment on column mining.process_times.working_efficiency_share is
'Processing by throughput, working time; null where that is 0.';

create table if not exists mining.activity_times (
    process text not null,
    activity text not null,
    event_count bigint not null,
    timed_count bigint not null,
    total_waiting_seconds double precision not null,
    total_idle_seconds double precision not null,
    total_processing_seconds double precision not null,
    total_working_waiting_seconds double precision not null,
    total_working_idle_seconds double precision not null,
    total_working_processing_seconds double precision not null,
    mean_working_wait_seconds double precision,
    median_working_wait_seconds double precision,
    p90_working_wait_seconds double precision,
    primary key (process, activity)
);

comment on table mining.activity_times is
'One row per activity: how long cases lay before it and how long it ran; its totals add up to those of the cases.';
comment on column mining.activity_times.timed_count is 'Its events that have a start.';
comment on column mining.activity_times.mean_working_wait_seconds is
'Working time that a case lay before it (waiting and idle); null where it only begins cases.';

create table if not exists mining.arc_times (
    process text not null,
    source_activity text not null,
    target_activity text not null,
    wait_count bigint not null,
    case_count bigint not null,
    total_waiting_seconds double precision not null,
    total_idle_seconds double precision not null,
    total_working_wait_seconds double precision not null,
    mean_working_wait_seconds double precision not null,
    median_working_wait_seconds double precision not null,
    p90_working_wait_seconds double precision not null,
    primary key (process, source_activity, target_activity)
);

comment on table mining.arc_times is
'One row per arc: how long cases lay between the step that ended last and the one that began next.';
comment on column mining.arc_times.wait_count is 'How often target began after source had ended last.';
