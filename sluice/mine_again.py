"""`sluice mine`: mine a published process again, on any engine, and say whether that is what is published."""

import argparse
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from mining_tasks.engines import ENGINES, POLARS
from sluice.errors import BadInput, SluiceError

if TYPE_CHECKING:
    from sluice.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `sluice mine` to `parser`."""
    parser.description = (
        "Mine the log of PROCESS again as it is published and compare every table with what is published. Nothing is "
        "written. Ends with 1 where a table differs. --engine computes the graph, variants and figures of cases, activities "
        "and rework on another engine; what is mined from these is the same. See docs/mining.md."
    )
    parser.add_argument("process", metavar="PROCESS", help="a published process")
    parser.add_argument("--engine", default=POLARS, choices=ENGINES, help=f"default: {POLARS}")


def run(args: argparse.Namespace, settings: "Settings") -> int:
    """Mine, compare, print; 1 where a table differs. Raises BadInput for a process that is not published."""
    from sluice.export.command import warehouse_url

    with warehouse_url(settings) as url:
        began = time.monotonic()
        found = compare_with_published(replace(settings, warehouse_url=url), args.process, engine=args.engine)
    print(f"{'table':28} {'rows':>12}")
    for name, (rows, different) in found.items():
        print(f"{name:28} {rows:12,}  {'as published' if not different else f'{different:,} rows differ'}")
    differing = [name for name, (_, different) in found.items() if different]
    result = f"{', '.join(differing)} differ" if differing else "all as published"
    print(f"{args.process} on {args.engine}: {len(found)} tables in {time.monotonic() - began:.1f} s, {result}")
    return 1 if differing else 0


def compare_with_published(settings: "Settings", process: str, *, engine: str = POLARS) -> dict[str, tuple[int, int]]:
    """Table of schema mining -> (rows published, rows that differ from what is mined now).

    Raises BadInput for a process that is not published, SluiceError where a later build of it is not published yet.
    """
    from expectations.build import read_build
    from mining_tasks import io
    from mining_tasks.runner import TABLES, read_and_mine
    from mining_tasks.terms import terms_of
    from sluice.warehouse import connect

    url = settings.warehouse_url
    with connect(url) as db:
        state = db.execute("select run_id, as_of from ops.process_state where process = %s", (process,)).fetchone()
        if state is None:
            raise BadInput(f"mine: expected a published process, found {process!r}")
        build = read_build(db, process)
    if build is not None and build.run_id != state[0]:
        raise SluiceError(
            f"mine {process}: its last build ({build.run_id}) is not published; run the process to its end first"
        )
    with io.one_connection(url):
        tables = read_and_mine(settings, process, terms_of(settings, process), as_of=state[1], engine=engine)
        return {name: io.different_rows(url, process, name, tables[name]) for name in TABLES}
