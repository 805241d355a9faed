"""The landing schema `landing_<system>`: where a load waits between its copy and its land, gated in between.

`landing_<system>.<table>` holds the rows, `_keys_<table>` all keys of the source, `_gone_<table>` those that it lacks;
`_load` and `_tables` tell what was read and how.
"""

import hashlib
from dataclasses import dataclass

import psycopg
from psycopg import sql

from extractors.specs import SystemSpec, TableSpec
from sluice.errors import SluiceError

WHOLE, SINCE, WINDOW = "whole", "since", "window"


@dataclass(frozen=True)
class LandedTable:
    """How a table was read. read_kind: `whole`, `since` (the watermark minus the overlap) or `window`.

    key_count: rows of `_keys_<table>`; None when the table was read whole and its rows are all keys.
    keys_packed_as: type of the key, when `_keys_<table>` holds them as bits (extractors/keys.py).
    watermark: what the table's watermark becomes, as text; None: it stays.
    """

    table_name: str
    read_kind: str
    row_count: int
    key_count: int | None
    key_is_unique: bool
    keys_packed_as: str | None
    watermark: str | None
    source_columns: list[str]
    seconds: float


def keys_table(table: str) -> str:
    """Name of the table of a table's keys."""
    return _name_of("keys", table)


def gone_table(table: str) -> str:
    """Name of the table of the keys that are gone at the source."""
    return _name_of("gone", table)


def alive_table(table: str) -> str:
    """Name of the table, in raw, of the keys that are alive there."""
    return _name_of("alive", table)


def missing_table(table: str) -> str:
    """Name of the temporary table of the keys whose rows are still to be read."""
    return _name_of("missing", table)


def _name_of(kind: str, table: str) -> str:
    """`_<kind>_<table>`, within PostgreSQL's 63 bytes."""
    name = f"_{kind}_{table}"
    return name if len(name.encode()) <= 63 else f"_{kind}_{hashlib.sha256(table.encode()).hexdigest()[:16]}"


def fresh_landing(db: psycopg.Connection, spec: SystemSpec) -> None:
    """Drop what an earlier copy left, and make the landing schema with its two logged tables of record."""
    schema = sql.Identifier(spec.landing_schema)
    db.execute("select pg_advisory_xact_lock(hashtext(%s))", (f"sluice:landing:{spec.system}",))
    db.execute(sql.SQL("drop schema if exists {} cascade").format(schema))
    db.execute(sql.SQL("create schema {}").format(schema))
    db.execute(
        sql.SQL(
            "create table {}._load (version bigint primary key, landed_version bigint, compared_version bigint)"
        ).format(schema)
    )
    db.execute(
        sql.SQL(
            """create table {}._tables (table_name text primary key, read_kind text not null, row_count bigint not null,
           key_count bigint, key_is_unique boolean not null, keys_packed_as text, watermark text, source_columns text[] not null,
           seconds double precision not null)"""
        ).format(schema)
    )


def create_landing_table(
    db: psycopg.Connection, spec: SystemSpec, name: str, types: dict[str, str], *, is_kept: bool = False
) -> sql.Identifier:
    """Make a table of the given columns; returns its identifier. is_kept: it is to become the raw table itself, so it
    must outlive a crash of the server; any other is unlogged."""
    identifier = sql.Identifier(spec.landing_schema, name)
    columns = sql.SQL(", ").join(
        sql.SQL("{} {}").format(sql.Identifier(column), sql.SQL(kind)) for column, kind in types.items()
    )
    kind = sql.SQL("" if is_kept else "unlogged")
    db.execute(sql.SQL("create {} table {} ({})").format(kind, identifier, columns))
    return identifier


