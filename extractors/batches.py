"""Batches of rows (Arrow) into the landing: the way of a source system that is no Postgres database.

COPY into COPY is the fast path of a Postgres source; what follows the landing is the same for both.
"""

import time
from collections.abc import Iterator
from datetime import datetime
from typing import Protocol

import adbc_driver_postgresql.dbapi
import psycopg
import pyarrow as pa
from psycopg import sql

from extractors.landing import WHOLE, LandedTable, fresh_landing, keys_table, record_load, record_table
from extractors.loads import begin_load, block_load
from extractors.raw import RawState, ensure_schema
from extractors.reading import (
    WITH_ZONE,
    bounds,
    load_mode,
    news,
    next_watermark,
    read_kind,
    refuse_changed_types,
    states,
    watermarks,
)
from extractors.specs import SystemSpec, TableSpec
from sluice.errors import BadInput, Blocked
from sluice.runs import RunContext
from sluice.settings import Settings
from sluice.warehouse import connect


class BatchSource(Protocol):
    """A source system that gives its rows in batches.

    snapshot_at: up to when everything that happened there is visible; no watermark goes beyond it.
    """

    snapshot_at: datetime

    def rows(self, table: TableSpec, since: datetime | None, until: datetime | None) -> pa.RecordBatchReader:
        """The declared columns (more are left out) of the rows whose cursor is in [since, until), or has no value when
        there is no `until`; all rows when both are None."""

    def keys(self, table: TableSpec) -> pa.RecordBatchReader:
        """The key's columns of all rows."""


def copy_batches(settings: Settings, spec: SystemSpec, ctx: RunContext, source: BatchSource) -> int:
    """Bring what `ctx` asks for from `source` into `landing_<system>`; returns the load's version.

    Landed with `extractors.postgres.land_source`. The load exists once all its tables are there, as its last act.
    Raises Blocked for a missing column or a changed type, BadInput for a spec that declares pseudonyms: those need a
    Postgres source.
    """
    if spec.users:
        raise BadInput(
            f"extractors/{spec.system}/tables.yml: pseudonyms: expected none for a source that gives batches"
        )
    try:
        return _copy(settings, spec, ctx, source)
    except Blocked as error:
        block_load(settings.warehouse_url, spec.system, ctx, str(error))
        raise


def _copy(settings: Settings, spec: SystemSpec, ctx: RunContext, source: BatchSource) -> int:
    with connect(settings.warehouse_url) as db:
        fresh_landing(db, spec)
        ensure_schema(db, spec)
        known, marks = states(db, spec), watermarks(db, spec)
    with connect(settings.warehouse_url) as db:
        found, columns = [], {}
        for name, table in spec.tables.items():
            landed = _copy_table(db, settings.warehouse_url, spec, table, known[name], marks.get(name), ctx, source)
            found.append(landed)
            columns[name] = set(landed.source_columns)
            record_table(db, spec, landed)
        version = begin_load(db, spec.system, ctx, mode=load_mode(ctx, marks), snapshot_at=source.snapshot_at)
        db.execute(
            "update ops.loads set read_count = %s, message = %s where version = %s",
            (sum(landed.row_count for landed in found), news(columns, known), version),
        )
        record_load(db, spec, version)
    return version


def _copy_table(
    db: psycopg.Connection,
    url: str,
    spec: SystemSpec,
    table: TableSpec,
    state: RawState,
    watermark: str | None,
    ctx: RunContext,
    source: BatchSource,
) -> LandedTable:
    began = time.monotonic()
    kind = read_kind(table, state, watermark, ctx)
    since, until = (text and datetime.fromisoformat(text) for text in bounds(db, spec, kind, watermark, ctx, WITH_ZONE))
    reader = source.rows(table, since, until)
    source_columns = sorted(reader.schema.names)
    row_count = land_batches(url, spec, table.name, reader, table.column_names)
    types = dict(
        db.execute(
            """select attname, format_type(atttypid, null) from pg_attribute
               where attrelid = %s::regclass and attnum > 0""",
            (sql.Identifier(spec.landing_schema, table.name).as_string(db),),
        ).fetchall()
    )
    refuse_changed_types(spec, table, types, state)
    key_count = None
    if kind != WHOLE:
        key_count = land_batches(url, spec, keys_table(table.name), source.keys(table), table.key)
    mark = next_watermark(db, spec, table, kind, watermark, types.get(table.cursor), source.snapshot_at)
    seconds = time.monotonic() - began
    return LandedTable(table.name, kind, row_count, key_count, False, None, mark, source_columns, seconds)


def land_batches(url: str, spec: SystemSpec, name: str, batches: pa.RecordBatchReader, columns: tuple[str, ...]) -> int:
    """Write batches of rows to a new table `landing_<system>.<name>`; returns how many rows.

    columns: what is written, in this order; whatever else the batches hold never reaches the database. Types follow
    from Arrow's (int32 -> integer, string -> text, timestamp with zone -> timestamptz, decimal -> numeric).
    Raises Blocked when a column is missing.
    """
    missing = [column for column in columns if column not in batches.schema.names]
    if missing:
        raise Blocked(
            f"{spec.system}: {name.removeprefix('_keys_')}: the source gives no column {', '.join(missing)}: "
            f"repair it, or change extractors/{spec.system}/tables.yml"
        )
    schema = pa.schema([batches.schema.field(column) for column in columns])
    count = 0

    def chosen() -> Iterator[pa.RecordBatch]:
        nonlocal count
        for batch in batches:
            count += batch.num_rows
            yield batch.select(list(columns))

    with adbc_driver_postgresql.dbapi.connect(url) as connection, connection.cursor() as cursor:
        cursor.adbc_ingest(
            name, pa.RecordBatchReader.from_batches(schema, chosen()), mode="create", db_schema_name=spec.landing_schema
        )
        connection.commit()
    return count
