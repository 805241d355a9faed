"""`sluice import-log`: read a file, make its candidate tables, then gate, mine and publish them like any process."""

import argparse
import hashlib
import json
import time
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sluice.errors import BadInput
from sluice.import_log.choices import DECLARED_ORDERS, LIFECYCLES, ORDERS

if TYPE_CHECKING:
    import psycopg

    from sluice.import_log.files import LogFile
    from sluice.import_log.pipeline import Imported
    from sluice.processes import Process
    from sluice.settings import Settings

IMPORT_VERSION = 1  # another one re-imports a file that was imported before
# sorts in memory; no just-in-time compiling of queries that run once
_SESSION = (
    "set work_mem = '128MB'",
    "set temp_buffers = '64MB'",
    "set jit = off",
    "set max_parallel_workers_per_gather = 0",
)
_NOT_READ = ("file", "force", "dry_run", "command")  # options that do not decide what is made of a file


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
        choices=LIFECYCLES,
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
    """Import one log; returns the exit code.

    Raises BadInput for a file or an option that cannot be used, Blocked by the gate.
    """
    from sluice.import_log.files import open_log
    from sluice.import_log.pipeline import build_import, publish_import
    from sluice.processes import imported_process
    from sluice.warehouse import connect

    if settings.warehouse_url is None:
        raise BadInput("there is no warehouse: set SLUICE_WAREHOUSE_URL, or start the embedded one with `sluice up`")
    _refuse_control_characters(args)
    process = imported_process(args.process, args.title, order=DECLARED_ORDERS[args.order])
    began = time.monotonic()
    file = open_log(args.file, declared_format=args.format)
    fingerprint = _fingerprint(args, file, settings)
    with connect(settings.warehouse_url) as db:
        _lock(db, process)
        if not (args.force or args.dry_run) and _is_published(db, process, fingerprint):
            print(
                f"{process.name}: nothing to do: this file is published already, read the same way (--force repeats it)"
            )
            return 0
        for setting in _SESSION:
            db.execute(setting)
        db.commit()
        imported = build_import(db, process, file, args, settings, fingerprint)
        _report(process, args, imported, time.monotonic() - began)
        if args.dry_run:
            db.rollback()
            print("dry run: nothing was changed")
            return 0
        for warning in publish_import(db, process, settings, imported):
            print(f"  {warning}")
    print(f"published {process.name} in {time.monotonic() - began:.1f} s in all")
    return 0


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a day as YYYY-MM-DD, found {text!r}") from None


def _lock(db: "psycopg.Connection", process: "Process") -> None:
    """Hold the process until the connection ends, so that two imports of it do not meet."""
    name = f"sluice:import:{process.name}"
    if db.execute("select pg_try_advisory_lock(hashtext(%s))", (name,)).fetchone()[0]:
        return
    since = db.execute(
        """select to_char(min(a.backend_start), 'YYYY-MM-DD HH24:MI:SS') || ' UTC, server process ' || min(a.pid)
           from pg_locks as l inner join pg_stat_activity as a on a.pid = l.pid
           where l.locktype = 'advisory' and l.granted and l.objsubid = 1 and a.datname = current_database()
           and l.objid::bigint = hashtext(%s)::bigint & 4294967295""",
        (name,),
    ).fetchone()[0]
    raise BadInput(
        f"process {process.name}: another import of it is running{f' since {since}' if since else ''}: wait until it ends"
    )


def _refuse_control_characters(args: argparse.Namespace) -> None:
    """No option but the separator and the format of times holds a line end, a NUL, or what moves a terminal's cursor."""
    for option, value in vars(args).items():
        for one in value if isinstance(value, list) else [value]:
            if option not in ("separator", "timestamp_format") and isinstance(one, str) and not one.isprintable():
                raise BadInput(f"--{option.replace('_', '-')} {one!r}: expected a text without control characters")


def _fingerprint(args: argparse.Namespace, file: "LogFile", settings: "Settings") -> str:
    """Of the file's content and everything that decides what is made of it."""
    from sluice.pseudonyms import Pseudonymiser, load_person_map

    options = {name: value for name, value in vars(args).items() if name not in _NOT_READ}
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


def _report(process: "Process", args: argparse.Namespace, imported: "Imported", seconds: float) -> None:
    built, found = imported.built, imported.reading.found
    print(f"{args.file.name}: {imported.parameters['format'].upper()}, {imported.reading.mapping}")
    for note in imported.reading.notes:
        print(f"  {note}")
    for what, count in found.counts.items():
        if what not in ("events", "rows", "traces") and count:
            print(f"  {what}: {count:,}")
    if found.rejects:
        print(f"  {len(found.rejects):,} rows set aside (quality.quarantined_rows); the first: {found.rejects[0][2]}")
    if built.columns:
        print("  attributes of a case: " + ", ".join(f"{column} ({kind})" for column, kind in built.columns.values()))
    print(
        f"{process.name}: {built.case_count:,} cases, {built.event_count:,} events, "
        f"{built.activity_count:,} activities, {built.variant_count:,} variants, "
        f"{_moment(built.first_at)} to {_moment(built.last_at)}, read in {seconds:.1f} s"
    )


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"
