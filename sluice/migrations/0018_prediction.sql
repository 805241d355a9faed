-- When open cases will end and do what is due, and how well that is known. docs/prediction.md.

create table if not exists mining.predictions (
    process text not null,
    case_id text not null,
    case_key bigint not null,
    target text not null,
    log_end_at timestamptz not null,
    remaining_seconds double precision not null,
    low_seconds double precision not null,
    high_seconds double precision not null,
    expected_at timestamptz not null,
    due_at timestamptz,
    late_probability double precision,
    primary key (process, target, case_key)
);
comment on table mining.predictions is
'When an open case will end, or do what a declared rule says is due, as far as the log tells; only where the model beats a plain baseline.';
comment on column mining.predictions.process is 'The process.';
comment on column mining.predictions.case_id is 'The case, as its source system names it.';
comment on column mining.predictions.case_key is 'The case as an integer (hash of process and case_id).';
comment on column mining.predictions.target is 'end of the case, or the rule of due_dates whose activity is waited for.';
comment on column mining.predictions.log_end_at is
'Time of the last event of the log: what is predicted, is predicted from here.';
comment on column mining.predictions.remaining_seconds is
'How long it will still take (the median) if it comes at all, in seconds of clock time.';
comment on column mining.predictions.low_seconds is 'In 10 of 100 cases it takes less than this.';
comment on column mining.predictions.high_seconds is 'In 10 of 100 cases it takes more than this.';
comment on column mining.predictions.expected_at is 'log_end_at plus remaining_seconds.';
comment on column mining.predictions.due_at is 'When it is due; null: the target is not a rule.';
comment on column mining.predictions.late_probability is
'Probability that it will be late, 1 where it is; null where nothing is due or the risk does not beat its baseline.';

create table if not exists mining.prediction_kpis (
    process text not null,
    target text not null,
    waiting_case_count bigint not null,
    predicted_case_count bigint not null,
    dormant_case_count bigint not null,
    known_case_count bigint not null,
    needed_case_count bigint not null,
    train_case_count bigint,
    calibrate_case_count bigint,
    test_case_count bigint,
    test_snapshot_count bigint,
    mean_absolute_error_seconds double precision,
    baseline_mean_absolute_error_seconds double precision,
    gain_lower_bound double precision,
    coverage_share double precision,
    is_told boolean not null,
    risk_case_count bigint,
    late_share double precision,
    brier_score double precision,
    baseline_brier_score double precision,
    brier_gain_lower_bound double precision,
    is_risk_told boolean not null,
    primary key (process, target)
);
comment on table mining.prediction_kpis is
'How well it is predicted, per target that open cases wait for: errors on the latest known cases, beside those of a baseline.';
comment on column mining.prediction_kpis.process is 'The process.';
comment on column mining.prediction_kpis.target is 'end of the case, or the rule of due_dates whose activity is waited for.';
comment on column mining.prediction_kpis.waiting_case_count is 'Open cases that have not reached it.';
comment on column mining.prediction_kpis.predicted_case_count is 'Rows of the target in predictions.';
comment on column mining.prediction_kpis.dormant_case_count is
'Open cases that are older than 99 of 100 known ones became: nothing is told of them.';
comment on column mining.prediction_kpis.known_case_count is
'Cases to learn from: they reached it, and began so long ago that nine of ten like them have.';
comment on column mining.prediction_kpis.needed_case_count is 'With fewer known cases nothing is learnt.';
comment on column mining.prediction_kpis.train_case_count is
'The earliest of the known cases, which train the model; null in this and what follows: too few are known.';
comment on column mining.prediction_kpis.calibrate_case_count is
'The cases after them, whose errors make the intervals and risks.';
comment on column mining.prediction_kpis.test_case_count is
'The latest of the known cases, on which all the following was measured.';
comment on column mining.prediction_kpis.test_snapshot_count is 'Moments in their lives at which they were predicted.';
comment on column mining.prediction_kpis.mean_absolute_error_seconds is 'Of the model, in seconds.';
comment on column mining.prediction_kpis.baseline_mean_absolute_error_seconds is
'Of the baseline: the median remaining time after the same last activity.';
comment on column mining.prediction_kpis.gain_lower_bound is
'Lower end of the one-sided 99 % interval of (the error of the baseline less that of the model).';
comment on column mining.prediction_kpis.coverage_share is
'Share of the moments whose remaining time lay between low_seconds and high_seconds; meant to be 0.8.';
comment on column mining.prediction_kpis.is_told is 'Whether predictions has it: gain_lower_bound is positive.';
comment on column mining.prediction_kpis.risk_case_count is
'Test cases that something was due of and that were not late yet; null: too few, or nothing due.';
comment on column mining.prediction_kpis.late_share is 'Share of their moments after which they were late.';
comment on column mining.prediction_kpis.brier_score is 'Mean squared error of late_probability (Brier 1950).';
comment on column mining.prediction_kpis.baseline_brier_score is
'Of the baseline: the share of late ones after the same last activity.';
comment on column mining.prediction_kpis.brier_gain_lower_bound is
'Lower end of the one-sided 99 % interval of (the score of the baseline less that of the model).';
comment on column mining.prediction_kpis.is_risk_told is
'Whether predictions has late_probability: is_told, and brier_gain_lower_bound is positive.';

create table if not exists mining.prediction_calibration (
    process text not null,
    target text not null,
    kind text not null,
    rank int not null,
    predicted_share double precision not null,
    observed_share double precision not null,
    snapshot_count bigint not null,
    primary key (process, target, kind, rank)
);
comment on table mining.prediction_calibration is
'What was predicted and what came, on the latest known cases: a reliability diagram.';
comment on column mining.prediction_calibration.process is 'The process.';
comment on column mining.prediction_calibration.target is
'end of the case, or the rule of due_dates whose activity is waited for.';
comment on column mining.prediction_calibration.kind is
'interval: how often the remaining time lay in intervals of three widths. risk: how often a case was late, by tenths of the risk.';
comment on column mining.prediction_calibration.rank is 'Of the interval, the narrowest first; of the tenth, 1 to 10.';
comment on column mining.prediction_calibration.predicted_share is
'What the interval is meant to hold; the mean probability in the tenth.';
comment on column mining.prediction_calibration.observed_share is 'What it held; the share that was late.';
comment on column mining.prediction_calibration.snapshot_count is 'Moments in the lives of cases.';