def record_table(db: psycopg.Connection, spec: SystemSpec, landed: LandedTable) -> None:
    db.execute(
        sql.SQL("insert into {} values (%s, %s, %s, %s, %s, %s, %s, %s, %s)").format(
            sql.Identifier(spec.landing_schema, "_tables")
        ),
        (
            landed.table_name,
            landed.read_kind,
            landed.row_count,
            landed.key_count,
            landed.key_is_unique,
            landed.keys_packed_as,
            landed.watermark,
            landed.source_columns,
            landed.seconds,
        ),
    )


def record_load(db: psycopg.Connection, spec: SystemSpec, version: int, compared_version: int | None = None) -> None:
    """Note the load that the landing belongs to. compared_version: the load that had landed last when the source's keys
    were compared with raw's; None: they were not."""
    db.execute(
        sql.SQL("insert into {} values (%s, null, %s)").format(sql.Identifier(spec.landing_schema, "_load")),
        (version, compared_version),
    )


def compared_version(db: psycopg.Connection, spec: SystemSpec, version: int) -> int | None:
    """What `record_load` noted of a load."""
    return db.execute(
        sql.SQL("select compared_version from {} where version = %s").format(
            sql.Identifier(spec.landing_schema, "_load")
        ),
        (version,),
    ).fetchone()[0]


def waiting_load(db: psycopg.Connection, spec: SystemSpec, version: int) -> list[LandedTable] | None:
    """What load `version` left to be landed; None when it has landed. SluiceError when its landing is gone."""
    gone = SluiceError(
        f"{spec.system}: load {version} is not in {spec.landing_schema} any more (a later copy or a crash of the "
        "database took it): copy again"
    )
    there = db.execute("select to_regclass(%s) is not null", (f"{spec.landing_schema}._load",)).fetchone()[0]
    found = (
        there
        and db.execute(
            sql.SQL("select landed_version is not null from {} where version = %s for update").format(
                sql.Identifier(spec.landing_schema, "_load")
            ),
            (version,),
        ).fetchone()
    )
    if not found:
        raise gone
    if found[0]:
        return None
    tables = [
        LandedTable(*row)
        for row in db.execute(
            sql.SQL('select * from {} order by table_name collate "C"').format(
                sql.Identifier(spec.landing_schema, "_tables")
            )
        )
    ]
    for landed in tables:  # a crash of the server empties unlogged tables, wholly: that must not look like deleted rows
        counts = [(landed.table_name, landed.row_count)]
        if landed.key_count is not None:
            counts.append((keys_table(landed.table_name), landed.key_count))
        for name, expected in counts:
            if expected and not _has_rows(db, spec, name):
                raise gone
    return tables


def _has_rows(db: psycopg.Connection, spec: SystemSpec, name: str) -> bool:
    table = sql.Identifier(spec.landing_schema, name)
    return db.execute(sql.SQL("select exists (select 1 from {})").format(table)).fetchone()[0]


def refuse_bad_keys(db: psycopg.Connection, spec: SystemSpec, table: TableSpec, relation: str) -> str | None:
    """One line about the first null or duplicate key in the landing table `relation`, or None. Keys are ids, and are shown."""
    identifier = sql.Identifier(spec.landing_schema, relation)
    key = [sql.Identifier(name) for name in table.key]
    row = db.execute(
        sql.SQL("select count(*) from {} where {}").format(
            identifier, sql.SQL(" or ").join(sql.SQL("{} is null").format(name) for name in key)
        )
    ).fetchone()
    shown = ", ".join(table.key)
    if row[0]:
        return f"{spec.system}: table {table.name}: the key ({shown}) is null in {row[0]} rows: repair the source"
    row = db.execute(
        sql.SQL(
            """select concat_ws(', ', {keys}), count(*) over () from {table}
               group by {keys} having count(*) > 1 order by {keys} limit 1"""
        ).format(keys=sql.SQL(", ").join(key), table=identifier)
    ).fetchone()
    if row:
        return (
            f"{spec.system}: table {table.name}: the key ({shown}) is there more than once for {row[1]} keys, "
            f"first ({row[0]}): repair the source"
        )
    return None
