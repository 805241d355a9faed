"""`python -m tests.integration.histories PROCESS SEED…`: play histories, say what they published otherwise than a full
rebuild; `--shrink` looks for the shortest history that still does, `--show` lists the steps alone."""

import argparse
import importlib
import json
import logging
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from sluice import dbt_runner
from sluice.read_ahead import read_ahead
from sluice.settings import PROJECT, Settings
from sluice.warehouse import embedded, migrate
from tests.integration.histories.drawing import RENAMED, History, draw
from tests.integration.histories.playing import Outcome, Play, Workshop

TEMPLATE = "histories_template"
PLANTED = "planted"  # instead of a seed: a history that must end in a difference
_IMPORTED_BY_STEPS = (
    "airflow.sdk.exceptions",
    "dbt.adapters.postgres",
    "dbt.cli.main",
    "expectations.candidate",
    "expectations.landing",
    "expectations.mining",
    "extractors.agent.pipeline",
    "extractors.pipeline",
    "extractors.postgres",
    "great_expectations",
    "mining_tasks.runner",
    "sluice.publish",
    "sluice.transform",
)


def warm_up() -> None:
    """Import everything that a step imports, once, before anything is forked."""
    os.environ |= {
        "SLUICE_DBT_FORK": "1",
        "GX_ANALYTICS_ENABLED": "false",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
    }
    os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="sluice-tests-airflow-"))
    for name in _IMPORTED_BY_STEPS:
        importlib.import_module(name)

    logging.disable(logging.WARNING)


def _read_ahead(url: str, home: Path) -> None:
    """Parse the dbt project in a child, and read ahead what steps need, as the scheduler does for its tasks."""
    dbt_runner.prepare(url, PROJECT, home)
    read_ahead(Settings(home=home, source_urls={"odoo": url}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("process")
    parser.add_argument("seeds", nargs="*", type=int, help="none: read from stdin, one JSON line as answer to each")
    parser.add_argument("--runs", type=int, default=3, help="runs before the last (default 3)")
    parser.add_argument("--server", help="URL of a database server to work on (default: one of its own)")
    parser.add_argument("--template", default=TEMPLATE, help="name of a migrated database on that server")
    parser.add_argument("--home", type=Path, help="SLUICE_HOME to use, for what dbt has parsed of the project")
    parser.add_argument("--shrink", action="store_true")
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    if arguments.show:
        for number in arguments.seeds:
            print(*draw(arguments.process, number, runs=arguments.runs).steps, sep="\n")
        return
    warm_up()
    folder = Path(tempfile.mkdtemp(prefix="sluice-histories-"))
    try:
        if arguments.server:
            _read_ahead(arguments.server, arguments.home)
            _answer(Workshop(arguments.server, arguments.template, folder, arguments.home), arguments)
        else:
            with _own_server(folder) as url:
                _read_ahead(url, arguments.home or folder / "home")
                workshop = Workshop(url, TEMPLATE, folder, arguments.home)
                bad = [number for number in arguments.seeds if not _try(workshop, arguments, number)]
            sys.exit(f"seeds that differ: {bad}" if bad else 0)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _own_server(folder: Path) -> Iterator[str]:
    server = Settings(home=folder / "server")
    embedded.start(server)
    try:
        with psycopg.connect(embedded.url(server, "postgres"), autocommit=True) as db:
            db.execute(f"create database {TEMPLATE}")
        migrate(embedded.url(server, TEMPLATE))
        yield embedded.url(server, "postgres")
    finally:
        embedded.stop(server)


def _answer(workshop: Workshop, arguments: argparse.Namespace) -> None:
    for line in sys.stdin:
        outcome, fault = Outcome(), None
        try:
            if line.strip() == PLANTED:
                outcome = Play(workshop, RENAMED, variant="forgetful").run()
            else:
                outcome = Play(workshop, draw(arguments.process, int(line), runs=arguments.runs)).run()
        except Exception as error:  # noqa: BLE001 - told to whoever asked
            fault = f"{type(error).__name__}: {error}"
        print(json.dumps({**vars(outcome), "fault": fault}), flush=True)


def _try(workshop: Workshop, arguments: argparse.Namespace, number: int) -> bool:
    def play(history: History, say: Callable[[str], None] = lambda line: None) -> Outcome:
        return Play(workshop, history, say=say).run()

    began, history = time.monotonic(), draw(arguments.process, number, runs=arguments.runs)
    outcome = play(history, print if arguments.verbose else lambda line: None)
    print(
        f"{arguments.process} seed {number}: {len(history.steps)} steps, {outcome.run_count} runs, "
        f"{outcome.published_count} published, {outcome.case_count} cases, {outcome.changed_count} of them changed, "
        f"{len(outcome.differences)} differences, {time.monotonic() - began:.1f} s; {outcome.errors}",
        *outcome.differences,
        sep="\n  ",
        flush=True,
    )
    if outcome.differences and arguments.shrink:
        print("shortest history that differs:", *shrink(history, play).steps, sep="\n  ")
    return not outcome.differences


def shrink(history: History, play: Callable[[History], Outcome]) -> History:
    """Leave out steps as long as a difference stays (ddmin: halves first, single steps last)."""
    steps, size = list(history.steps), len(history.steps) // 2
    while size:
        start = 0
        while start < len(steps):
            shorter = History(history.process, tuple(steps[:start] + steps[start + size :]))
            try:
                is_bad = bool(play(shorter).differences)
            except Exception as error:  # noqa: BLE001 - another fault than the one that is looked for
                print(f"  ({type(error).__name__}: {error})"[:300], flush=True)
                is_bad = False
            if is_bad:
                steps = list(shorter.steps)
                print(f"  {len(steps)} steps", flush=True)
            else:
                start += size
        size //= 2
    return History(history.process, tuple(steps))


if __name__ == "__main__":
    main()
