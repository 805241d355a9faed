"""One night, now: trigger the extractions of a day through Airflow, wait for them and for the processes that they start."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from rich.console import Console

from sluice import stack as airflow
from sluice.airflow_api import AirflowApi
from sluice.errors import BadInput, SluiceError
from sluice.settings import Settings
from sluice.stack import Stack
from sluice.summary import make_console, print_summary
from sluice.systems import configured_systems, minable_processes
from sluice.warehouse import connect, embedded

EXIT_OK, EXIT_FAILED, EXIT_BLOCKED = 0, 1, 3
POLL_SECONDS = 0.5
AIRFLOW_POLL_SECONDS = 1.5  # a request costs the API server CPU that the tasks could use
START_SECONDS = 120  # how long a process may take to be started after its last source has landed
_ENDED = ("success", "failed")


@dataclass
class DagRun:
    """A run that the night waits for. `state` is Airflow's; `outcome` and `message` are what ops.runs says."""

    dag_id: str
    subject: str
    run_id: str | None = None
    state: str = "waiting"
    is_checked: bool = False
    outcome: str | None = None
    message: str | None = None

    @property
    def has_ended(self) -> bool:
        return self.state in _ENDED

    def ops_id(self, day: date) -> str:
        return f"{self.dag_id}/{day}/{self.run_id}"


@dataclass
class Night:
    """The runs of one partition: extractions by system, mining runs by process."""

    day: date
    extracts: dict[str, DagRun] = field(default_factory=dict)
    mines: dict[str, DagRun] = field(default_factory=dict)
    sources: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def runs(self) -> list[DagRun]:
        return [*self.extracts.values(), *self.mines.values()]

    def is_ready(self, process: str) -> bool:
        """Whether all sources of `process` have landed."""
        return all(self.extracts[source].state == "success" for source in self.sources[process])

    def is_hopeless(self, process: str) -> bool:
        """Whether a source of `process` failed, so that the process will not run."""
        return any(self.extracts[source].state == "failed" for source in self.sources[process])

    @property
    def has_ended(self) -> bool:
        return all(run.has_ended for run in self.extracts.values()) and all(
            run.has_ended or self.is_hopeless(process) for process, run in self.mines.items()
        )


def expected_dags(settings: Settings) -> set[str]:
    """The DAGs that a night of these settings needs."""
    extracts = {f"extract__{system}" for system in configured_systems(settings)}
    return extracts | {f"mine__{process}" for process in minable_processes(settings)}


@contextmanager
def night_stack(settings: Settings) -> Iterator[Stack]:
    """Airflow for a night: the one that `sluice up` keeps running, else one of our own, booting, that ends with the block."""
    kept = airflow.running(settings)
    if kept is not None:
        if not airflow.has_same_settings(settings):
            raise BadInput(
                "the Airflow that `sluice up` started has other settings (sources, keys or warehouse): run `sluice down` first"
            )
        yield kept
        return
    with airflow.temporary(settings, stops_warehouse=_is_embedded(settings)) as stack:
        yield stack


def _is_embedded(settings: Settings) -> bool:
    return embedded.running_port(settings) is not None and settings.warehouse_url == embedded.url(settings)


def run_night(stack: Stack, settings: Settings, day: date, *, full: bool = False, title: str = "") -> int:
    """Run the night of `day` and print progress and a summary; returns the exit code: 0 well, 1 failed, 3 blocked."""
    console = make_console()
    systems, processes = configured_systems(settings), minable_processes(settings)
    if not systems:
        raise BadInput(
            "no source is configured: set SLUICE_SOURCE_ODOO_URL (a database) or SLUICE_AGENT_DROP (a folder)"
        )
    began = time.monotonic()
    named = f" ({title})" if title else ""
    console.print(f"[bold]night of {day}[/]{named}: {', '.join(systems)} → {', '.join(processes) or '(no process)'}")
    with _status(console, "Airflow is starting …") as say:
        airflow.wait_until_healthy(stack, expected_dags(settings))
        say(f"Airflow is up at {stack.url}")
        api = stack.api()
        _unpause(api, expected_dags(settings))
        night = Night(day, sources={name: process.sources for name, process in processes.items()})
        seen = {run["dag_run_id"] for run in _runs_of(api, day)}
        for system in systems:
            run_id = api.trigger(f"extract__{system}", day, {"full": True} if full else {}, note=title or None)
            night.extracts[system] = DagRun(f"extract__{system}", system, run_id, "queued")
        night.mines = {name: DagRun(f"mine__{name}", name) for name in processes}
        _wait(api, settings, night, seen, _Progress(console, say))
    _explain(settings, night)
    _tell(console, settings)
    return print_summary(console, settings, night, seconds=time.monotonic() - began, logs=stack.logs)


def _tell(console: Console, settings: Settings) -> None:
    """Tell by mail or webhook what went wrong, or is well again, where that is set up; a night does not fail by it."""
    from sluice.alerts import look

    try:
        errors = look(settings, settle=timedelta(0)).errors
    except SluiceError as error:
        errors = (str(error),)
    for line in errors:
        console.print(f"  [yellow]note[/] an alert could not be sent: {line}")


