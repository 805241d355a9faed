"""All keys of a source's table, beside the rows that a night reads: how they travel, and what they tell.

A table whose key is one integer, unique by a constraint of the source, sends its keys as bits (extractors/packed.py); any
other sends them as they are. Both are exact.
"""

from collections.abc import Iterable

import psycopg
from psycopg import sql

from extractors.alive import alive_keys, alive_now
from extractors.landing import LandedTable, create_landing_table, gone_table, keys_table
from extractors.packed import BITS, PACKABLE, bitmap, difference, in_bitmap, packed, unpacked
from extractors.source import Source, SourceTable
from extractors.specs import SystemSpec, TableSpec

_PER_MESSAGE = 8_192  # a message per key costs more than the key
_NEWS = "news"  # column of the bits of the keys whose rows are to be read


def is_packed(table: SourceTable) -> bool:
    """Whether keys travel as bits."""
    return table.key_is_unique and len(table.spec.key) == 1 and table.types[table.spec.key[0]] in PACKABLE


def keys_query(
    source: Source, table: SourceTable, news: sql.Composable | None = None, where: sql.Composable | None = None
) -> sql.Composed:
    """What `copy_keys` wants to be read: all keys of a table, many in a row.

    news: condition of the rows that are to be read; of packed keys it is told in the same pass. where: as `Source.select`
    wants it.
    """
    spec = table.spec
    if is_packed(table):
        (key,) = spec.key
        read = dict.fromkeys((key, spec.cursor) if news else (key,))
        keys = source.select(spec, tuple(read), where=where)
        query = packed(keys, key, table.types[key], (news or sql.SQL("false"), _NEWS))
    else:
        query = source.select(spec, spec.key, where=where)
    columns = _columns(table)
    return sql.SQL(
        """select {arrays} from (select {names}, (row_number() over ()) / {size} as part from ({query}) as k) as k
           group by part"""
    ).format(
        arrays=sql.SQL(", ").join(
            sql.SQL("array_agg({}::{})").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in columns.items()
        ),
        names=sql.SQL(", ").join(map(sql.Identifier, columns)),
        size=sql.Literal(_PER_MESSAGE),
        query=query,
    )


def copy_keys(db: psycopg.Connection, system: SystemSpec, table: SourceTable, blocks: Iterable[bytes]) -> int:
    """Copy all keys of a table (the rows of `keys_query`) into the landing's table of keys; returns how many there are."""
    columns = _columns(table)
    target = create_landing_table(db, system, keys_table(table.spec.name), columns)
    arrays = sql.Identifier(system.landing_schema, "_arrays_of_keys")
    listed = sql.SQL(", ").join(
        sql.SQL("{} {}[]").format(sql.Identifier(name), sql.SQL(kind)) for name, kind in columns.items()
    )
    db.execute(sql.SQL("create unlogged table {} ({})").format(arrays, listed))
    pipe(db, blocks, arrays)
    unnested = sql.SQL(", ").join(sql.SQL("unnest({})").format(sql.Identifier(name)) for name in columns)
    count = db.execute(sql.SQL("insert into {} select {} from {}").format(target, unnested, arrays)).rowcount
    db.execute(sql.SQL("drop table {}").format(arrays))
    db.execute(sql.SQL("analyze {}").format(target))
    return _count_bits(db, target, "bits") if is_packed(table) else count


def count_news(db: psycopg.Connection, system: SystemSpec, table: SourceTable) -> int:
    """How many rows of a table with packed keys are to be read."""
    return _count_bits(db, sql.Identifier(*_keys(system, table.spec)), _NEWS)


def news_by_key(db: psycopg.Connection, system: SystemSpec, table: SourceTable) -> sql.Composed:
    """The source's condition that finds by their keys the rows that are to be read."""
    (key,) = table.spec.key
    kind = table.types[key]
    keys = sql.Identifier(*_keys(system, table.spec))
    found = db.execute(unpacked(keys, _NEWS, key, kind) + sql.SQL(" order by 1")).fetchall()
    return sql.SQL("{} = any({}::{}[])").format(
        sql.Identifier(key), sql.Literal([value for (value,) in found]), sql.SQL(kind)
    )


def belonging(db: psycopg.Connection, system: SystemSpec, table: SourceTable) -> sql.Composed | None:
    """The source's condition that a row belongs to one that is read, of a table whose spec says so, by the keys that were
    copied of the other table; None where they are too many, or the column might hold what is no whole number."""
    column, other = table.spec.belongs_to.column, table.spec.belongs_to.table
    if table.types[column] not in PACKABLE:
        return None
    query = sql.SQL("select bucket, bits from {}").format(sql.Identifier(system.landing_schema, keys_table(other)))
    bits = bitmap(db.execute(query).fetchall())
    return None if bits is None else in_bitmap(bits, column)


def _count_bits(db: psycopg.Connection, keys: sql.Identifier, column: str) -> int:
    query = sql.SQL("select coalesce(sum(bit_count({}::bit(64))), 0)::bigint from {}")
    return db.execute(query.format(sql.Identifier(column), keys)).fetchone()[0]


def _columns(table: SourceTable) -> dict[str, str]:
    """Of the landing's table of keys: name -> type."""
    return BITS | {_NEWS: "bigint"} if is_packed(table) else {name: table.types[name] for name in table.spec.key}


