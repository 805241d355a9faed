-- Discovery: what follows eventually, dependency measures, process models, what a simplified map keeps. docs/discovery.md.

create table if not exists mining.eventually_follows (
    process text not null,
    source_activity text not null,
    target_activity text not null,
    pair_count bigint not null,
    next_count bigint not null,
    case_count bigint not null,
    source_case_share double precision not null,
    target_case_share double precision not null,
    primary key (process, source_activity, target_activity)
);

comment on table mining.eventually_follows is
'One row per pair of activities of which one came some time after the other in a case.';
comment on column mining.eventually_follows.pair_count is
'Pairs of events of one case, the source''s before the target''s, whatever lies between.';
comment on column mining.eventually_follows.next_count is
'Events of the source after which the target came before the source came again.';
comment on column mining.eventually_follows.case_count is 'Cases with such a pair.';
comment on column mining.eventually_follows.source_case_share is 'case_count of the cases that have the source.';
comment on column mining.eventually_follows.target_case_share is 'case_count of the cases that have the target.';

create table if not exists mining.dependencies (
    process text not null,
    source_activity text not null,
    target_activity text not null,
    edge_count bigint not null,
    reverse_edge_count bigint not null,
    dependency double precision not null,
    two_loop_count bigint not null,
    two_loop_dependency double precision,
    next_count bigint not null,
    long_distance_dependency double precision,
    is_in_net boolean not null,
    is_long_distance boolean not null,
    primary key (process, source_activity, target_activity)
);

comment on table mining.dependencies is
'The heuristics miner''s measures (Weijters and Ribeiro 2011) per pair of activities that have one, and its net.';
comment on column mining.dependencies.edge_count is 'How often the target came directly after the source.';
comment on column mining.dependencies.reverse_edge_count is 'How often the source came directly after the target.';
comment on column mining.dependencies.dependency is
'From -1 to 1: (edges - reverse edges) / (edges + reverse edges + 1); of an activity with itself edges / (edges + 1).';
comment on column mining.dependencies.two_loop_count is 'How often source, target, source came directly after one another.';
comment on column mining.dependencies.two_loop_dependency is
'Loops of length two in both directions n: n / (n + 1); null for an activity with itself.';
comment on column mining.dependencies.next_count is
'Events of the source after which the target came before the source came again.';
comment on column mining.dependencies.long_distance_dependency is
'2 next_count / (a + b + 1) - 2 |a - b| / (a + b + 1), a and b their events; null for an activity with itself.';
comment on column mining.dependencies.is_in_net is 'Whether the heuristics miner''s dependency graph has the arc.';
comment on column mining.dependencies.is_long_distance is
'Whether the target depends on the source without an arc of the dependency graph between them.';

create table if not exists mining.models (
    process text not null,
    model_kind text not null,
    noise_threshold double precision not null,
    tree text not null,
    pnml text not null,
    bpmn text not null,
    activity_count bigint not null,
    left_out_activity_count bigint not null,
    silent_count bigint not null,
    sequence_count bigint not null,
    choice_count bigint not null,
    concurrency_count bigint not null,
    loop_count bigint not null,
    place_count bigint not null,
    transition_count bigint not null,
    arc_count bigint not null,
    gateway_count bigint not null,
    flow_count bigint not null,
    primary key (process, model_kind)
);

comment on table mining.models is
'The process models of each process, as a process tree, a Petri net (PNML) and BPMN 2.0 with a diagram.';
comment on column mining.models.model_kind is
'inductive (IM), inductive_infrequent (IMf) or inductive_directly_follows (IMd).';
comment on column mining.models.noise_threshold is
'Arcs rarer than this share of the commonest arc from the same activity may be left out of account.';
comment on column mining.models.tree is
'The process tree: -> sequence, X choice, + concurrency, * loop (body, redo), tau nothing, activities in quotes.';
comment on column mining.models.pnml is 'The same as a workflow net, ISO/IEC 15909-2.';
comment on column mining.models.bpmn is 'The same as a BPMN 2.0 process with its diagram.';
comment on column mining.models.activity_count is 'Activities in the model.';
comment on column mining.models.left_out_activity_count is
'The rarest activities, left out of account where a log has more than a model is made of.';
comment on column mining.models.silent_count is 'Silent leaves of the tree.';
comment on column mining.models.sequence_count is 'Sequences in the tree.';
comment on column mining.models.choice_count is 'Exclusive choices in the tree.';
comment on column mining.models.concurrency_count is 'Concurrent parts in the tree.';
comment on column mining.models.loop_count is 'Loops in the tree.';
comment on column mining.models.place_count is 'Places of the Petri net.';
comment on column mining.models.transition_count is 'Transitions of the Petri net, silent ones included.';
comment on column mining.models.arc_count is 'Arcs of the Petri net.';
comment on column mining.models.gateway_count is 'Gateways of the BPMN process.';
comment on column mining.models.flow_count is 'Sequence flows of the BPMN process.';

create table if not exists mining.map_levels (
    process text not null,
    element text not null,
    source_activity text not null default '',
    target_activity text not null default '',
    element_count bigint not null,
    own_share double precision not null,
    vanishes_at_share double precision not null,
    primary key (process, element, source_activity, target_activity)
);

comment on table mining.map_levels is
'What a frequency slider needs: per activity and arc of the process map the share above which it is not shown.';
comment on column mining.map_levels.element is 'activity or arc.';
comment on column mining.map_levels.source_activity is
'The activity, or the source of the arc; empty where the arc is the start of cases.';
comment on column mining.map_levels.target_activity is
'The target of the arc; empty where the arc is the end of cases, and for an activity.';
comment on column mining.map_levels.element_count is 'Events of the activity, or occurrences of the arc.';
comment on column mining.map_levels.own_share is 'element_count of the greatest of its kind.';
comment on column mining.map_levels.vanishes_at_share is
'Up to this share the element is shown: its own share, or more where others hang on it, or less where its ends vanish.';
