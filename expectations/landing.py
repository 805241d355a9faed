"""The gate on what was copied from a source system, before it lands in raw_<system>.

A source described by tables.yml is checked by that spec; the agent's exports by what became of each file. Checks that
compare with earlier loads only warn: history never decides what is published.
"""

from typing import NamedTuple

import psycopg
from psycopg import sql

from expectations.build import exists
from expectations.checks import Check, Outcome
from expectations.findings import Findings
from expectations.gate import evaluate, finish
from extractors.landing import gone_table, keys_table
from extractors.specs import SystemSpec, load_spec
from extractors.systems import has_tables
from sluice.errors import Blocked
from sluice.runs import RunContext
from sluice.settings import Settings
from sluice.warehouse import connect

_HISTORY = 8  # loads of the same kind that a volume is compared with, at least half of them there
_FACTOR = 5  # how far from their median is remarkable
_SHRINK_FLOOR = 100


def gate_landing(settings: Settings, system: str, version: int, ctx: RunContext) -> list[Outcome]:
    """Gate load `version` in landing_<system>; returns one outcome per check.

    Raises Blocked when a blocking check fails: nothing lands, raw stays as it was.
    """
    with connect(settings.warehouse_url) as db:
        checks = [
            *(_table_checks(db, load_spec(system)) if has_tables(system) else _file_checks(db, system)),
            *_source(version),
            _volume(system, version),
        ]
    outcomes, validation = evaluate(
        settings.warehouse_url,
        ctx,
        checks,
        asset=f"landing_{system}",
        suite=f"{system}__landing",
        findings=Findings(f"landing_{system}", "_findings"),
    )
    try:
        finish(settings, ctx, subject=system, layer="landing", outcomes=outcomes, validation=validation)
    except Blocked as blocked:
        with connect(settings.warehouse_url) as db:
            db.execute(
                """update ops.loads set state = 'blocked', message = %s, finished_at = clock_timestamp()
                          where version = %s and state = 'copied'""",
                (str(blocked), version),
            )
        raise
    return outcomes


class Landed(NamedTuple):
    """A landing table: how many keys the source has, and the relation that shows them (the rows that were read, or all
    of the source's keys); None where a constraint of the source keeps them unique, which the copy has seen."""

    key_count: int
    keys_relation: str | None


def _table_checks(db: psycopg.Connection, spec: SystemSpec) -> list[Check]:
    landed = {
        name: Landed(rows if keys is None else keys, None if is_unique else name if keys is None else keys_table(name))
        for name, rows, keys, is_unique in db.execute(
            sql.SQL("select table_name, row_count, key_count, key_is_unique from {}").format(
                sql.Identifier(spec.landing_schema, "_tables")
            )
        )
    }
    checks = []
    for name in sorted(landed):
        checks.append(
            Check(
                f"key_{name}",
                "block",
                f"a key ({', '.join(spec.tables[name].key)}) in each row of {name}, each once",
                f"repair {name} in the source; nothing of this load has landed",
                _bad_keys(spec, name, landed[name]),
                checked=f"select {landed[name].key_count}",
                dimension="uniqueness",
            )
        )
    return [*checks, _not_emptied(db, spec, landed), _not_shrunk(db, spec, landed)]


def _bad_keys(spec: SystemSpec, name: str, landed: Landed) -> str:
    if landed.keys_relation is None:
        return "select '' as reason where false"
    key = spec.tables[name].key
    table = sql.Identifier(spec.landing_schema, landed.keys_relation).as_string()
    columns = ", ".join(sql.Identifier(column).as_string() for column in key)
    null = " or ".join(f"{sql.Identifier(column).as_string()} is null" for column in key)
    return f"""
        select '{name}: ' || count(*) || ' rows without a key' as reason from {table} where {null} having count(*) > 0
        union all
        select '{name} (' || concat_ws(', ', {columns}) || ') ' || count(*) || ' times' from {table}
        where not ({null}) group by {columns} having count(*) > 1"""


def _not_emptied(db: psycopg.Connection, spec: SystemSpec, landed: dict[str, Landed]) -> Check:
    parts = [
        f"""select '{name} is empty in the source and had ' || count(*) || ' rows' as reason
                 from {sql.Identifier(spec.raw_schema, name).as_string()} where not _is_deleted having count(*) > 0"""
        for name, (keys, _) in sorted(landed.items())
        if keys == 0 and exists(db, spec.raw_schema, name)
    ]
    return Check(
        "not_emptied",
        "warn",
        "no table empty that had rows before",
        "if that is not meant, restore the table: its rows count as deleted from this load on",
        "\nunion all\n".join(parts) or "select '' as reason where false",
        checked=f"select {len(landed)}",
        dimension="volume",
    )


