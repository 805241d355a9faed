"""Which keys are alive in raw, kept as bits from load to load: a night does not read every raw table to know them.

`raw_<system>._alive_<table>` has them as they were at the version in `ops.alive_keys`; whatever changed a row since then
left a later `_version` on it. What no version tells of (rows deleted by hand, a table written anew) makes a trigger forget
that version, and it has to be of the very tables and key that are there. What is not known is made again.
"""

import psycopg
from psycopg import sql

from extractors.landing import alive_table
from extractors.packed import packed
from extractors.specs import SystemSpec, TableSpec

_TRIGGERS = {
    "_forget_alive_keys": "after truncate on {raw} for each statement execute function ops.forget_alive_keys()",
    "_forget_deleted_keys": """after delete on {raw} referencing old table as gone
                               for each statement execute function ops.forget_deleted_keys()""",
}


def alive_keys(
    db: psycopg.Connection, system: SystemSpec, spec: TableSpec, kind: str, landed_version: int
) -> sql.Identifier:
    """The table of the keys, integers of type `kind`, that are alive in raw now, as bits (extractors/packed.py).

    landed_version: the load that had landed last before the caller's transaction looked at raw.
    """
    raw, bits = (sql.Identifier(system.raw_schema, name) for name in (spec.name, alive_table(spec.name)))
    known = db.execute(
        """select version from ops.alive_keys
           where (schema_name, table_name, made_of) = (%s, %s, %s) and version is not null""",
        (system.raw_schema, spec.name, _made_of(db, raw, bits, spec)),
    ).fetchone()
    if known:
        _follow(db, raw, bits, spec.key[0], kind, known[0])
    else:
        _make(db, raw, bits, spec.key[0], kind)
        _watch(db, raw)
    db.execute(
        """insert into ops.alive_keys (schema_name, table_name, made_of, version) values (%s, %s, %s, %s)
           on conflict (schema_name, table_name)
           do update set (made_of, version) = (excluded.made_of, excluded.version)""",
        (system.raw_schema, spec.name, _made_of(db, raw, bits, spec), landed_version),
    )
    return bits


def alive_now(raw: sql.Identifier, key: str, kind: str) -> sql.Composed:
    """The query that finds them all in raw itself."""
    rows = sql.SQL("select {} from {} where not _is_deleted").format(sql.Identifier(key), raw)
    return packed(rows, key, kind)


def _made_of(db: psycopg.Connection, raw: sql.Identifier, bits: sql.Identifier, spec: TableSpec) -> str | None:
    """What tells these tables from others of their names; None where one is missing."""
    query = "select to_regclass(%s)::oid || ' ' || to_regclass(%s)::oid || ' ' || %s"
    return db.execute(query, (raw.as_string(db), bits.as_string(db), spec.key[0])).fetchone()[0]


def _make(db: psycopg.Connection, raw: sql.Identifier, bits: sql.Identifier, key: str, kind: str) -> None:
    db.execute(sql.SQL("drop table if exists {}").format(bits))
    db.execute("set local max_parallel_workers_per_gather = 2")
    db.execute(sql.SQL("create table {} as {}").format(bits, alive_now(raw, key, kind)))
    db.execute("set local max_parallel_workers_per_gather to default")
    db.execute(sql.SQL("alter table {0} add primary key (bucket); analyze {0}").format(bits))


def _follow(db: psycopg.Connection, raw: sql.Identifier, bits: sql.Identifier, key: str, kind: str, since: int) -> None:
    """Bring the bits from version `since` to what raw is now."""
    changed = {
        name: packed(
            sql.SQL("select {} from {} where _version > {} and " + condition).format(
                sql.Identifier(key), raw, sql.Literal(since)
            ),
            key,
            kind,
        )
        for name, condition in (("alive", "not _is_deleted"), ("gone", "_is_deleted"))
    }
    db.execute(
        sql.SQL("update {bits} as b set bits = b.bits & ~c.bits from ({gone}) as c where c.bucket = b.bucket").format(
            bits=bits, **changed
        )
    )
    db.execute(
        sql.SQL(
            """insert into {bits} as b {alive}
               on conflict (bucket) do update set bits = b.bits | excluded.bits where b.bits | excluded.bits <> b.bits"""
        ).format(bits=bits, **changed)
    )


def _watch(db: psycopg.Connection, raw: sql.Identifier) -> None:
    """Make the triggers that forget, where they are not there yet."""
    there = db.execute("select tgname::text from pg_trigger where tgrelid = to_regclass(%s)", (raw.as_string(db),))
    for name in sorted(_TRIGGERS.keys() - {name for (name,) in there}):
        db.execute(sql.SQL("create trigger {} " + _TRIGGERS[name]).format(sql.Identifier(name), raw=raw))
