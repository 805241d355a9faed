"""What a run reads of a table (all, or from where), and what it learns by it: the next watermark, what is new."""

from datetime import datetime

import psycopg
from psycopg import sql

from extractors.landing import SINCE, WHOLE, WINDOW
from extractors.raw import RawState, raw_state
from extractors.specs import SystemSpec, TableSpec
from sluice.errors import Blocked
from sluice.runs import RunContext

WITH_ZONE = "timestamp with time zone"


def watermarks(db: psycopg.Connection, spec: SystemSpec) -> dict[str, str]:
    """Table -> watermark, as text."""
    query = "select table_name, cursor_value::text from ops.watermarks where system = %s"
    return dict(db.execute(query, (spec.system,)).fetchall())


def states(db: psycopg.Connection, spec: SystemSpec) -> dict[str, RawState]:
    return {name: raw_state(db, spec, table) for name, table in spec.tables.items()}


def load_mode(ctx: RunContext, known: dict[str, str]) -> str:
    """The mode that a load is recorded with: a night without any watermark is a full one."""
    return "full" if ctx.mode == "night" and not known else ctx.mode


def read_kind(table: TableSpec, state: RawState, watermark: str | None, ctx: RunContext) -> str:
    """Whole: asked for, no cursor, never read whole yet, or read whole with another spec."""
    if table.cursor is None or ctx.mode == "full":
        return WHOLE
    if ctx.mode == "window":
        return WINDOW
    return SINCE if watermark is not None and state.types and state.fingerprint == table.fingerprint else WHOLE


def bounds(
    db: psycopg.Connection, spec: SystemSpec, kind: str, watermark: str | None, ctx: RunContext, cursor_type: str
) -> tuple[str | None, str | None]:
    """[from, until) on the cursor, as text of the cursor's own type (a naive one in the declared zone)."""

    def moment(value: object, back: object) -> str:
        naive = "" if cursor_type == WITH_ZONE else " at time zone %s"
        zone = (spec.timezone,) if naive else ()
        return db.execute(f"select ((%s::timestamptz - %s::interval){naive})::text", (value, back, *zone)).fetchone()[0]

    if kind == WINDOW:
        return moment(ctx.window_start, "0"), moment(ctx.window_end, "0")
    return (moment(watermark, spec.overlap) if kind == SINCE else None), None


def next_watermark(
    db: psycopg.Connection,
    spec: SystemSpec,
    table: TableSpec,
    kind: str,
    watermark: str | None,
    cursor_type: str | None,
    horizon: datetime,
) -> str | None:
    """The latest cursor in the landing, but never beyond `horizon`, what the source had surely committed: a row dated
    in the future must not hide the rows of the present. None: the watermark stays."""
    if table.cursor is None or kind == WINDOW:
        return None
    cursor = sql.Identifier(table.cursor)
    column = sql.SQL("{}" if cursor_type == WITH_ZONE else "{} at time zone {}").format(
        cursor, sql.Literal(spec.timezone)
    )
    return db.execute(
        sql.SQL(
            """select least(greatest(%s::timestamptz, max({column}) filter (where isfinite({cursor}))),
                            %s::timestamptz)::text
               from {table}"""
        ).format(column=column, cursor=cursor, table=sql.Identifier(spec.landing_schema, table.name)),
        (watermark, horizon),
    ).fetchone()[0]


def refuse_changed_types(spec: SystemSpec, table: TableSpec, types: dict[str, str], state: RawState) -> None:
    """Blocked when a column has another type than in raw. types: declared column -> type name."""
    for column, kind in types.items():
        before, now = state.types.get(column), "character" if kind == "bpchar" else kind
        if before not in (None, now):
            raise Blocked(
                f"{spec.system}: table {spec.schema}.{table.name}: column {column} was of type {before} and is now "
                f"{now}: repair the source; or, if the change is meant, drop table {spec.raw_schema}.{table.name} "
                "cascade and run again: it is then read whole"
            )


def news(columns: dict[str, set[str]], known: dict[str, RawState]) -> str | None:
    """One line about columns that the source did not have when it was read before; they are not read.

    columns: table -> all columns that the source has now.
    """
    new = [
        f"{name}.{column}"
        for name, now in columns.items()
        if known[name].source_columns
        for column in sorted(now - set(known[name].source_columns))
    ]
    return f"new columns in the source, not read: {', '.join(new)}" if new else None
