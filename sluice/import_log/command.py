"""`sluice import-log`: read a file, make its candidate tables, then gate, mine and publish them like any process."""

import argparse
import hashlib
import json
import re
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sluice.errors import BadInput
from sluice.import_log.candidate import DECLARED, ORDERS, Built
from sluice.import_log.lifecycle import MODES

if TYPE_CHECKING:
    from concurrent.futures import Future

    import psycopg

    from sluice.import_log.files import LogFile
    from sluice.import_log.landing import Found
    from sluice.processes import Process
    from sluice.runs import RunContext
    from sluice.settings import Settings

IMPORT_VERSION = 1  # another one re-imports a file that was imported before
# sorts in memory; no just-in-time compiling of queries that run once
_SESSION = (
    "set work_mem = '128MB'",
    "set temp_buffers = '64MB'",
    "set jit = off",
    "set max_parallel_workers_per_gather = 0",
)
_COLUMN_OPTIONS = {
    "case": "case",
    "activity": "activity",
    "timestamp": "timestamp",
    "start": "start_timestamp",
    "resource": "resource",
    "lifecycle": "lifecycle_column",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `sluice import-log` to `parser`."""
    parser.description = (
        "Publish and mine an event log from an XES or CSV file (plain or .gz) as the process PROCESS. "
        "Importing a newer file replaces it whole; the same file changes nothing. See docs/import_log.md."
    )
    parser.add_argument(
        "process", metavar="PROCESS", help="name of the process: lower-case letters, digits, underscores"
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="XES or CSV, plain or .gz")
    parser.add_argument("--title", help="how the process is called in dashboards (default: its name)")
    parser.add_argument("--format", choices=("xes", "csv"), help="default: told by the content")
    columns = parser.add_argument_group(
        "columns (CSV) or attribute keys (XES); default: the names that the usual tools write"
    )
    columns.add_argument("--case", metavar="COLUMN")
    columns.add_argument("--activity", metavar="COLUMN", help="several joined by +: their values are joined by + too")
    columns.add_argument("--timestamp", metavar="COLUMN", help="when the event happened or was completed")
    columns.add_argument("--start-timestamp", metavar="COLUMN", help="when the work on it began")
    columns.add_argument("--resource", metavar="COLUMN", help="who did it; becomes a pseudonym")
    columns.add_argument("--lifecycle-column", metavar="COLUMN")
    columns.add_argument("--classifier", metavar="NAME", help="XES: the log's own classifier that names the activity")
    columns.add_argument(
        "--personal",
        metavar="COLUMN",
        action="append",
        default=[],
        help="a further column whose values become pseudonyms; may be repeated",
    )
    columns.add_argument(
        "--not-personal",
        metavar="COLUMN",
        action="append",
        default=[],
        help="a column that is kept as it is although its name sounds personal; may be repeated",
    )
    reading = parser.add_argument_group("how the file is read")
    reading.add_argument(
        "--separator", metavar="CHAR", help="CSV: default the one that splits the first line into most columns"
    )
    reading.add_argument("--encoding", help="CSV: default UTF-8, or what the byte order mark says")
    reading.add_argument(
        "--timezone", metavar="ZONE", help="of times without one, such as Europe/Amsterdam; needed if there are any"
    )
    reading.add_argument(
        "--timestamp-format", metavar="FORMAT", help="of times that are not ISO 8601, such as '%%d.%%m.%%Y %%H:%%M'"
    )
    reading.add_argument(
        "--lifecycle",
        choices=MODES,
        default="all",
        help="every transition is an event (default), completions alone, or start and completion paired",
    )
    reading.add_argument(
        "--order",
        choices=tuple(ORDERS),
        default="time",
        help="of the events of a case: by time, ties as in the file (default), or as in the file alone",
    )
    parser.add_argument(
        "--as-of", type=_day, metavar="DAY", help="the last day that the log covers (default: that of its last event)"
    )
    parser.add_argument("--force", action="store_true", help="import again although nothing changed")
    parser.add_argument(
        "--dry-run", action="store_true", help="read and check the file, say what would be imported, change nothing"
    )


def run(args: argparse.Namespace, settings: "Settings") -> int:
    """Import one log; returns the exit code. Raises BadInput for a file or option that cannot be used, Blocked by the gate."""
    from sluice.import_log.files import open_log
    from sluice.processes import imported_process
    from sluice.warehouse import connect

    if settings.warehouse_url is None:
        raise BadInput("there is no warehouse: set SLUICE_WAREHOUSE_URL, or start the embedded one with `sluice up`")
    process = imported_process(args.process, args.title, order=DECLARED[args.order])
    began = time.monotonic()
    file = open_log(args.file, declared_format=args.format)
    fingerprint = _fingerprint(args, file, settings)
    with connect(settings.warehouse_url) as db:
        if not db.execute("select pg_try_advisory_lock(hashtext('sluice:import:' || %s))", (process.name,)).fetchone()[
            0
        ]:
            raise BadInput(f"process {process.name}: another import of it is running: wait until it ends")
        if not (args.force or args.dry_run) and _is_published(db, process, fingerprint):
            print(
                f"{process.name}: this file is what is published already, read the same way: nothing to do (--force imports it again)"
            )
            return 0
        for setting in _SESSION:
            db.execute(setting)
        db.commit()
        imported = _import(db, process, file, args, settings, fingerprint)
        _report(process, args, imported, time.monotonic() - began)
        if args.dry_run:
            db.rollback()
            print("dry run: nothing was changed")
            return 0
        _publish(db, process, settings, imported)
    print(f"published {process.name} in {time.monotonic() - began:.1f} s in all")
    return 0


@dataclass(frozen=True)
class Imported:
    """One file read and built, not yet committed."""

    ctx: "RunContext"
    built: Built
    found: "Found"
    parameters: dict
    warm: "Future | None"  # the gate's library, which is loaded while the database works


def _make_views(db: "psycopg.Connection", settings: "Settings") -> None:
    """The views for readers, where no nightly run has made them yet."""
    from sluice.transform import build_bi

    if db.execute("select to_regclass('bi.processes') is null").fetchone()[0]:
        print("  making the views of schema bi, once")
        build_bi(settings)


def _warm_up() -> "Future":
    """Begin to load the gate's library, which takes seconds; the result says that it is there."""
    from concurrent.futures import ThreadPoolExecutor

    from expectations.gx_engine import load_gx

    pool = ThreadPoolExecutor(1)
    try:
        return pool.submit(load_gx)
    finally:
        pool.shutdown(wait=False)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a day as YYYY-MM-DD, found {text!r}") from None


def _import(
    db: "psycopg.Connection",
    process: "Process",
    file: "LogFile",
    args: argparse.Namespace,
    settings: "Settings",
    fingerprint: str,
) -> Imported:
    from sluice.import_log import candidate
    from sluice.import_log.lifecycle import apply_lifecycle
    from sluice.runs import RunContext, as_of_day

    began = time.monotonic()
    attributes, found, mapping, notes = _read(db, file, args, settings)
    if found.counts["events"] == 0:
        raise BadInput(f"{file.path}: {_nothing(found)}")
    counts = apply_lifecycle(db, args.lifecycle, order=ORDERS[args.order])
    found.counts.update({what: count for what, count in counts.items() if count})
    if not db.execute("select exists (select from pg_temp.import_events)").fetchone()[0]:
        raise BadInput(
            f"{file.path}: --lifecycle {args.lifecycle} leaves no event: the log has other transitions alone"
        )
    read_seconds = time.monotonic() - began
    warm = None if args.dry_run else _warm_up()
    built = candidate.build_candidate(
        db,
        process.name,
        file_id=file.file_id,
        file_format=file.format,
        order=args.order,
        attributes=attributes,
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
        "mapping": mapping,
        "order": args.order,
        "lifecycle": args.lifecycle,
        "timezone": args.timezone,
        "counts": {**found.counts, "rejected": len(found.rejects)},
        "read_seconds": round(read_seconds, 2),
        "build_seconds": round(time.monotonic() - began - read_seconds, 2),
        "attributes": {name: column for name, (column, _) in built.columns.items()},
    }
    found.notes.extend(notes)
    version = _record_rejects(db, process, file, found, ctx)
    candidate.record_build(db, process.name, ctx, version=version, fingerprint=fingerprint)
    return Imported(ctx, built, found, parameters, warm)


def _read(db: "psycopg.Connection", file: "LogFile", args: argparse.Namespace, settings: "Settings"):
    """Land the file; returns the attributes of its cases, what was found, the mapping as a sentence, and notes."""
    from sluice.import_log import csv as csv_log
    from sluice.import_log.attributes import Attribute, possible_types
    from sluice.import_log.candidate import case_attributes_of_columns, case_attributes_of_traces
    from sluice.import_log.landing import Landing
    from sluice.import_log.mapping import csv_mapping, xes_mapping
    from sluice.import_log.times import TimeReader, zone
    from sluice.import_log.xes import XesReader
    from sluice.pseudonyms import Pseudonymiser, load_person_map

    people = Pseudonymiser(settings.pseudonym_key, load_person_map(settings.person_map))
    times = TimeReader(zone(args.timezone), args.timestamp_format)
    declared = {part: getattr(args, option) for part, option in _COLUMN_OPTIONS.items()}
    privacy = {"plain": frozenset(args.not_personal), "personal": frozenset(args.personal)}
    notes = []
    if file.format == "xes":
        mapping = xes_mapping(declared)
        with Landing(db, people, **privacy) as landing:
            reader = XesReader(file, mapping, times, landing, classifier=args.classifier)
            reader.read()
        types = reader.case_attributes()
        case_attributes_of_traces(db)
        attributes = [
            Attribute(name, f"attributes->>{_quoted(name)}", possible_types(name, types[name]))
            for name in sorted(types)
            if name not in landing.free_text
        ]
        varying, mapping = reader.varying, reader.mapping_found()
    else:
        header = csv_log.read_header(file, separator=_separator(args.separator), encoding=args.encoding)
        mapping = csv_mapping(
            header.columns, declared, where=f"{file.path}: line 1 (separator: {header.separator_name})"
        )
        extra = list(csv_log.extra_columns(header, mapping))
        with Landing(db, people, extra, **privacy) as landing:
            csv_log.read_csv(file, header, mapping, times, landing)
        constant = [name for name in case_attributes_of_columns(db, extra) if name not in landing.free_text]
        attributes = [
            Attribute(name, f"x{extra.index(name)}", () if name in landing.hidden else possible_types(name, None))
            for name in constant
        ]
        varying = set(extra) - set(constant) - landing.free_text
        notes.append(f"separator: {header.separator_name}{' (guessed)' if header.is_guessed else ''}")
    attributes = [Attribute(one.name, one.expression, ()) if one.name in landing.hidden else one for one in attributes]
    notes.extend(_notes(landing, varying, times, args))
    landing.found.counts["events"] = db.execute("select count(*) from pg_temp.import_events").fetchone()[0]
    return attributes, landing.found, mapping.sentence(), notes


def _notes(landing, varying, times, args) -> list[str]:
    notes = []
    if landing.hidden:
        notes.append(
            f"pseudonyms, since they look personal: {', '.join(sorted(landing.hidden))} (--not-personal keeps one as it is)"
        )
    if landing.free_text:
        notes.append(f"not kept, since they hold long texts: {', '.join(sorted(landing.free_text))}")
    if varying:
        notes.append(f"not kept, since they vary within a case: {', '.join(sorted(varying))}")
    if times.doubled_count:
        notes.append(
            f"{times.doubled_count:,} times are in an hour that {args.timezone} has twice: read as the first of the two"
        )
    if times.skipped_count:
        notes.append(f"{times.skipped_count:,} times are in an hour that {args.timezone} skips: moved on by the gap")
    return notes


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _separator(declared: str | None) -> str | None:
    if declared is None:
        return None
    named = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "\\t": "\t"}.get(declared.lower(), declared)
    if len(named) != 1:
        raise BadInput(f"--separator {declared!r}: expected one character, or comma, semicolon, tab, pipe")
    return named


