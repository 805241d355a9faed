-- Conformance: rules and which cases break them; the reference model and how cases deviate from it; footprints.

create table if not exists mining.rule_results (
    process text not null,
    rule text not null,
    rule_number int not null,
    template text not null,
    expected text not null,
    description text not null,
    case_count bigint not null,
    activation_count bigint not null,
    violating_case_count bigint not null,
    violation_count bigint not null,
    violating_case_share double precision,
    pending_case_count bigint not null,
    pending_count bigint not null,
    primary key (process, rule)
);

comment on table mining.rule_results is 'One row per rule that the YAML of a process declares.';
comment on column mining.rule_results.rule_number is 'Its place in the YAML, from 1.';
comment on column mining.rule_results.template is 'What kind of rule it is, such as response or four_eyes.';
comment on column mining.rule_results.expected is 'What it demands, in words.';
comment on column mining.rule_results.description is 'What the YAML says about it; empty if nothing.';
comment on column mining.rule_results.case_count is 'Cases that it applies to: those with an activation.';
comment on column mining.rule_results.activation_count is
'How often it applies: events that activate it; cases, for a rule on cases as a whole.';
comment on column mining.rule_results.violating_case_count is 'Cases with a violation.';
comment on column mining.rule_results.violation_count is 'Violated activations: the rows of mining.violations.';
comment on column mining.rule_results.violating_case_share is
'violating_case_count of case_count; null where it applies to no case.';
comment on column mining.rule_results.pending_case_count is 'Open cases that still have to do what it demands.';
comment on column mining.rule_results.pending_count is 'The rows of mining.obligations.';

create table if not exists mining.violations (
    process text not null,
    rule text not null,
    case_key bigint not null,
    case_id text not null,
    event_seq int not null,
    activity text,
    related_event_seq int,
    related_activity text,
    expected text not null,
    primary key (process, rule, case_key, event_seq)
);
create index if not exists violations_case on mining.violations (process, case_key);

comment on table mining.violations is 'One row per violated activation of a rule.';
comment on column mining.violations.event_seq is
'The event that activated the rule, by its position in the case; 0: the case as a whole.';
comment on column mining.violations.activity is 'Its activity.';
comment on column mining.violations.related_event_seq is
'The event that it clashes with; null where something is missing.';
comment on column mining.violations.related_activity is 'The activity of that event.';
comment on column mining.violations.expected is 'What was expected, in words.';

create table if not exists mining.obligations (
    process text not null,
    rule text not null,
    case_key bigint not null,
    case_id text not null,
    event_seq int not null,
    activity text,
    expected text not null,
    due_at timestamptz,
    primary key (process, rule, case_key, event_seq)
);
create index if not exists obligations_case on mining.obligations (process, case_key);

comment on table mining.obligations is
'What open cases still have to do: activations that would be violations were the case over.';
comment on column mining.obligations.event_seq is
'The event that activated the rule, by its position in the case; 0: the case as a whole.';
comment on column mining.obligations.activity is 'Its activity.';
comment on column mining.obligations.expected is 'What is expected, in words.';
comment on column mining.obligations.due_at is 'Until when; null where the rule sets no time.';

create table if not exists mining.conformance_kpis (
    process text not null,
    model_source text not null,
    model text not null,
    variant_count bigint not null,
    aligned_variant_count bigint not null,
    case_count bigint not null,
    aligned_case_count bigint not null,
    fitting_case_count bigint not null,
    fitting_case_share double precision,
    mean_trace_fitness double precision,
    log_fitness double precision,
    model_precision double precision,
    total_cost bigint not null,
    shortest_path_cost int,
    primary key (process)
);

