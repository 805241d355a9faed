"""What reading a window again would find, told before anything is read into the warehouse: rows, and their cases.

Nothing is written but temporary tables, which end with the session.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg import sql

from extractors.catalog import describe
from extractors.landing import WINDOW
from extractors.raw import raw_state
from extractors.reading import bounds
from extractors.source import Source, SourceTable, open_source
from extractors.specs import SystemSpec, load_spec
from extractors.systems import has_tables
from sluice.runs import RunContext
from sluice.settings import Settings
from sluice.warehouse import connect


@dataclass(frozen=True)
class TablePreview:
    """Rows of a source table whose cursor lies in the window, and how many of them raw lacks or has in another version.

    row_count is None where a table has no cursor: it is compared whole, whatever the window.
    """

    table_name: str
    row_count: int | None
    news_count: int | None


@dataclass(frozen=True)
class Preview:
    """tables: of one system. cases: process -> cases that rows of the window belong to, as far as they are known.

    unseen_count: rows that no process has in a case yet; what they make shows when they are read.
    """

    system: str
    tables: tuple[TablePreview, ...]
    cases: dict[str, int]
    unseen_count: int


def preview(settings: Settings, system: str, ctx: RunContext) -> Preview:
    """Look at the window of `ctx` in the source. Raises Blocked as a copy would, where the source is not as declared."""
    if not has_tables(system):
        return _preview_of_files(settings, system)
    return preview_source(settings, load_spec(system), ctx)


def preview_source(settings: Settings, spec: SystemSpec, ctx: RunContext) -> Preview:
    """The same for a Postgres source with this spec."""
    with connect(settings.warehouse_url) as db, open_source(settings, spec) as source:
        db.execute("create temporary table preview (table_name text, source_key text, cursor_value text)")
        tables = tuple(_look(db, source, table, ctx) for table in describe(source).values())
        db.execute("analyze preview")
        cases = db.execute(
            """select r.process, count(distinct r.case_id) from preview as p
               inner join ops.case_rows as r on r.source_table = p.table_name and r.source_key = p.source_key
               group by r.process order by r.process collate "C" """
        ).fetchall()
        unseen = db.execute(
            """select count(*) from preview as p where not exists (
                   select from ops.case_rows as r
                   where r.source_table = p.table_name and r.source_key = p.source_key)"""
        ).fetchone()[0]
        db.rollback()
    return Preview(spec.system, tables, dict(cases), unseen)


def _look(db: psycopg.Connection, source: Source, table: SourceTable, ctx: RunContext) -> TablePreview:
    spec = table.spec
    if spec.cursor is None:
        return TablePreview(spec.name, None, None)
    cursor, cursor_type = sql.Identifier(spec.cursor), table.types[spec.cursor]
    since, until = (
        sql.SQL("{}::{}").format(sql.Literal(text), sql.SQL(cursor_type))
        for text in bounds(db, source.spec, WINDOW, None, ctx, cursor_type)
    )
    condition = sql.SQL("{0} >= {1} and {0} < {2}").format(cursor, since, until)
    columns = tuple(dict.fromkeys((*spec.key, spec.cursor)))
    key = sql.SQL(", ").join(map(sql.Identifier, spec.key))
    query = sql.SQL("select {}::text, concat_ws(':', {}), {}::text from ({}) as found").format(
        sql.Literal(spec.name), key, cursor, source.select(spec, columns, condition)
    )
    with db.cursor() as rows, rows.copy("copy preview from stdin (format binary)") as sink:
        for block in source.blocks(query, spec.name):
            sink.write(block)
    count = db.execute("select count(*) from preview where table_name = %s", (spec.name,)).fetchone()[0]
    if not raw_state(db, source.spec, spec).types:
        return TablePreview(spec.name, count, count)
    news = db.execute(
        sql.SQL(
            """select count(*) from preview as p where p.table_name = {name} and not exists (
                   select from {raw} as r where concat_ws(':', {key}) = p.source_key
                   and r.{cursor}::text = p.cursor_value and not r._is_deleted)"""
        ).format(
            name=sql.Literal(spec.name),
            raw=sql.Identifier(source.spec.raw_schema, spec.name),
            key=sql.SQL(", ").join(sql.Identifier("r", name) for name in spec.key),
            cursor=cursor,
        )
    ).fetchone()[0]
    return TablePreview(spec.name, count, news)


def _preview_of_files(settings: Settings, system: str) -> Preview:
    """Files are read once, by content, whatever the window: those that were not seen yet."""
    paths = [path for path in sorted(settings.agent_drop.rglob("*")) if path.is_file()] if settings.agent_drop else []
    ids = [hashlib.sha256(path.read_bytes()).hexdigest()[:16] for path in paths]
    with connect(settings.warehouse_url) as db:
        known = {
            name
            for (name,) in db.execute(
                "select file_id from ops.files where system = %s and file_id = any (%s)", (system, ids)
            )
        }
    return Preview(system, (TablePreview("files", len(ids), len(set(ids) - known)),), {}, 0)


def window(start: datetime, end: datetime) -> RunContext:
    """A context that says nothing but its window."""
    return RunContext("preview", "", start.date(), end, "window", start, end)
