"""Copy and land of a Postgres source: COPY piped into COPY from one snapshot, then one transaction into raw."""

import time

import psycopg
from psycopg import sql

from extractors.catalog import describe
from extractors.intake import Reading, Taken, take_in
from extractors.keys import all_keys, is_packed, pipe
from extractors.landing import (
    WHOLE,
    WINDOW,
    LandedTable,
    compared_version,
    fresh_landing,
    keys_table,
    record_load,
    record_table,
    refuse_bad_keys,
    waiting_load,
)
from extractors.loads import begin_load, block_load, current_version, landed_version, lock_raw, refuse_blocked
from extractors.merge import merge
from extractors.people import land_pseudonyms, merge_pseudonyms
from extractors.raw import RawState, ensure_schema, storable
from extractors.read_ahead import reading_ahead
from extractors.reading import (
    bounds,
    load_mode,
    news,
    next_watermark,
    read_kind,
    refuse_changed_types,
    states,
    watermarks,
)
from extractors.source import Source, SourceTable, open_beside, open_source
from extractors.specs import SystemSpec, load_spec
from sluice.errors import Blocked
from sluice.pseudonyms import Pseudonymiser, load_person_map
from sluice.runs import RunContext
from sluice.settings import Settings
from sluice.warehouse import connect

_KEYS_PER_QUERY = 20_000


def copy(settings: Settings, system: str, ctx: RunContext) -> int:
    """Copy what `ctx` asks for into `landing_<system>`; returns the load's version."""
    return copy_source(settings, load_spec(system), ctx)


def copy_source(settings: Settings, spec: SystemSpec, ctx: RunContext) -> int:
    """Copy the source's rows into the landing schema, in one transaction of the warehouse; returns the version."""
    keyed = Pseudonymiser(settings.pseudonym_key, load_person_map(settings.person_map))
    try:
        with connect(settings.warehouse_url) as db, open_source(settings, spec) as source:
            return _copy(settings, db, source, keyed, ctx)
    except Blocked as error:
        block_load(settings.warehouse_url, spec.system, ctx, str(error))
        raise


def _copy(settings: Settings, db: psycopg.Connection, source: Source, keyed: Pseudonymiser, ctx: RunContext) -> int:
    spec = source.spec
    fresh_landing(db, spec)
    ensure_schema(db, spec)
    raw_version = landed_version(db, spec.system)
    tables = describe(source)
    known, marks = states(db, spec), watermarks(db, spec)
    for name, table in tables.items():
        refuse_changed_types(spec, table.spec, table.types, known[name])
    readings = [_reading(db, source, table, known[name], marks.get(name), ctx) for name, table in tables.items()]
    with open_beside(settings, source) as others, reading_ahead([source, *others]) as ahead:
        taken = take_in(db, source, ahead, readings, raw_version)
    landed = {}
    for reading in readings:
        name = reading.table.spec.name
        landed[name] = _complete(db, source, reading, taken[name])
        record_table(db, spec, landed[name])
    partners = spec.partners and spec.partners.table
    partner_keys = all_keys(spec, spec.tables[partners], landed[partners]) if partners else None
    land_pseudonyms(db, source, keyed, partner_keys)
    version = begin_load(db, spec.system, ctx, mode=load_mode(ctx, marks), snapshot_at=source.snapshot_at)
    db.execute(
        "update ops.loads set read_count = %s, message = %s where version = %s",
        (
            sum(one.row_count for one in landed.values()),
            news({name: set(table.catalog) for name, table in tables.items()}, known),
            version,
        ),
    )
    record_load(db, spec, version, raw_version)
    return version


def _reading(
    db: psycopg.Connection,
    source: Source,
    table: SourceTable,
    state: RawState,
    watermark: str | None,
    ctx: RunContext,
) -> Reading:
    kind = read_kind(table.spec, state, watermark, ctx)
    return Reading(table, state, kind, watermark, _condition(db, source, table, kind, watermark, ctx))


def _complete(db: psycopg.Connection, source: Source, reading: Reading, taken: Taken) -> LandedTable:
    table, spec, began, row_count = reading.table, reading.table.spec, time.monotonic(), taken.row_count
    if taken.missing is not None:
        row_count += _pipe_missing(db, source, table, taken.target, taken.missing)
    key = sql.SQL(", ").join(sql.Identifier(name) for name in spec.key)
    db.execute(sql.SQL("analyze {} ({})").format(taken.target, key))
    cursor_type = table.types.get(spec.cursor)
    return LandedTable(
        spec.name,
        reading.kind,
        row_count,
        taken.key_count,
        table.key_is_unique,
        table.types[spec.key[0]] if taken.key_count is not None and is_packed(table) else None,
        next_watermark(db, source.spec, spec, reading.kind, reading.watermark, cursor_type, source.horizon),
        sorted(table.catalog),
        taken.seconds + time.monotonic() - began,
    )


