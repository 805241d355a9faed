"""`sluice backfill`: read a window of days again through Airflow, one run per day and DAG, and rebuild what it touches."""

import time
from datetime import UTC, date, datetime, timedelta

from rich.console import Console

from sluice import stack as airflow
from sluice.airflow_api import AirflowApi, ApiError
from sluice.errors import BadInput, SluiceError
from sluice.settings import Settings
from sluice.summary import make_console
from sluice.systems import configured_systems, minable_processes

EXIT_OK, EXIT_FAILED, EXIT_BLOCKED = 0, 1, 3
LONGEST_DAYS = 31
START_SECONDS = 120
CLOSING_SECONDS = 90
CONFLICT = 409  # HTTP
_ENDED = ("success", "failed")


def backfill(
    settings: Settings, start: date, end: date, *, system: str | None = None, reason: str = "", dry_run: bool = False
) -> int:
    """Read the days `start` … `end` (both included) of the configured systems again; returns the exit code.

    Raises BadInput for a window that is empty, in the future or longer than 31 days (a longer one is one run over a wide
    window: trigger extract__<system> with window_start and window_end in Airflow).
    """
    from sluice.nights import running_warehouse
    from sluice.run_night import expected_dags, night_stack

    systems = _checked(settings, start, end, system)
    days = [start + timedelta(days=number) for number in range((end - start).days + 1)]
    processes = {
        name: process for name, process in minable_processes(settings).items() if set(process.sources) & set(systems)
    }
    console = make_console()
    console.print(
        f"backfill {start} … {end}: {len(days)} days × {', '.join(systems)} → {', '.join(processes)}"
        + (f" ({reason})" if reason else "")
    )
    if dry_run:
        for day in days:
            console.print(f"  would read {day} again: {', '.join(f'extract__{name}' for name in systems)}")
        return EXIT_OK
    with running_warehouse(settings) as ready, night_stack(ready) as stack:
        airflow.wait_until_healthy(stack, expected_dags(ready))
        return _Backfill(stack.api(), console, days, reason).run(
            systems, {n: set(p.sources) for n, p in processes.items()}
        )


def _checked(settings: Settings, start: date, end: date, system: str | None) -> list[str]:
    if end < start:
        raise BadInput(f"--to {end}: expected a day not before --from {start}")
    if end >= datetime.now(UTC).date():
        raise BadInput(f"--to {end}: expected a day that is over (before today, UTC)")
    if (end - start).days >= LONGEST_DAYS:
        raise BadInput(
            f"--from {start} --to {end}: more than {LONGEST_DAYS} days; a long window is one run: trigger "
            "extract__<system> in Airflow (`sluice up`) with window_start and window_end"
        )
    systems = configured_systems(settings)
    if system is not None and system not in systems:
        raise BadInput(f"--system {system}: expected a configured system ({', '.join(systems) or 'none is'})")
    if not systems:
        raise BadInput(
            "no source is configured: set SLUICE_SOURCE_ODOO_URL (a database) or SLUICE_AGENT_DROP (a folder)"
        )
    return [system] if system else systems


class _Backfill:
    def __init__(self, api: AirflowApi, console: Console, days: list[date], reason: str) -> None:
        self.api, self.console, self.days, self.reason = api, console, days, reason
        self.keys = {day.isoformat() for day in days}

    def run(self, systems: list[str], processes: dict[str, set[str]]) -> int:
        dag_ids = [f"extract__{name}" for name in systems] + [f"mine__{name}" for name in processes]
        known = self.api.dags()
        for dag_id in dag_ids:
            if known[dag_id]["is_paused"]:
                self.api.set_paused(dag_id, False)
        before = {dag_id: {run["dag_run_id"] for run in self.api.runs(dag_id)} for dag_id in dag_ids}
        for name in systems:
            self._create(f"extract__{name}")
        # a process that reads more than the systems read again waits for the others' assets of these days: start it here
        complete = {f"mine__{name}" for name, sources in processes.items() if sources <= set(systems)}
        waited = [f"extract__{name}" for name in systems] + sorted(complete)
        states = self._follow(waited, before)
        partial = sorted({f"mine__{name}" for name in processes} - complete)
        if partial and all(state == "success" for state in states.values()):
            for dag_id in partial:
                self.api.trigger(dag_id, self.days[-1], note=self.reason or "backfill")
            states |= self._follow(partial, before, count=1)
        failed = sorted(key for key, state in states.items() if state != "success")
        for dag_id, key in failed:
            self.console.print(f"[red]failed[/] {dag_id} {key}: see `sluice status`")
        if not failed:
            self.console.print(f"[bold green]all is well[/]: {len(states)} runs")
        return EXIT_FAILED if failed else EXIT_OK

    def _create(self, dag_id: str) -> None:
        """Airflow keeps a backfill open for some seconds after its last run, and takes one at a time per DAG."""
        deadline = time.monotonic() + CLOSING_SECONDS
        while True:
            try:
                self.api.create_backfill(
                    dag_id,
                    _midnight(self.days[0]),
                    _midnight(self.days[-1]),
                    {"reason": self.reason} if self.reason else {},
                )
                return
            except ApiError as error:
                if error.status != CONFLICT:
                    raise
                if time.monotonic() > deadline:
                    raise BadInput(
                        f"{dag_id}: another backfill is running: wait for its end (`sluice status`), then repeat this one"
                    ) from None
            time.sleep(1)

    def _follow(
        self, dag_ids: list[str], before: dict[str, set[str]], *, count: int | None = None
    ) -> dict[tuple[str, str], str]:
        """Wait until each DAG has ended its runs of the days (or cannot get them any more); states by (dag, day)."""
        expected = count or len(self.days)
        states: dict[tuple[str, str], str] = {}
        told: set[tuple[str, str]] = set()
        last_change = time.monotonic()
        while True:
            for dag_id in dag_ids:
                for run in self.api.runs(dag_id):
                    key = (dag_id, run["partition_key"])
                    is_ours = run["partition_key"] in self.keys and run["dag_run_id"] not in before[dag_id]
                    if is_ours and states.get(key) != run["state"]:
                        states[key], last_change = run["state"], time.monotonic()
            for key, state in states.items():
                if state in _ENDED and key not in told:
                    told.add(key)
                    self.console.print(
                        f"  {key[1]}  {key[0]:<28} [{'green' if state == 'success' else 'red'}]{state}[/]"
                    )
            extracts_failed = sum(
                1 for (dag_id, _), state in states.items() if dag_id.startswith("extract__") and state == "failed"
            )
            ended = {
                dag_id: sum(1 for (of, _), state in states.items() if of == dag_id and state in _ENDED)
                for dag_id in dag_ids
            }
            if all(
                number >= expected - (0 if dag_id.startswith("extract__") else extracts_failed)
                for dag_id, number in ended.items()
            ):
                return states
            if (
                not any(state not in _ENDED for state in states.values())
                and time.monotonic() - last_change > START_SECONDS
            ):
                raise SluiceError(
                    f"the backfill does not go on: {ended} of {expected} runs each; look into Airflow (`sluice up`)"
                )
            time.sleep(1)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
