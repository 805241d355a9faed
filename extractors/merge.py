"""Merge a landed table into its raw table.

A row that did not change is not rewritten; a row that is gone at the source stays as a tombstone with its content; a
row that comes back is revived.
"""

from dataclasses import dataclass

import psycopg
from psycopg import sql

from extractors.keys import gone_keys, listed, same
from extractors.landing import SINCE, WHOLE, LandedTable
from extractors.raw import adopt_landing, drop_indexes, ensure_indexes, ensure_table, raw_state, remember, storable
from extractors.specs import SystemSpec, TableSpec

# types whose equality is identity: other values may be equal and yet differ (1.0 and 1.00), or have no equality (json)
_EQUAL_IS_SAME = frozenset(
    (
        "smallint",
        "integer",
        "bigint",
        "boolean",
        "date",
        "timestamp without time zone",
        "timestamp with time zone",
        "uuid",
        "text",
        "character varying",
        "bytea",
        "oid",
    )
)
# from this share of its rows on, a table is written anew instead of row by row
_REWRITE_SHARE, _REWRITE_ROWS = 0.3, 10_000
_ALL_SHARE = 0.95  # from this share of raw's rows on, those that landed may be all of them
_LITTLE_SHARE = 0.2  # up to this share of raw's rows, those that landed may stand together in it
_ANALYZE_SHARE = 0.1  # and its statistics are taken at once; small changes are autovacuum's, which adds them up
_NEWS_ALONE = "join pg_temp._differences as d on {landing_listed} where d.kind <> 'gone'"


