-- Which keys are alive in raw, kept from load to load. docs/extraction.md.

create table if not exists ops.alive_keys (
    schema_name text not null,
    table_name text not null,
    made_of text not null,
    version bigint,
    primary key (schema_name, table_name)
);
comment on table ops.alive_keys is 'Up to where the kept bits of the keys of a raw table follow it.';
comment on column ops.alive_keys.schema_name is 'The schema of the raw table.';
comment on column ops.alive_keys.table_name is 'The raw table.';
comment on column ops.alive_keys.made_of is 'The raw table, the table of bits and the key that this is true of.';
comment on column ops.alive_keys.version is
'Of the rows up to this version the bits are right; null: forgotten, as rows went that no version tells of.';

create or replace function ops.forget_alive_keys() returns trigger language plpgsql as $$
begin
    update ops.alive_keys as a set version = null
    where a.schema_name = tg_table_schema and a.table_name = tg_table_name;
    return null;
end
$$;
comment on function ops.forget_alive_keys() is 'After a raw table was truncated.';

create or replace function ops.forget_deleted_keys() returns trigger language plpgsql as $$
begin
    update ops.alive_keys as a set version = null
    where a.schema_name = tg_table_schema and a.table_name = tg_table_name
        and exists (select from gone as g where not g._is_deleted or g._version > a.version);
    return null;
end
$$;
comment on function ops.forget_deleted_keys() is
'After rows of a raw table were deleted; to purge what the bits show as gone changes nothing.';