def _condition(
    db: psycopg.Connection, source: Source, table: SourceTable, kind: str, watermark: str | None, ctx: RunContext
) -> sql.Composable | None:
    if kind == WHOLE:
        return None
    cursor, cursor_type = sql.Identifier(table.spec.cursor), table.types[table.spec.cursor]
    since, until = (
        None if text is None else sql.SQL("{}::{}").format(sql.Literal(text), sql.SQL(cursor_type))
        for text in bounds(db, source.spec, kind, watermark, ctx, cursor_type)
    )
    if kind == WINDOW:
        return sql.SQL("{0} >= {1} and {0} < {2}").format(cursor, since, until)
    return sql.SQL("{0} >= {1} or {0} is null").format(cursor, since)


def _pipe_missing(
    db: psycopg.Connection, source: Source, table: SourceTable, target: sql.Identifier, keys: sql.Identifier
) -> int:
    """Read the rows whose keys are in the table `keys` (see `compare_keys`): their cursor did not tell.

    So a row whose transaction committed later than the overlap allows, or that has only now come under the spec's
    `where`, is found by its key.
    """
    spec, rows = table.spec, 0
    listed = sql.SQL(", ").join(map(sql.Identifier, spec.key))
    with db.cursor("missing") as cursor:  # on the server: there may be many
        cursor.execute(sql.SQL("select {0} from {1} order by {0}").format(listed, keys))
        while missing := cursor.fetchmany(_KEYS_PER_QUERY):
            condition = sql.SQL("({}) in (select * from unnest({}) as u)").format(
                listed,
                sql.SQL(", ").join(
                    sql.SQL("{}::{}[]").format(sql.Literal(list(values)), sql.SQL(storable(table.catalog[name])))
                    for name, values in zip(spec.key, zip(*missing, strict=True), strict=True)
                ),
            )
            query = source.select(spec, spec.column_names, condition)
            rows += pipe(db, source.blocks(query, spec.name), target)
    return rows


def land(settings: Settings, system: str, version: int, ctx: RunContext) -> None:
    """Merge load `version` into `raw_<system>`; nothing when it has landed already."""
    land_source(settings, load_spec(system), version, ctx)


def land_source(settings: Settings, spec: SystemSpec, version: int, ctx: RunContext) -> None:
    """Merge the landing of load `version` into raw: one transaction, under the system's lock."""
    with connect(settings.warehouse_url) as db:
        lock_raw(db, spec.system)
        waiting = waiting_load(db, spec, version)
        if waiting is None:
            return
        refuse_blocked(db, spec.system, version)
        for landed in waiting:
            # where only news were read, all keys of the source stand beside them
            keys = landed.table_name if landed.key_count is None else keys_table(landed.table_name)
            refusal = None if landed.key_is_unique else refuse_bad_keys(db, spec, spec.tables[landed.table_name], keys)
            if refusal:
                raise Blocked(refusal)
        is_raw_as_compared = landed_version(db, spec.system) == compared_version(db, spec, version)
        stamp = current_version(db, version)
        for landed in waiting:
            _land_table(db, spec, landed, stamp, is_raw_as_compared)
        merge_pseudonyms(db, spec, stamp)
        db.execute(
            sql.SQL("update {} set landed_version = %s where version = %s").format(
                sql.Identifier(spec.landing_schema, "_load")
            ),
            (stamp, version),
        )
        db.execute(
            """update ops.loads as l set state = 'landed', finished_at = clock_timestamp(), inserted_count = t.inserted,
                      updated_count = t.updated, deleted_count = t.deleted
               from (select sum(inserted_count) as inserted, sum(updated_count) as updated,
                            sum(deleted_count) as deleted
                     from ops.load_tables where version = %(version)s) as t
               where l.version = %(version)s""",
            {"version": stamp},
        )


def _land_table(
    db: psycopg.Connection, spec: SystemSpec, landed: LandedTable, version: int, is_raw_as_compared: bool
) -> None:
    began = time.monotonic()
    table = spec.tables[landed.table_name]
    counts = merge(db, spec, table, landed, version, is_raw_as_compared=is_raw_as_compared)
    db.execute(
        """insert into ops.load_tables
               (version, table_name, read_count, inserted_count, updated_count, deleted_count, seconds)
           values (%s, %s, %s, %s, %s, %s, %s)""",
        (
            version,
            landed.table_name,
            landed.row_count,
            counts.inserted,
            counts.updated,
            counts.deleted,
            landed.seconds + time.monotonic() - began,
        ),
    )
    if landed.watermark is not None:
        db.execute(
            """insert into ops.watermarks (system, table_name, cursor_value, version)
               values (%s, %s, %s::timestamptz, %s)
               on conflict (system, table_name)
               do update set cursor_value = excluded.cursor_value, version = excluded.version""",
            (spec.system, landed.table_name, landed.watermark, version),
        )
