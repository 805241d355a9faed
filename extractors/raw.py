"""The raw tables `raw_<system>.<table>`: their columns, keys and indexes, and what they were last read with."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass

import psycopg
from psycopg import sql

from extractors.landing import WHOLE, LandedTable
from extractors.specs import SystemSpec, TableSpec

_TYPES = """select a.attname, format_type(a.atttypid, null) from pg_attribute a
            where a.attrelid = to_regclass(%s) and a.attnum > 0 and not a.attisdropped order by a.attnum"""


@dataclass(frozen=True)
class RawState:
    """What raw knows of a table: its column types (empty: no such table) and, when it was read whole, with which spec
    and which columns at the source."""

    types: dict[str, str]
    fingerprint: str | None
    source_columns: tuple[str, ...]


def ensure_schema(db: psycopg.Connection, spec: SystemSpec) -> None:
    """Make the raw schema with its own tables: the pseudonyms, and what each table was last read with."""
    schema = sql.Identifier(spec.raw_schema)
    db.execute(sql.SQL("create schema if not exists {}").format(schema))
    db.execute(
        sql.SQL(
            """create table if not exists {}._pseudonyms (
                 entity text not null, source_id bigint not null, pseudonym text not null, _version bigint not null,
                 primary key (entity, source_id))"""
        ).format(schema)
    )
    db.execute(
        sql.SQL(
            "create table if not exists {}._tables (table_name text primary key, fingerprint text, "
            "source_columns text[] not null)"
        ).format(schema)
    )


def raw_state(db: psycopg.Connection, spec: SystemSpec, table: TableSpec) -> RawState:
    qualified = sql.Identifier(spec.raw_schema, table.name).as_string(db)
    types = {name: kind for name, kind in db.execute(_TYPES, (qualified,)) if not name.startswith("_")}
    row = (
        db.execute(
            sql.SQL("select fingerprint, source_columns from {} where table_name = %s").format(
                sql.Identifier(spec.raw_schema, "_tables")
            ),
            (table.name,),
        ).fetchone()
        if types
        else None
    )
    return RawState(types, row[0] if row else None, tuple(row[1]) if row else ())


def adopt_landing(db: psycopg.Connection, spec: SystemSpec, table: TableSpec, version: int) -> bool:
    """Make the landing table the raw table, if there is none yet and the landing was made for that; returns whether.

    Its rows are written once instead of twice; the three columns of raw's own are defaults, which rewrite nothing.
    """
    landing, raw = (sql.Identifier(schema, table.name) for schema in (spec.landing_schema, spec.raw_schema))
    adoptable = db.execute(
        """select to_regclass(%s) is null and exists (select 1 from pg_class where oid = to_regclass(%s)
           and relpersistence = 'p')""",
        (raw.as_string(db), landing.as_string(db)),
    ).fetchone()[0]
    types = [(name, kind) for name, kind in db.execute(_TYPES, (landing.as_string(db),))]
    if not adoptable or [name for name, _ in types] != list(table.column_names):
        return False
    if any(storable(kind) != kind for _, kind in types):
        return False
    db.execute(
        sql.SQL(
            """alter table {landing} add column _version bigint not null default {version},
               add column _is_deleted boolean not null default false,
               add column _loaded_at timestamptz not null default now()"""
        ).format(landing=landing, version=sql.Literal(version))
    )
    db.execute(
        sql.SQL("alter table {} alter column _version drop default, alter column _loaded_at drop default").format(
            landing
        )
    )
    db.execute(sql.SQL("alter table {} set schema {}").format(landing, sql.Identifier(spec.raw_schema)))
    return True


def ensure_table(db: psycopg.Connection, spec: SystemSpec, table: TableSpec) -> bool:
    """Make the raw table, or add the columns that it lacks; returns whether it was made now.

    A column that is declared no longer is emptied, not dropped: views may name it.
    """
    raw = sql.Identifier(spec.raw_schema, table.name)
    have = raw_state(db, spec, table).types
    landing = sql.Identifier(spec.landing_schema, table.name).as_string(db)
    types = dict(db.execute(_TYPES, (landing,)).fetchall())
    if not have:
        columns = sql.SQL(", ").join(
            sql.SQL("{} {}{}").format(
                sql.Identifier(name), sql.SQL(storable(kind)), sql.SQL(" not null" if name in table.key else "")
            )
            for name, kind in types.items()
        )
        db.execute(
            sql.SQL(
                "create table {} ({}, _version bigint not null, _is_deleted boolean not null default false, "
                "_loaded_at timestamptz not null)"
            ).format(raw, columns)
        )
        return True
    for name in types:
        if name not in have:
            db.execute(
                sql.SQL("alter table {} add column {} {}").format(
                    raw, sql.Identifier(name), sql.SQL(storable(types[name]))
                )
            )
    for name in have:
        if name not in types:
            db.execute(sql.SQL("update {0} set {1} = null where {1} is not null").format(raw, sql.Identifier(name)))
    return False


def storable(kind: str) -> str:
    """The type by a name that does not mean a length of one."""
    return "bpchar" if kind == "character" else kind


def ensure_indexes(db: psycopg.Connection, spec: SystemSpec, table: TableSpec) -> None:
    """Make the primary key and the indexes that are not there yet."""
    raw = sql.Identifier(spec.raw_schema, table.name)
    has_key = db.execute(
        "select exists (select 1 from pg_index where indrelid = to_regclass(%s) and indisprimary)", (raw.as_string(db),)
    ).fetchone()[0]
    if not has_key:
        key = sql.SQL(", ").join(map(sql.Identifier, table.key))
        db.execute(sql.SQL("alter table {} add primary key ({})").format(raw, key))
    indexes = _indexes(table)
    for name in missing_indexes(db, spec.raw_schema, indexes):
        listed = sql.SQL(", ").join(map(sql.Identifier, indexes[name]))
        db.execute(sql.SQL("create index {} on {} ({})").format(sql.Identifier(name), raw, listed))


def missing_indexes(db: psycopg.Connection, schema: str, names: Collection[str]) -> list[str]:
    """Those of `names` that the schema has not. `create index if not exists` locks its table before it looks, and would
    wait each night for whoever vacuums it."""
    there = db.execute(
        """select relname from pg_class where relkind = 'i' and relnamespace = to_regnamespace(%s) and relname = any(%s)""",
        (sql.Identifier(schema).as_string(db), list(names)),
    )
    found = {name for (name,) in there}
    return [name for name in names if name not in found]


def drop_indexes(db: psycopg.Connection, spec: SystemSpec, table: TableSpec) -> None:
    """Drop the indexes, not the primary key, before much is written; `ensure_indexes` makes them again."""
    for name in _indexes(table):
        db.execute(sql.SQL("drop index if exists {}").format(sql.Identifier(spec.raw_schema, name)))


def _indexes(table: TableSpec) -> dict[str, tuple[str, ...]]:
    """Index name -> columns, names within PostgreSQL's 63 bytes."""
    found = {}
    for columns in (*table.index, ("_version",)):
        name = f"{table.name}_{'_'.join(columns).strip('_')}_idx"
        if len(name) > 63:
            name = f"{table.name[:40]}_{hashlib.sha256(name.encode()).hexdigest()[:12]}_idx"
        found[name] = columns
    return found


def remember(db: psycopg.Connection, spec: SystemSpec, table: TableSpec, landed: LandedTable) -> None:
    """Keep the source's columns, and the spec's fingerprint once every row has been read with it."""
    fingerprint = table.fingerprint if landed.read_kind == WHOLE else None
    db.execute(
        sql.SQL("""insert into {} as t (table_name, fingerprint, source_columns) values (%s, %s, %s)
                   on conflict (table_name) do update set source_columns = excluded.source_columns,
                   fingerprint = coalesce(excluded.fingerprint, t.fingerprint)""").format(
            sql.Identifier(spec.raw_schema, "_tables")
        ),
        (table.name, fingerprint, landed.source_columns),
    )
