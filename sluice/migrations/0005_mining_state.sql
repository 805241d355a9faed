-- What the published mining results of a process were computed with: the same again, over the same log, need not be
-- computed again.

alter table ops.process_state add column if not exists mining_fingerprint text;
comment on column ops.process_state.mining_fingerprint is
'Hash of the mining code and of what it was told (k, whether cases are public) at the last publication; null: not known.';