comment on table mining.conformance_kpis is 'One row per process: its log against its reference model, by alignments.';
comment on column mining.conformance_kpis.model_source is
'declared: the reference model of the YAML; happy path: the most frequent variant of closed cases.';
comment on column mining.conformance_kpis.model is 'The model: a process tree as text, or the name of its file.';
comment on column mining.conformance_kpis.aligned_variant_count is
'Variants with an alignment; the others were given up as too costly or the model has no way to its end.';
comment on column mining.conformance_kpis.aligned_case_count is 'Their cases; all figures below rest on these.';
comment on column mining.conformance_kpis.fitting_case_count is 'Cases without a deviation.';
comment on column mining.conformance_kpis.fitting_case_share is 'fitting_case_count of aligned_case_count.';
comment on column mining.conformance_kpis.mean_trace_fitness is 'Mean over cases of the fitness of their variant.';
comment on column mining.conformance_kpis.log_fitness is
'1 - total_cost / (events of the aligned cases + aligned cases times shortest_path_cost).';
comment on column mining.conformance_kpis.model_precision is
'How little more the model allows than the log shows (aligned ETConformance); null: not measured.';
comment on column mining.conformance_kpis.total_cost is 'Sum over cases of the cost of their alignment.';
comment on column mining.conformance_kpis.shortest_path_cost is 'Activities of the shortest way through the model.';

create table if not exists mining.variant_alignments (
    process text not null,
    variant_id text not null,
    case_count bigint not null,
    activity_count int not null,
    cost int,
    fitness double precision,
    log_move_count int,
    model_move_count int,
    is_fitting boolean,
    primary key (process, variant_id)
);

comment on table mining.variant_alignments is 'One row per variant: how far it is from the reference model.';
comment on column mining.variant_alignments.cost is
'Deviations of an optimal alignment; null, as what follows, where none was found.';
comment on column mining.variant_alignments.fitness is
'1 - cost / (activity_count + shortest_path_cost): 1 without deviations.';
comment on column mining.variant_alignments.log_move_count is 'Events that the model has no place for.';
comment on column mining.variant_alignments.model_move_count is 'Activities that the model demands and the log lacks.';
comment on column mining.variant_alignments.is_fitting is 'Whether there is no deviation.';

create table if not exists mining.variant_deviations (
    process text not null,
    variant_id text not null,
    deviation_number int not null,
    move text not null,
    activity text not null,
    event_seq int not null,
    primary key (process, variant_id, deviation_number)
);

comment on table mining.variant_deviations is 'One row per deviation of a variant, in the order of its alignment.';
comment on column mining.variant_deviations.move is
'log: an event too much; model: an activity that is missing.';
comment on column mining.variant_deviations.activity is 'The activity that is too much or missing.';
comment on column mining.variant_deviations.event_seq is
'The event too much; of a missing one the event after which it was due, 0 at the beginning.';

create table if not exists mining.deviations (
    process text not null,
    move text not null,
    activity text not null,
    case_count bigint not null,
    case_share double precision not null,
    deviation_count bigint not null,
    primary key (process, move, activity)
);

comment on table mining.deviations is 'One row per kind of deviation from the reference model.';
comment on column mining.deviations.move is 'log: an event too much; model: an activity that is missing.';
comment on column mining.deviations.case_count is 'Cases that deviate so.';
comment on column mining.deviations.case_share is 'Of the cases with an alignment.';
comment on column mining.deviations.deviation_count is 'How often they do.';

create table if not exists mining.footprints (
    process text not null,
    activity text not null,
    next_activity text not null,
    relation text not null,
    primary key (process, activity, next_activity)
);

comment on table mining.footprints is
'The footprint of the log: one row per pair of activities that follow each other directly, one way or the other.';
comment on column mining.footprints.relation is
'->: only in this order; <-: only the other way; ||: both ways. No row: neither.';

-- For the auditor's role: the persons (pseudonyms) behind the events that violations rest on.
create or replace view bi_audit.violation_resources as
select
    violations.process,
    violations.rule,
    violations.case_id,
    violations.event_seq,
    events.event_id,
    events.activity,
    events.occurred_at,
    events.resource,
    violations.related_event_seq,
    related_events.event_id as related_event_id,
    related_events.activity as related_activity,
    related_events.occurred_at as related_occurred_at,
    related_events.resource as related_resource
from mining.violations as violations
left join event_log.events as events
    on
        violations.process = events.process
        and violations.case_key = events.case_key
        and violations.event_seq = events.event_seq
left join event_log.events as related_events
    on
        violations.process = related_events.process
        and violations.case_key = related_events.case_key
        and violations.related_event_seq = related_events.event_seq;
