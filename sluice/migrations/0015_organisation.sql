-- The organisation behind a process: figures about its persons in groups of at least k, never one of them; and the key by
-- which an export finds the auditor's rows.

create or replace view bi_audit.event_resources as
select
    events.process,
    events.case_id,
    events.event_seq,
    events.event_id,
    events.activity,
    events.occurred_at,
    events.resource,
    events.case_key
from event_log.events as events;

create table if not exists mining.handovers (
    process text not null,
    source_activity text not null,
    target_activity text not null,
    is_handover boolean not null,
    edge_count bigint not null,
    case_count bigint not null,
    person_count bigint not null,
    mean_seconds double precision not null,
    median_seconds double precision not null,
    total_seconds double precision not null,
    primary key (process, source_activity, target_activity, is_handover)
);
comment on table mining.handovers is
'Handover of work: one row per arc whose two persons are known, and whether they differ; each row of at least k persons.';
comment on column mining.handovers.process is 'The process.';
comment on column mining.handovers.source_activity is 'The activity that came first.';
comment on column mining.handovers.target_activity is 'The activity that came directly after it.';
comment on column mining.handovers.is_handover is 'Whether another person did the second; false: the same one.';
comment on column mining.handovers.edge_count is 'How often.';
comment on column mining.handovers.case_count is 'In how many cases.';
comment on column mining.handovers.person_count is 'Different persons, on either side.';
comment on column mining.handovers.mean_seconds is 'Mean time between the two, as in dfg.';
comment on column mining.handovers.median_seconds is 'Median time between the two.';
comment on column mining.handovers.total_seconds is 'Sum of the times.';

create table if not exists mining.roles (
    process text not null,
    role_id text not null,
    rank int not null,
    activities text [] not null,
    activity_count bigint not null,
    event_count bigint not null,
    event_share double precision not null,
    person_count bigint not null,
    primary key (process, role_id)
);
comment on table mining.roles is
'Roles: groups of activities that the same persons do in like parts (Burattin et al. 2013); each of at least k persons.';
comment on column mining.roles.process is 'The process.';
comment on column mining.roles.role_id is 'Hash of the activities.';
comment on column mining.roles.rank is '1 has most events; equal counts in the order of role_id.';
comment on column mining.roles.activities is 'The activities, by name.';
comment on column mining.roles.activity_count is 'How many activities.';
comment on column mining.roles.event_count is 'Events of these activities whose person is known.';
comment on column mining.roles.event_share is 'Part of all events whose person is known, 0 to 1.';
comment on column mining.roles.person_count is 'Different persons who did them.';

create table if not exists mining.working_together (
    process text not null,
    persons_per_case int not null,
    case_count bigint not null,
    case_share double precision not null,
    person_count bigint not null,
    mean_seconds double precision not null,
    median_seconds double precision not null,
    primary key (process, persons_per_case)
);
comment on table mining.working_together is
'How many persons work on a case: one row per number of persons, resting on at least k of them, or on nobody (0).';
comment on column mining.working_together.process is 'The process.';
comment on column mining.working_together.persons_per_case is 'Different persons of a case.';
comment on column mining.working_together.case_count is 'Cases with so many.';
comment on column mining.working_together.case_share is 'Part of all cases, 0 to 1.';
comment on column mining.working_together.person_count is 'Different persons behind these cases.';
comment on column mining.working_together.mean_seconds is 'Mean throughput time of these cases.';
comment on column mining.working_together.median_seconds is 'Median throughput time of these cases.';

create table if not exists mining.workload_by_day (
    process text not null,
    day date not null,
    event_count bigint not null,
    case_count bigint not null,
    person_count bigint,
    person_event_count bigint,
    mean_events_per_person double precision,
    primary key (process, day)
);
comment on table mining.workload_by_day is 'Workload: one row per day (UTC) with an event.';
comment on column mining.workload_by_day.process is 'The process.';
comment on column mining.workload_by_day.day is 'The day, from 00:00 to 24:00 UTC.';
comment on column mining.workload_by_day.event_count is 'Events of the day.';
comment on column mining.workload_by_day.case_count is 'Cases with an event on the day.';
comment on column mining.workload_by_day.person_count is 'Different persons who did them; null below k.';
comment on column mining.workload_by_day.person_event_count is
'Events of the day whose person is known; null below k persons.';
comment on column mining.workload_by_day.mean_events_per_person is 'Events per person; null below k persons.';

create table if not exists mining.organisation_kpis (
    process text primary key,
    person_count bigint,
    person_event_count bigint,
    person_event_share double precision,
    known_edge_count bigint,
    handover_count bigint,
    handover_share double precision,
    subcontract_count bigint,
    pair_count bigint,
    pair_share double precision,
    mean_partner_count double precision,
    mean_persons_per_case double precision
);
comment on table mining.organisation_kpis is
'Figures of the organisation behind a process, one row each; null where fewer than k persons stand behind a figure.';
comment on column mining.organisation_kpis.process is 'The process.';
comment on column mining.organisation_kpis.person_count is 'Different persons.';
comment on column mining.organisation_kpis.person_event_count is 'Events whose person is known.';
comment on column mining.organisation_kpis.person_event_share is 'Part of all events, 0 to 1.';
comment on column mining.organisation_kpis.known_edge_count is
'Times that an event came directly after another, both persons known.';
comment on column mining.organisation_kpis.handover_count is 'Of these, how often the persons differ.';
comment on column mining.organisation_kpis.handover_share is 'The part of these, 0 to 1.';
comment on column mining.organisation_kpis.subcontract_count is
'How often one person came between two events of another one, directly.';
comment on column mining.organisation_kpis.pair_count is 'Pairs of persons who worked on the same case at least once.';
comment on column mining.organisation_kpis.pair_share is 'Part of all possible pairs, 0 to 1 (density of the network).';
comment on column mining.organisation_kpis.mean_partner_count is
'With how many others a person shared a case, in the mean.';
comment on column mining.organisation_kpis.mean_persons_per_case is 'Different persons of a case, in the mean.';