def compare_keys(db: psycopg.Connection, system: SystemSpec, table: SourceTable, landed_version: int) -> sql.Composed:
    """Hold the source's keys against raw's, both ways. What is gone is kept in the landing, for `gone_keys`; returned is
    the query of the keys that are at the source, not alive in raw, and not among the rows that were read.

    landed_version: as `extractors.alive.alive_keys` wants it.
    """
    spec = table.spec
    if is_packed(table):
        name, kind = spec.key[0], table.types[spec.key[0]]
        keys = sql.Identifier(*_keys(system, spec))
        alive = alive_keys(db, system, spec, kind, landed_version)
        _keep_gone(db, system, table, difference(alive, keys, name, kind))
        return sql.SQL(
            """select {key} from ({difference}) as k
               where not exists (select 1 from {landing} as l where l.{key} = k.{key}) order by {key}"""
        ).format(
            key=sql.Identifier(name),
            difference=difference(keys, alive, name, kind),
            landing=sql.Identifier(system.landing_schema, spec.name),
        )
    _keep_gone(db, system, table, _gone(system, spec))
    return sql.SQL(
        """select {key} from {keys} as k
           where not exists (select 1 from {landing} as l where {same_l})
             and not exists (select 1 from {raw} as r where {same_r} and not r._is_deleted)
             and {not_null}
           order by {key}"""
    ).format(
        key=listed("k", spec.key),
        keys=sql.Identifier(*_keys(system, spec)),
        landing=sql.Identifier(system.landing_schema, spec.name),
        raw=sql.Identifier(system.raw_schema, spec.name),
        same_l=same("l", "k", spec.key),
        same_r=same("r", "k", spec.key),
        not_null=sql.SQL(" and ").join(
            sql.SQL("{} is not null").format(sql.Identifier("k", name)) for name in spec.key
        ),
    )


def all_keys(system: SystemSpec, spec: TableSpec, landed: LandedTable) -> sql.Composed:
    """Query of all keys that a landed table has at the source."""
    if landed.keys_packed_as is not None:
        keys, none = sql.Identifier(*_keys(system, spec)), sql.SQL("(select 0::bigint as bucket, 0::bigint as bits)")
        return difference(keys, none, spec.key[0], landed.keys_packed_as)
    name = spec.name if landed.key_count is None else keys_table(spec.name)
    return sql.SQL("select {} from {} as k").format(listed("k", spec.key), sql.Identifier(system.landing_schema, name))


def gone_keys(
    db: psycopg.Connection, system: SystemSpec, spec: TableSpec, landed: LandedTable, *, is_raw_as_compared: bool
) -> sql.Composed:
    """Query of the keys that are alive in raw and no longer at the source: those that the copy found, where raw is as it
    was then; else they are looked for again."""
    found = sql.Identifier(system.landing_schema, gone_table(spec.name))
    if is_raw_as_compared and db.execute("select to_regclass(%s)", (found.as_string(db),)).fetchone()[0]:
        return sql.SQL("select {} from {} as k").format(listed("k", spec.key), found)
    if landed.keys_packed_as is None:
        return _gone(system, spec)
    key, kind = spec.key[0], landed.keys_packed_as
    alive = sql.SQL("({})").format(alive_now(sql.Identifier(system.raw_schema, spec.name), key, kind))
    return difference(alive, sql.Identifier(*_keys(system, spec)), key, kind)


def _keep_gone(db: psycopg.Connection, system: SystemSpec, table: SourceTable, query: sql.Composed) -> None:
    types = {name: table.types[name] for name in table.spec.key}
    # logged: emptied by a crash of the server it would look as if nothing were gone
    kept = create_landing_table(db, system, gone_table(table.spec.name), types, is_kept=True)
    db.execute(sql.SQL("insert into {} {}").format(kept, query))


def _gone(system: SystemSpec, spec: TableSpec) -> sql.Composed:
    return sql.SQL(
        """select {key} from {raw} as r
           where not r._is_deleted and not exists (select 1 from {keys} as k where {same})"""
    ).format(
        key=listed("r", spec.key),
        raw=sql.Identifier(system.raw_schema, spec.name),
        keys=sql.Identifier(*_keys(system, spec)),
        same=same("r", "k", spec.key),
    )


def _keys(system: SystemSpec, spec: TableSpec) -> tuple[str, str]:
    return system.landing_schema, keys_table(spec.name)


def listed(alias: str, names: tuple[str, ...]) -> sql.Composed:
    """The columns, of the relation `alias` where that is not empty."""
    return sql.SQL(", ").join(sql.Identifier(alias, name) if alias else sql.Identifier(name) for name in names)


def same(left: str, right: str, key: tuple[str, ...]) -> sql.Composed:
    """Whether the columns of two relations are equal."""
    return sql.SQL(" and ").join(
        sql.SQL("{} = {}").format(sql.Identifier(left, name), sql.Identifier(right, name)) for name in key
    )


def pipe(db: psycopg.Connection, blocks: Iterable[bytes], target: sql.Identifier) -> int:
    """COPY what a source's COPY gave; returns how many rows."""
    with db.cursor() as cursor:
        with cursor.copy(sql.SQL("copy {} from stdin (format binary)").format(target)) as sink:
            for block in blocks:
                sink.write(block)
        return cursor.rowcount
