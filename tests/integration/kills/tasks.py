"""The tasks of a night as processes of their own, forked from one that has imported what they need, as Airflow's
LocalExecutor does; and the other commands that write: import-log, migrate, demo."""

import multiprocessing
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace

PRELOADED = (
    "airflow.sdk",
    "airflow.sdk.exceptions",
    "sluice.dag_steps",
    "sluice.transform",
    "sluice.publish",
    "sluice.import_log.pipeline",
    "sluice.demo",
    "extractors.pipeline",
    "extractors.agent.pipeline",
    "expectations.landing",
    "expectations.candidate",
    "expectations.mining",
    "mining_tasks.runner",
    "dbt.cli.main",
    "great_expectations",
    "tests.integration.kills.tasks",
)
EXTRACT_STEPS = ("copy", "gate", "land", "stage")
MINE_STEPS = ("build", "gate", "mine", "gate_results", "publish")
_FUNCTIONS = {"extract": {"gate": "gate_landing"}, "mine": {"gate": "gate_candidate", "gate_results": "gate_mining"}}


def context() -> multiprocessing.context.BaseContext:
    """Processes are forked from a server that has imported everything once and has no threads."""
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(list(PRELOADED))
    return made


@dataclass
class Task:
    """A running process and its answer: ("done", value) or ("failed", line); nothing when it was killed."""

    process: multiprocessing.Process
    answers: Connection
    _answer: tuple[str, object] | None = None

    def wait(self, seconds: float | None = None) -> bool:
        """Whether it has ended after at most `seconds`."""
        self.process.join(seconds)
        return self.process.exitcode is not None

    def kill(self) -> bool:
        """kill -9; whether it was alive to be killed."""
        self.process.kill()
        self.process.join()
        return self.process.exitcode == -9

    def answer(self) -> tuple[str, object]:
        """What it answered; ("killed", exit code) when it could not."""
        self.process.join()
        if self._answer is None:
            try:
                self._answer = self.answers.recv()
            except EOFError:
                self._answer = "killed", self.process.exitcode
        return self._answer


def start(target: Callable, *arguments: object, environment: dict[str, str], log: Path) -> Task:
    """Start `target(*arguments)` in a process of its own, its output going to `log`."""
    made = context()
    ours, theirs = made.Pipe()
    process = made.Process(target=_main, args=(target, arguments, environment, str(log), theirs), daemon=True)
    process.start()
    theirs.close()
    return Task(process, ours)


def _main(target: Callable, arguments: tuple, environment: dict[str, str], log: str, answers: Connection) -> None:
    for name in [name for name in os.environ if name.startswith("SLUICE_")]:
        del os.environ[name]
    os.environ.update(environment)
    with open(log, "ab", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    multiprocessing.process.current_process()._config["daemon"] = (
        False  # it may have children of its own, as a task may
    )
    try:
        answers.send(("done", target(*arguments)))
    except BaseException as error:  # noqa: BLE001 - the driver judges
        traceback.print_exc()
        answers.send(("failed", f"{type(error).__name__}: {error}"))
    sys.stdout.flush()
    os._exit(0)


def run_step(
    kind: str, subject: str, step: str, day: date, run_id: str, params: dict, version: int | None
) -> int | None:
    """One task of the DAGs; returns the load's version in an extraction."""
    from sluice import dag_steps

    dag_run = SimpleNamespace(
        dag_id=f"{kind}__{subject}", partition_key=str(day), run_id=run_id, run_type="manual", consumed_asset_events=()
    )
    function = getattr(dag_steps, _FUNCTIONS[kind].get(step, step))
    if kind == "mine":
        return function(subject, dag_run, params)
    if step == "copy":
        return function(subject, dag_run, params, lambda run_id: False)
    return function(subject, version, dag_run, params)


def command(*arguments: str) -> int:
    """One command of the command line; raises RuntimeError for another exit code than 0."""
    from sluice.cli import main

    code = main(list(arguments))
    if code:
        raise RuntimeError(f"sluice {' '.join(arguments)} ended with {code}")
    return code


def advance_demo(url: str, folder: str) -> str:
    """Move the demo company on by a day; returns its day."""
    from sluice import demo
    from sluice.settings import load_settings

    return demo.advance(load_settings(), url=url, folder=Path(folder)).day.isoformat()


def make_demo(url: str, folder: str, cases: int, seed: int) -> str:
    """Make the demo company; returns its day."""
    from sluice import demo
    from sluice.settings import load_settings

    return demo.ensure(load_settings(), url=url, cases=cases, seed=seed, folder=Path(folder)).day.isoformat()


def migrate(url: str) -> list[str]:
    """Bring a warehouse to this release."""
    from sluice.warehouse import migrate as bring_up_to_date

    return bring_up_to_date(url)
