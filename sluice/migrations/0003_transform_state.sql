-- From which files the views of a layer were last made (sluice/transform.py): unchanged files leave them alone.
create table if not exists ops.transform_state (
    subject text primary key,          -- stage-<system>, build-<process> or bi
    fingerprint text not null
);
