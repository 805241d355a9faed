-- Which of the files that mining keeps of a log are true of what is published. docs/mining.md.

alter table ops.process_state add column if not exists kept_rows text;
comment on column ops.process_state.kept_rows is
'Token of the files in which mining keeps the rows of the published log; null: none.';
