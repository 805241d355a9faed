"""`sluice export`: a published log into a file that other tools read."""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sluice.export.output import STANDARD_OUTPUT, refuse_existing, whole_file

if TYPE_CHECKING:
    from sluice.export.published import PublishedLog
    from sluice.settings import Settings

LOGS = ("xes", "csv")
FORMATS = (*LOGS, "bpmn", "pnml")
_TOLD_EACH = 2.0  # seconds between two lines of progress


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `sluice export` to `parser`."""
    parser.description = (
        "Write the published log of PROCESS as one moment into a file, XES (IEEE 1849-2016) or CSV, or a model of it as BPMN "
        "2.0 or PNML; packed where its name ends in .gz. Without persons, unless asked for. See docs/export.md."
    )
    parser.add_argument("process", metavar="PROCESS", help="a published process")
    parser.add_argument("--format", choices=FORMATS, help="default: told by the name of the file, else xes")
    parser.add_argument(
        "--output", metavar="FILE", type=Path, help="default: PROCESS.<format> here; - is standard output"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there already")
    parser.add_argument(
        "--resources",
        action="store_true",
        help="also who did what, as pseudonyms: for logins with the role sluice_auditor",
    )
    parser.add_argument(
        "--attributes", action="store_true", help="also the attributes of the cases: for logins that may read them"
    )
    parser.add_argument(
        "--intervals",
        choices=("events", "attribute"),
        default="events",
        help="XES: an event with a start and an end becomes two events, start and complete (default), or one with the "
        "attribute start_timestamp",
    )
    parser.add_argument(
        "--model", metavar="KIND", help="BPMN, PNML: which model, see bi.models (default: inductive_infrequent)"
    )


def run(args: argparse.Namespace, settings: "Settings") -> int:
    """Export one log or model; returns the exit code. Raises BadInput for what cannot be read or written."""
    kind = args.format or format_of(args.output)
    path = args.output or Path(f"{args.process}.{kind}")
    refuse_existing(path, may_overwrite=args.overwrite)
    with warehouse_url(settings) as url:
        lines = write_file(
            url,
            args.process,
            path,
            kind,
            may_overwrite=args.overwrite,
            with_resources=args.resources,
            with_attributes=args.attributes,
            intervals=args.intervals,
            model_kind=args.model,
        )
    for line in lines:
        print(line, file=sys.stderr if str(path) == STANDARD_OUTPUT else sys.stdout)
    return 0


def write_file(
    url: str,
    process: str,
    path: Path,
    kind: str,
    *,
    may_overwrite: bool = False,
    with_resources: bool = False,
    with_attributes: bool = False,
    intervals: str = "events",
    model_kind: str | None = None,
) -> list[str]:
    """Write the log or model `kind` (of `FORMATS`) of a process to `path`; returns the report, line by line."""
    from sluice.export.csv import write_csv
    from sluice.export.models import DEFAULT_MODEL, read_model
    from sluice.export.published import open_published
    from sluice.export.xes import write_xes

    began = time.monotonic()
    if kind not in LOGS:
        model = read_model(url, process, notation=kind, model_kind=model_kind or DEFAULT_MODEL)
        with whole_file(path, may_overwrite=may_overwrite) as out:
            out.write(model.encode())
        return [f"{path}: the model {model_kind or DEFAULT_MODEL} of {process}"]
    with (
        open_published(url, process, with_resources=with_resources, with_attributes=with_attributes) as log,
        whole_file(path, may_overwrite=may_overwrite) as out,
    ):
        write = write_csv if kind == "csv" else partial(write_xes, intervals=intervals)
        pictured = write(log, out, told=_progress(log.event_count))
    return list(_report(log, path, kind, intervals, pictured, time.monotonic() - began))


def format_of(path: Path | None) -> str:
    """The format that a file's name tells, xes where it tells none.

    >>> format_of(Path("orders.csv.gz")), format_of(Path("orders.xes")), format_of(None)
    ('csv', 'xes', 'xes')
    """
    endings = [] if path is None else [suffix.lower().removeprefix(".") for suffix in path.suffixes]
    return next((ending for ending in reversed(endings) if ending in FORMATS), "xes")


@contextmanager
def warehouse_url(settings: "Settings") -> Iterator[str]:
    """The URL of the warehouse: any login of your own server will do, the embedded one is started where it is not running."""
    if settings.warehouse_url is not None:
        yield settings.warehouse_url
        return
    from sluice.nights import running_warehouse

    with running_warehouse(settings) as ready:
        yield ready.warehouse_url


def _progress(total: int) -> Callable[[int], None]:
    """Tells on standard error, where somebody is watching, how far it is."""
    if not sys.stderr.isatty():
        return lambda count: None
    last = time.monotonic()

    def told(count: int) -> None:
        nonlocal last
        if time.monotonic() - last >= _TOLD_EACH:
            last = time.monotonic()
            print(f"{count:,} of {total:,} events", file=sys.stderr)

    return told


def _report(log: "PublishedLog", path: Path, kind: str, intervals: str, pictured: int, seconds: float) -> Iterator[str]:
    persons = "persons as pseudonyms" if log.has_resources else "no persons"
    yield (
        f"{path}: {log.case_count:,} cases, {log.event_count:,} events of {log.process} as of {log.as_of:%Y-%m-%d %H:%M}, "
        f"{persons}, in {seconds:.1f} s"
    )
    if log.held_back:
        yield f"  left out, since they hold persons: {', '.join(log.held_back)} (--resources writes them)"
    if pictured:
        yield f"  {pictured:,} texts hold characters that XML cannot: written as their pictures (CSV keeps them)"
    options = " --lifecycle pair" if kind == "xes" and log.has_intervals and intervals == "events" else ""
    options += "" if log.order[0] == "occurred_at" else " --order file"
    yield f"  read back by: sluice import-log NAME {path}{options}"
