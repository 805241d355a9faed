"""From a file to the published process: read, build the candidate, gate, mine, gate the results, publish.

The same steps as those of a declared process, in one go; each is recorded under the run `import/<process>/<file id>`.
"""

import argparse
import importlib
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, timedelta

import psycopg
from psycopg.types.json import Jsonb

from sluice.errors import BadInput
from sluice.import_log.candidate import Built, build_candidate, record_build
from sluice.import_log.choices import ORDERS
from sluice.import_log.files import LogFile
from sluice.import_log.landing import Found
from sluice.import_log.lifecycle import apply_lifecycle
from sluice.import_log.reading import Reading, read_log
from sluice.processes import Process
from sluice.runs import RunContext, as_of_day, step
from sluice.settings import Settings


@dataclass(frozen=True)
class Imported:
    """One file read and built, not yet committed."""

    ctx: RunContext
    built: Built
    reading: Reading
    parameters: dict
    layers: Future | None  # the gate and mining with their libraries, loaded while the database builds


def build_import(
    db: psycopg.Connection,
    process: Process,
    file: LogFile,
    args: argparse.Namespace,
    settings: Settings,
    fingerprint: str,
) -> Imported:
    """Read the file and make the candidate tables, in the open transaction of `db`; raises BadInput.

    fingerprint: of the file's content and of how it is read.
    """
    began = time.monotonic()
    reading = read_log(db, file, args, settings)
    found = reading.found
    counts = apply_lifecycle(db, args.lifecycle, order=ORDERS[args.order])
    found.counts.update({what: count for what, count in counts.items() if count})
    if not db.execute("select exists (select from pg_temp.import_events)").fetchone()[0]:
        raise BadInput(
            f"{file.path}: --lifecycle {args.lifecycle} leaves no event: the log has other transitions alone"
        )
    read_seconds = time.monotonic() - began
    layers = None if args.dry_run else _in_background(_load_layers)
    built = build_candidate(
        db,
        process.name,
        file_id=file.file_id,
        file_format=file.format,
        order=args.order,
        attributes=reading.attributes,
        zone=args.timezone,
    )
    last = min(built.last_at.astimezone(UTC).date(), date.max - timedelta(days=2))
    day = args.as_of or last
    ctx = RunContext(
        run_id=f"import/{process.name}/{file.file_id}", subject=process.name, day=day, as_of=as_of_day(day), mode="full"
    )
    parameters = {
        "file_id": file.file_id,
        "format": file.format,
        "byte_count": file.byte_count,
        "mapping": reading.mapping,
        "order": args.order,
        "lifecycle": args.lifecycle,
        "timezone": args.timezone,
        "counts": {**found.counts, "rejected": len(found.rejects)},
        "read_seconds": round(read_seconds, 2),
        "build_seconds": round(time.monotonic() - began - read_seconds, 2),
        "attributes": {name: column for name, (column, _) in built.columns.items()},
    }
    version = _record_rejects(db, process, file, found, ctx)
    record_build(db, process.name, ctx, version=version, fingerprint=fingerprint)
    return Imported(ctx, built, reading, parameters, layers)


def publish_import(db: psycopg.Connection, process: Process, settings: Settings, imported: Imported) -> list[str]:
    """Commit the candidate, gate it, mine it, gate the results and publish both; each a step of the run.

    Returns the gate's warnings, a line each. Raises Blocked when the gate does not let it through.
    """
    if imported.layers is not None:
        imported.layers.result()
    from expectations.candidate import gate_candidate
    from expectations.mining import gate_mining
    from mining_tasks.runner import mine
    from sluice.publish import publish

    url, ctx = settings.warehouse_url, imported.ctx
    with step(url, ctx, "build") as record:
        found = imported.reading.found
        record.rows_in = found.counts["events"] + len(found.rejects)
        record.rows_out = imported.built.event_count
        record.message = (
            f"read in {imported.parameters['read_seconds']} s, built in {imported.parameters['build_seconds']} s, "
            f"{len(found.rejects)} rows set aside"
        )
        db.execute(
            "update ops.runs set as_of = %s, day = %s, parameters = %s where run_id = %s",
            (ctx.as_of, ctx.day, Jsonb(imported.parameters), ctx.run_id),
        )
        db.execute("drop table pg_temp.import_events")
        db.commit()
    with step(url, ctx, "gate"):
        warnings = [one for one in gate_candidate(settings, process, ctx) if not one.is_success]
    with step(url, ctx, "mine"):
        mine(settings, process.name, ctx, order=process.order)
    with step(url, ctx, "gate_results"):
        warnings += [one for one in gate_mining(settings, process, ctx) if not one.is_success]
    with step(url, ctx, "publish", ends_run="published") as record:
        done = publish(settings, process, ctx)
        record.rows_in, record.rows_out = done.touched_count, done.published_count
    _make_views(db, settings)
    return [f"{one.check.severity}: {one.message}" for one in warnings]


def _record_rejects(db: psycopg.Connection, process: Process, file: LogFile, found: Found, ctx: RunContext) -> int:
    """Rows that could not be used go to quality.quarantined_rows, in the place of those of the file imported before.

    Returns the version of the load.
    """
    version = db.execute(
        """insert into ops.loads (run_id, system, mode, state, read_count, inserted_count, quarantined_count,
               finished_at, message)
           values (%s, 'file', 'full', 'landed', %s, %s, %s, clock_timestamp(), %s) returning version""",
        (
            ctx.run_id,
            found.counts["events"] + len(found.rejects),
            found.counts["events"],
            len(found.rejects),
            f"{file.format} log",
        ),
    ).fetchone()[0]
    db.execute(
        r"""delete from quality.quarantined_rows where system = 'file' and split_part(source_key, ':', 1) in (
               select %(own)s union
               select split_part(mine.run_id, '/', 3) from event_log.processes as mine
               where mine.process = %(process)s and mine.kind = 'imported' and not exists (
                   select from event_log.processes as other
                   where other.process <> mine.process
                   and split_part(other.run_id, '/', 3) = split_part(mine.run_id, '/', 3)))""",
        {"own": file.file_id, "process": process.name},
    )
    with (
        db.cursor() as cursor,
        cursor.copy(
            "copy quality.quarantined_rows (system, source_table, source_key, check_name, reason, version) from stdin"
        ) as copy,
    ):
        for row, check, reason in found.rejects:
            copy.write_row(("file", file.format, f"{file.file_id}:{row}", check, reason, version))
    return version


def _make_views(db: psycopg.Connection, settings: Settings) -> None:
    """The views for readers, where no nightly run has made them yet."""
    from sluice.transform import build_bi

    if db.execute("select to_regclass('bi.processes') is null").fetchone()[0]:
        print("  making the views of schema bi, once")
        build_bi(settings)


def _load_layers() -> None:
    """Load the layers that come after: their libraries take seconds, a dry run and a refused file need none of them."""
    importlib.import_module("mining_tasks.runner")
    importlib.import_module("expectations.gx_engine").load_gx()


def _in_background(task: Callable[[], None]) -> Future:
    pool = ThreadPoolExecutor(1)
    try:
        return pool.submit(task)
    finally:
        pool.shutdown(wait=False)