@dataclass(frozen=True)
class Counts:
    """How many raw rows a load inserted, updated (revived ones included) and marked as deleted."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0

    @property
    def total(self) -> int:
        return self.inserted + self.updated + self.deleted


def merge(
    db: psycopg.Connection,
    spec: SystemSpec,
    table: TableSpec,
    landed: LandedTable,
    version: int,
    *,
    is_raw_as_compared: bool = False,
) -> Counts:
    """Bring one landed table into raw, with `version` on every row that is inserted, changed or marked as deleted.

    is_raw_as_compared: nothing has landed since the copy compared the keys.
    """
    parts = _parts(spec, table, landed, version)
    parts["gone"] = gone_keys(db, spec, table, landed, is_raw_as_compared=is_raw_as_compared)
    if landed.read_kind == WHOLE and adopt_landing(db, spec, table, version):
        counts = Counts(inserted=landed.row_count)
        is_much_new = True
    elif ensure_table(db, spec, table):
        counts = Counts(inserted=_insert_landed(db, parts))
        is_much_new = True
    else:
        raw_rows = db.execute(
            sql.SQL("select reltuples from pg_class where oid = to_regclass({})").format(
                sql.Literal(parts["raw"].as_string(db))
            )
        ).fetchone()[0]
        counts = _replace_all(db, spec, table, landed, raw_rows, parts)
        if counts is None:
            counts = _find_differences(
                db, spec, table, landed, parts, is_little=landed.row_count < _LITTLE_SHARE * raw_rows
            )
            if counts.total > max(_REWRITE_ROWS, _REWRITE_SHARE * raw_rows):
                _write_anew(db, spec, table, counts, landed, parts)
            elif counts.total:
                _write_rows(db, counts, parts)
            db.execute("drop table pg_temp._differences")
        is_much_new = counts.total > _ANALYZE_SHARE * raw_rows
    ensure_indexes(db, spec, table)
    if is_much_new:
        db.execute(sql.SQL("analyze {raw}").format(**parts))
    remember(db, spec, table, landed)
    return counts


def _parts(spec: SystemSpec, table: TableSpec, landed: LandedTable, version: int) -> dict[str, sql.Composable]:
    landing = sql.Identifier(spec.landing_schema, table.name)
    values = [name for name in table.column_names if name not in table.key]
    return {
        "raw": sql.Identifier(spec.raw_schema, table.name),
        "landing": landing,
        "version": sql.Literal(version),
        "columns": listed("", table.column_names),
        "landing_columns": listed("l", table.column_names),
        "raw_columns": listed("r", table.column_names),
        "key": listed("", table.key),
        "landing_key": listed("l", table.key),
        "either_key": sql.SQL(", ").join(
            sql.SQL("coalesce({}, {}) as {}").format(
                sql.Identifier("l", name), sql.Identifier("r", name), sql.Identifier(name)
            )
            for name in table.key
        ),
        "same": same("r", "l", table.key),
        "raw_listed": same("r", "d", table.key),
        "landing_listed": same("l", "d", table.key),
        "assignments": sql.SQL("").join(sql.SQL("{0} = l.{0}, ").format(sql.Identifier(name)) for name in values),
    }


def _replace_all(
    db: psycopg.Connection,
    spec: SystemSpec,
    table: TableSpec,
    landed: LandedTable,
    raw_rows: float,
    parts: dict[str, sql.Composable],
) -> Counts | None:
    """Where all that landed is news and takes the place of all that raw has, write it without listing what differs; else
    None. raw_rows: about how many raw has."""
    if landed.read_kind != SINCE or landed.row_count <= max(_REWRITE_ROWS, _ALL_SHARE * raw_rows):
        return None
    compared = sql.SQL("(r._is_deleted or {})").format(_differs(raw_state(db, spec, table).types, table))
    db.execute("set local work_mem = '128MB'")
    inserted, updated, others = db.execute(
        sql.SQL(
            """select count(*) filter (where r._version is null), count(*) filter (where r._version is not null and {compared}),
                      (select count(*) from {raw}) - count(r._version)
               from {landing} as l left join {raw} as r on {same}"""
        ).format(compared=compared, **parts)
    ).fetchone()
    if others or inserted + updated != landed.row_count:
        return None
    db.execute(sql.SQL("truncate {raw}").format(**parts))
    drop_indexes(db, spec, table)
    _insert_landed(db, parts)
    return Counts(inserted, updated)


def _find_differences(
    db: psycopg.Connection,
    spec: SystemSpec,
    table: TableSpec,
    landed: LandedTable,
    parts: dict[str, sql.Composable],
    *,
    is_little: bool,
) -> Counts:
    """List in a temporary table the keys of all rows that are new, changed or gone. is_little: few landed, beside raw."""
    compared = sql.SQL("r._is_deleted or {}").format(_differs(raw_state(db, spec, table).types, table))
    if landed.read_kind == WHOLE:
        query = """select {either_key},
                          case when l.is_landed is null then 'gone' when r._version is null then 'new'
                               else 'changed' end as kind
                   from (select {columns}, true as is_landed from {landing}) as l full join {raw} as r on {same}
                   where case when l.is_landed is null then not r._is_deleted
                              when r._version is null then true else {compared} end"""
    else:
        within = _within(db, raw_state(db, spec, table).types, table, parts) if is_little else sql.SQL("true")
        parts = parts | {"within": within}
        query = """select {landing_key}, case when r._version is null then 'new' else 'changed' end as kind
                   from {landing} as l left join {raw} as r on {same} and {within}
                   where r._version is null or {compared}
                   union all
                   select gone.*, 'gone' from ({gone}) as gone"""
    db.execute("set local work_mem = '128MB'")
    db.execute(
        sql.SQL("create temporary table _differences on commit drop as " + query).format(compared=compared, **parts)
    )
    found = dict(db.execute("select kind, count(*) from pg_temp._differences group by kind").fetchall())
    db.execute("analyze pg_temp._differences")
    return Counts(found.get("new", 0), found.get("changed", 0), found.get("gone", 0))


def _within(
    db: psycopg.Connection, types: dict[str, str], table: TableSpec, parts: dict[str, sql.Composable]
) -> sql.Composable:
    """That a raw row lies between the least and the greatest key that has landed. Each row that is looked for does; told so, the
    planner does not read all raw messages for those of the last days, which stand together."""
    kind = sql.SQL(storable(types[table.key[0]]))
    key = sql.Identifier("l", table.key[0])  # without the l it would be the text that is selected
    ends = [
        db.execute(
            sql.SQL(
                "select {key}::text from {landing} as l where {key} is not null order by {key} {order} limit 1"
            ).format(key=key, landing=parts["landing"], order=sql.SQL(order))
        ).fetchone()
        for order in ("asc", "desc")
    ]
    if None in ends:
        return sql.SQL("true")
    first, last = (sql.SQL("{}::{}").format(sql.Literal(end), kind) for (end,) in ends)
    return sql.SQL("{} between {} and {}").format(sql.Identifier("r", table.key[0]), first, last)


def _differs(types: dict[str, str], table: TableSpec) -> sql.Composable:
    values = [name for name in table.column_names if name not in table.key]
    plain = tuple(name for name in values if types[name] in _EQUAL_IS_SAME)
    others = tuple(name for name in values if types[name] not in _EQUAL_IS_SAME)
    tests = [sql.SQL("false")]
    if plain:
        tests.append(sql.SQL("row({}) is distinct from row({})").format(listed("r", plain), listed("l", plain)))
    if others:  # *<> compares bytes
        tests.append(sql.SQL("row({})::record *<> row({})::record").format(listed("r", others), listed("l", others)))
    return sql.SQL("({})").format(sql.SQL(" or ").join(tests))


def _write_rows(db: psycopg.Connection, counts: Counts, parts: dict[str, sql.Composable]) -> None:
    if counts.updated:
        db.execute(
            sql.SQL(
                """update {raw} as r set {assignments} _version = {version}, _is_deleted = false, _loaded_at = now()
               from {landing} as l join pg_temp._differences as d on {landing_listed}
               where {same} and d.kind = 'changed'"""
            ).format(**parts)
        )
    if counts.inserted:
        db.execute(
            sql.SQL(
                """insert into {raw} ({columns}, _version, _is_deleted, _loaded_at)
               select {landing_columns}, {version}, false, now()
               from {landing} as l join pg_temp._differences as d on {landing_listed}
               where d.kind = 'new'"""
            ).format(**parts)
        )
    if counts.deleted:
        db.execute(
            sql.SQL(
                """update {raw} as r set _version = {version}, _is_deleted = true, _loaded_at = now()
               from pg_temp._differences as d where {raw_listed} and d.kind = 'gone'"""
            ).format(**parts)
        )


def _insert_landed(db: psycopg.Connection, parts: dict[str, sql.Composable], where: str = "") -> int:
    """Insert what landed, or what of it `where` leaves; returns how many rows."""
    query = """insert into {raw} ({columns}, _version, _is_deleted, _loaded_at)
               select {landing_columns}, {version}, false, now() from {landing} as l """
    return db.execute(sql.SQL(query + where).format(**parts)).rowcount


def _write_anew(
    db: psycopg.Connection,
    spec: SystemSpec,
    table: TableSpec,
    counts: Counts,
    landed: LandedTable,
    parts: dict[str, sql.Composable],
) -> None:
    """The same result as `_write_rows`, for a table of which much differs: what stays of raw is put aside, then the table
    is written once."""
    news = counts.inserted + counts.updated
    db.execute(
        sql.SQL(
            """create temporary table _kept on commit drop as
           select {raw_columns}, case when d.kind is null then r._version else {version} end as _version,
                  case when d.kind is null then r._is_deleted else true end as _is_deleted,
                  case when d.kind is null then r._loaded_at else now() end as _loaded_at
           from {raw} as r left join pg_temp._differences as d on {raw_listed}
           where d.kind is null or d.kind = 'gone'"""
        ).format(**parts)
    )
    db.execute(sql.SQL("truncate {raw}").format(**parts))
    drop_indexes(db, spec, table)
    _insert_landed(db, parts, where="" if news == landed.row_count else _NEWS_ALONE)
    db.execute(
        sql.SQL(
            """insert into {raw} ({columns}, _version, _is_deleted, _loaded_at)
           select {columns}, _version, _is_deleted, _loaded_at from pg_temp._kept"""
        ).format(**parts)
    )
    db.execute("drop table pg_temp._kept")