def _not_shrunk(db: psycopg.Connection, spec: SystemSpec, landed: dict[str, Landed]) -> Check:
    parts = []
    for name, (keys, _) in sorted(landed.items()):
        if keys and exists(db, spec.raw_schema, name) and not _lost_few(db, spec, name, keys):
            parts.append(f"""select '{name} has {keys} rows in the source and had ' || count(*) as reason
                             from {sql.Identifier(spec.raw_schema, name).as_string()} where not _is_deleted
                             having count(*) > {max(2 * keys, keys + _SHRINK_FLOOR)}""")
    return Check(
        "not_shrunk",
        "warn",
        "no table that lost more than half of its rows",
        "if that is not meant, restore the rows: they count as deleted from this load on",
        "\nunion all\n".join(parts) or "select '' as reason where false",
        checked=f"select {len(landed)}",
        dimension="volume",
    )


def _lost_few(db: psycopg.Connection, spec: SystemSpec, name: str, keys: int) -> bool:
    """Whether so few rows are gone, as the copy has listed them, that the table had at most twice as many: those that it
    had are among its keys or gone. It spares counting what it had."""
    gone = gone_table(name)
    if not exists(db, spec.landing_schema, gone):
        return False
    counted = sql.SQL("select count(*) from {}").format(sql.Identifier(spec.landing_schema, gone))
    return db.execute(counted).fetchone()[0] <= max(keys, _SHRINK_FLOOR)


def _source(version: int) -> list[Check]:
    """What the copy itself saw: it stops at a source that is not as declared, and tells of columns that are new."""
    return [
        Check(
            "source_readable",
            "block",
            "the source as it is declared",
            "restore it, or change its declaration",
            f"select message as reason from ops.loads where version = {version} and state = 'blocked'",
            dimension="structure",
        ),
        Check(
            "source_columns_known",
            "warn",
            "no columns that the source did not have before",
            "read them by naming them in tables.yml, where they are not personal; else there is nothing to do",
            f"select message as reason from ops.loads where version = {version} and message like 'new columns%'",
            dimension="structure",
        ),
    ]


def _volume(system: str, version: int) -> Check:
    return Check(
        "volume",
        "warn",
        f"within {_FACTOR} times the usual number of rows",
        "look whether the source is whole",
        f"""
        with this as (select read_count, mode from ops.loads where version = {version}),
        earlier as (
            select read_count from ops.loads where system = {sql.Literal(system).as_string()} and state = 'landed'
              and version < {version} and mode = (select mode from this) and mode = 'night'
            order by version desc limit {_HISTORY}),
        usual as (select percentile_cont(0.5) within group (order by read_count) as usual, count(*) as load_count
            from earlier)
        select read_count || ' rows, usually ' || round(usual) as reason from this, usual
        where load_count >= {_HISTORY // 2} and usual >= {_SHRINK_FLOOR}
          and (read_count * {_FACTOR} < usual or read_count > usual * {_FACTOR})""",
        checked=f"select read_count from ops.loads where version = {version}",
        dimension="volume",
    )


def _file_checks(db: psycopg.Connection, system: str) -> list[Check]:
    """A source of files: landing_<system>._files says what became of each, is_new those that this load read."""
    files = sql.Identifier(f"landing_{system}", "_files").as_string()
    bad_rows = sql.Identifier(f"landing_{system}", "_quarantined_rows").as_string()
    seen = f"select count(*) from {files}"
    named = "coalesce(format, 'unknown format') || ' file ' || file_id"
    checks = [
        Check(
            "files_readable",
            "warn",  # a refused file brings no row: nothing doubtful can land, and the other files need not wait
            "every file in a format that can be read whole",
            "export these files again or take them out of the drop folder (named by the first 16 hex digits of their "
            "SHA-256)",
            f"select {named} || ' refused: ' || coalesce(reason, '') as reason from {files} where state = 'refused'",
            checked=seen,
            dimension="validity",
        ),
        Check(
            "files_not_empty",
            "warn",
            "every file with rows",
            "look whether the agent still records",
            f"select {named} || ' is empty' as reason from {files} where state = 'empty'",
            checked=seen,
            dimension="completeness",
        ),
        Check(
            "rows_usable",
            "warn",
            "every row of a file usable",
            "see quality.quarantined_rows for file and line",
            f"""
              select {named} || ' line ' || line || ': ' || check_name as reason from {bad_rows}""",
            checked=f"select coalesce(sum(row_count), 0)::bigint from {files} where is_new",
            dimension="validity",
        ),
    ]
    for (table,) in db.execute(
        """select c.relname from pg_class as c where c.relnamespace = %s::regnamespace and c.relkind = 'r'
                                  and c.relname !~ '^_' order by 1""",
        (f"landing_{system}",),
    ).fetchall():
        rows = sql.Identifier(f"landing_{system}", table).as_string()
        checks.append(
            Check(
                f"key_{table}",
                "block",
                f"each row of a {table} file once",
                "report it: the parser numbers the rows",
                f"""
            select '{table} ' || file_id || ':' || source_seq || ' ' || count(*) || ' times' as reason from {rows}
            group by file_id, source_seq having count(*) > 1""",
                checked=f"select count(*) from {rows}",
                dimension="uniqueness",
            )
        )
    return checks
