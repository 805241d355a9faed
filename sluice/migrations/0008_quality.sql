-- The quality model: what a check speaks of.

alter table quality.check_results add column if not exists dimension text;
alter table quality.check_results add column if not exists pattern text;
comment on column quality.check_results.dimension is
    'Which quality of the data the check speaks of: structure, completeness, timeliness, precision, consistency, validity, uniqueness, volume, drift, referential, privacy';
comment on column quality.check_results.pattern is
    'The event-log imperfection pattern (Suriadi et al., 2017) whose signature the check looks for; null for other checks';
