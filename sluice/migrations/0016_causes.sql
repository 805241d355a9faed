-- What goes with slow, violating and reworked cases. docs/causes.md.

create table if not exists mining.causes (
    process text not null,
    outcome text not null,
    rank int not null,
    attribute text not null,
    comparison text not null,
    value text not null,
    and_attribute text,
    and_comparison text,
    and_value text,
    case_count bigint not null,
    outcome_count bigint not null,
    share double precision not null,
    share_elsewhere double precision not null,
    lift double precision not null,
    excess_count double precision not null,
    excess_share double precision not null,
    median_seconds double precision not null,
    median_seconds_elsewhere double precision not null,
    confirmed_case_count bigint not null,
    confirmed_outcome_count bigint not null,
    confirmed_difference double precision not null,
    confirmed_low double precision not null,
    confirmed_high double precision not null,
    p_value double precision not null,
    q_value double precision not null,
    primary key (process, outcome, rank)
);
comment on table mining.causes is
'Groups of closed cases, by declared attributes, in which an outcome is more frequent; found in one half, confirmed in the other.';
comment on column mining.causes.process is 'The process.';
comment on column mining.causes.outcome is 'slow, violating or reworked; cause_kpis tells what that is.';
comment on column mining.causes.rank is '1 goes with most cases of the outcome beyond what the group would have at the share of all.';
comment on column mining.causes.attribute is 'An attribute of cases, as the process declares it under causes.';
comment on column mining.causes.comparison is 'How it compares with the value: =, <= or >.';
comment on column mining.causes.value is 'The value.';
comment on column mining.causes.and_attribute is 'A second attribute, whose condition the cases meet, too; null: there is none.';
comment on column mining.causes.and_comparison is 'How the second one compares with its value.';
comment on column mining.causes.and_value is 'The value of the second one.';
comment on column mining.causes.case_count is 'Closed cases that meet the conditions.';
comment on column mining.causes.outcome_count is 'Of these, how many have the outcome.';
comment on column mining.causes.share is 'outcome_count / case_count.';
comment on column mining.causes.share_elsewhere is 'The part of the other closed cases that has the outcome.';
comment on column mining.causes.lift is 'share / the share of all closed cases.';
comment on column mining.causes.excess_count is 'outcome_count - case_count * share_elsewhere.';
comment on column mining.causes.excess_share is
'excess_count / all closed cases with the outcome: what would be gone at the share elsewhere.';
comment on column mining.causes.median_seconds is 'Median throughput time of the cases that meet the conditions.';
comment on column mining.causes.median_seconds_elsewhere is 'Median throughput time of the other closed cases.';
comment on column mining.causes.confirmed_case_count is 'case_count in the half that confirms.';
comment on column mining.causes.confirmed_outcome_count is 'outcome_count in the half that confirms.';
comment on column mining.causes.confirmed_difference is 'share - share_elsewhere in the half that confirms: the effect size.';
comment on column mining.causes.confirmed_low is 'Lower end of its 95 % interval (Newcombe 1998, method 10).';
comment on column mining.causes.confirmed_high is 'Upper end of its 95 % interval.';
comment on column mining.causes.p_value is
'Fisher''s exact test, one-sided, in the half that confirms; of two conditions the largest of three: among all, among those of each alone.';
comment on column mining.causes.q_value is
'The p-value corrected for all tests of the process (Benjamini and Hochberg 1995); at most 0.05.';

create table if not exists mining.cause_kpis (
    process text not null,
    outcome text not null,
    case_count bigint not null,
    outcome_count bigint not null,
    threshold_seconds double precision,
    condition_count bigint not null,
    tested_count bigint not null,
    cause_count bigint not null,
    primary key (process, outcome)
);
comment on table mining.cause_kpis is
'What was looked for and how much was looked at, one row per outcome; none where no attribute is declared.';
comment on column mining.cause_kpis.process is 'The process.';
comment on column mining.cause_kpis.outcome is
'slow: longer than three quarters of the closed cases; violating: breaks a declared rule; reworked: an activity a second time.';
comment on column mining.cause_kpis.case_count is 'Closed cases.';
comment on column mining.cause_kpis.outcome_count is 'Of these, how many have the outcome.';
comment on column mining.cause_kpis.threshold_seconds is 'Throughput time above which a case is slow; null for the other outcomes.';
comment on column mining.cause_kpis.condition_count is 'Conditions on the declared attributes that enough cases meet.';
comment on column mining.cause_kpis.tested_count is 'Conditions and pairs that the half that confirms was asked about.';
comment on column mining.cause_kpis.cause_count is 'Rows in causes.';