def _nothing(found: "Found") -> str:
    if found.rejects:
        return f"no row can be used, {len(found.rejects):,} were set aside; the first: {found.rejects[0][2]}"
    return "there is no event in it"


def _fingerprint(args: argparse.Namespace, file: "LogFile", settings: "Settings") -> str:
    """Of the file's content and everything that decides what is made of it."""
    from sluice.pseudonyms import Pseudonymiser, load_person_map

    options = {
        name: value
        for name, value in vars(args).items()
        if name not in ("file", "force", "dry_run", "command") and isinstance(value, str | int | list | date | None)
    }
    people = [
        Pseudonymiser(settings.pseudonym_key).opaque("fingerprint", ""),
        sorted(load_person_map(settings.person_map).items()),
    ]
    said = json.dumps([IMPORT_VERSION, file.file_id, options, people], sort_keys=True, default=str)
    return hashlib.sha256(said.encode()).hexdigest()


def _is_published(db: "psycopg.Connection", process: "Process", fingerprint: str) -> bool:
    return db.execute(
        "select exists (select from ops.process_state where process = %s and fingerprint = %s)",
        (process.name, fingerprint),
    ).fetchone()[0]


def _record_rejects(
    db: "psycopg.Connection", process: "Process", file: "LogFile", found: "Found", ctx: "RunContext"
) -> int:
    """Rows that could not be used go to quality.quarantined_rows, in the place of those of the file imported before.

    Returns the version of the load.
    """
    version = db.execute(
        """insert into ops.loads (run_id, system, mode, state, read_count, inserted_count, quarantined_count, finished_at, message)
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
                   where other.process <> mine.process and split_part(other.run_id, '/', 3) = split_part(mine.run_id, '/', 3)))""",
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


def _report(process: "Process", args: argparse.Namespace, imported: Imported, seconds: float) -> None:
    built, found = imported.built, imported.found
    print(f"{args.file.name}: {imported.parameters['format'].upper()}, {imported.parameters['mapping']}")
    for note in found.notes:
        print(f"  {note}")
    for what, count in found.counts.items():
        if what not in ("events", "rows", "traces") and count:
            print(f"  {what}: {count:,}")
    if found.rejects:
        print(f"  {len(found.rejects):,} rows set aside (quality.quarantined_rows); the first: {found.rejects[0][2]}")
    if built.columns:
        print("  attributes of a case: " + ", ".join(f"{column} ({kind})" for column, kind in built.columns.values()))
    print(
        f"{process.name}: {built.case_count:,} cases, {built.event_count:,} events, {built.activity_count:,} activities, "
        f"{built.variant_count:,} variants, {_moment(built.first_at)} to {_moment(built.last_at)}, read in {seconds:.1f} s"
    )


def _moment(moment: datetime) -> str:
    return re.sub(r":\d\d(\.\d+)?\+00:00$", "", moment.astimezone(UTC).isoformat(" "))


def _publish(db: "psycopg.Connection", process: "Process", settings: "Settings", imported: Imported) -> None:
    """Commit the candidate, gate it, mine it, gate the results and publish both; each a step of the run."""
    from psycopg.types.json import Jsonb

    from expectations.candidate import gate_candidate
    from expectations.mining import gate_mining
    from mining_tasks.runner import mine
    from sluice.publish import publish
    from sluice.runs import step

    url, ctx = settings.warehouse_url, imported.ctx
    with step(url, ctx, "build") as record:
        record.rows_in, record.rows_out = (
            imported.found.counts["events"] + len(imported.found.rejects),
            imported.built.event_count,
        )
        record.message = (
            f"read in {imported.parameters['read_seconds']} s, built in {imported.parameters['build_seconds']} s, "
            f"{len(imported.found.rejects)} rows set aside"
        )
        db.execute(
            "update ops.runs set as_of = %s, day = %s, parameters = %s where run_id = %s",
            (ctx.as_of, ctx.day, Jsonb(imported.parameters), ctx.run_id),
        )
        db.execute("drop table pg_temp.import_events")
        db.commit()
    with step(url, ctx, "gate"):
        if imported.warm is not None:
            imported.warm.result()
        warnings = [one for one in gate_candidate(settings, process, ctx) if not one.is_success]
    mine(settings, process.name, ctx)
    with step(url, ctx, "gate_results"):
        warnings += [one for one in gate_mining(settings, process, ctx) if not one.is_success]
    with step(url, ctx, "publish", ends_run="published") as record:
        done = publish(settings, process, ctx)
        record.rows_in, record.rows_out = done.touched_count, done.published_count
    _make_views(db, settings)
    for one in warnings:
        print(f"  {one.check.severity}: {one.message}")