@contextmanager
def _status(console: Console, text: str) -> Iterator[Any]:
    """A spinner with what is running where somebody looks; nothing where the output is a file."""
    if not console.is_terminal:
        yield lambda text: None
        return
    with console.status(text) as status:
        yield status.update


def _unpause(api: AirflowApi, dag_ids: set[str]) -> None:
    dags = api.dags()
    for dag_id in sorted(dag_ids):
        if dags[dag_id]["is_paused"]:
            api.set_paused(dag_id, False)


def _runs_of(api: AirflowApi, day: date) -> list[dict[str, Any]]:
    return [
        run
        for run in api.runs("~", partition_key_prefix_pattern=day.isoformat())
        if run["partition_key"] == day.isoformat()
    ]


class _Progress:
    """Prints each step as it ends, from ops.steps."""

    def __init__(self, console: Console, say: Any) -> None:
        self.console, self.say = console, say
        self.told: set[tuple[str, str, int]] = set()

    def look(self, settings: Settings, night: Night) -> None:
        names = {run.ops_id(night.day): run for run in night.runs if run.run_id}
        with connect(settings.warehouse_url) as db:
            steps = db.execute(
                """select run_id, step, attempt, state, seconds, rows_in, rows_out, message from ops.steps
                   where run_id = any(%s) order by started_at""",
                (list(names),),
            ).fetchall()
        for run_id, step, attempt, state, seconds, rows_in, rows_out, message in steps:
            if state == "running" or (run_id, step, attempt) in self.told:
                continue
            self.told.add((run_id, step, attempt))
            rows = (
                ""
                if rows_out is None
                else f"  {rows_in:,} → {rows_out:,} rows"
                if rows_in is not None
                else f"  {rows_out:,} rows"
            )
            colour = {"done": "green", "blocked": "yellow"}.get(state, "red")
            text = f"  {names[run_id].subject:<20} {step:<13} [{colour}]{state:<7}[/] {seconds or 0:6.1f} s{rows}"
            self.console.print(text)
            if state != "done" and message:
                self.console.print(f"    {message}", markup=False)
        running = [f"{names[run_id].subject} {step}" for run_id, step, _, state, *_ in steps if state == "running"]
        if running:
            self.say(", ".join(running))


def _wait(api: AirflowApi, settings: Settings, night: Night, seen: set[str], progress: _Progress) -> None:
    """Follow the night until every run has ended or cannot begin any more."""
    next_look, ready_since = 0.0, {}
    while not night.has_ended:
        if time.monotonic() >= next_look:
            _refresh(api, night, seen)
            _repeat_early(api, settings, night)
            next_look = time.monotonic() + AIRFLOW_POLL_SECONDS
        progress.look(settings, night)
        for process, run in night.mines.items():
            if run.run_id is None and night.is_ready(process):
                since = ready_since.setdefault(process, time.monotonic())
                if time.monotonic() - since > START_SECONDS:
                    raise SluiceError(
                        f"{run.dag_id} did not start within {START_SECONDS} s of its sources: is it paused in Airflow?"
                    )
        time.sleep(POLL_SECONDS)
    progress.look(settings, night)


def _refresh(api: AirflowApi, night: Night, seen: set[str]) -> None:
    runs = _runs_of(api, night.day)
    by_id = {(run["dag_id"], run["dag_run_id"]): run for run in runs}
    for run in night.mines.values():
        mine = [
            found["dag_run_id"] for found in runs if found["dag_id"] == run.dag_id and found["dag_run_id"] not in seen
        ]
        if mine and run.run_id is None:
            run.run_id = mine[-1]
    for run in night.runs:
        found = by_id.get((run.dag_id, run.run_id))
        if found is not None:
            run.state = found["state"]


def _repeat_early(api: AirflowApi, settings: Settings, night: Night) -> None:
    """Run a process again that began before its last source of this night had landed.

    It can be: an earlier run of this partition had left it waiting for one source, and the other's landing started it.
    """
    with connect(settings.warehouse_url) as db:
        for process, run in night.mines.items():
            if run.is_checked or not run.has_ended or not night.is_ready(process):
                continue
            run.is_checked = True
            sources = [night.extracts[source].ops_id(night.day) for source in night.sources[process]]
            (is_early,) = db.execute(
                """select coalesce(max(source.finished_at) > min(process.started_at), false)
                   from ops.runs as source cross join ops.runs as process
                   where source.run_id = any(%s) and process.run_id = %s""",
                (sources, run.ops_id(night.day)),
            ).fetchone()
            if is_early:
                run.run_id, run.state = api.trigger(run.dag_id, night.day), "queued"


def _explain(settings: Settings, night: Night) -> None:
    """Give each run what ops.runs says of its end."""
    with connect(settings.warehouse_url) as db:
        known = {
            run_id: (state, message)
            for run_id, state, message in db.execute(
                "select run_id, state, message from ops.runs where run_id = any(%s)",
                ([run.ops_id(night.day) for run in night.runs if run.run_id],),
            )
        }
    for run in night.runs:
        run.outcome, run.message = known.get(run.ops_id(night.day), (None, None)) if run.run_id else (None, None)
        if run.state == "failed" and run.outcome != "blocked":
            run.outcome = "failed"
