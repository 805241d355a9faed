"""A whole night without the scheduler: the very steps of the DAGs, called in their order on a real warehouse.

The scheduler itself is proved by test_scheduler.py; here what matters is what a night does to the tables.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest

from sluice import demo
from sluice.demo import DemoState
from sluice.demo.plants import CLEAN
from sluice.settings import Settings
from tests.integration.published import published as read_published

STEPS_OF_PROCESS = ("build", "gate_candidate", "mine", "gate_mining", "publish")


@dataclass
class Night:
    """What a night did: the error line of each system or process that did not come through."""

    errors: dict[str, str] = field(default_factory=dict)


@pytest.fixture
def warehouse_url(server: Settings, make_database: Callable[..., str], readable_template: str) -> str:
    """A fresh warehouse as the first night leaves it: with all migrations and the views for readers."""
    return make_database(template=readable_template)


@pytest.fixture
def night(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Night]:
    """night(settings, day, systems=…, processes=…, window=None, full=False) -> Night."""
    from airflow.sdk.exceptions import AirflowFailException

    from sluice import dag_steps
    from sluice.errors import SourceUnreachable

    numbers = iter(range(1, 10_000))

    def run(
        settings: Settings,
        day: date,
        *,
        systems: tuple[str, ...] = ("odoo",),
        processes: tuple[str, ...] = (),
        window: tuple[date, date] | None = None,
        full: bool = False,
    ) -> Night:
        monkeypatch.setattr(dag_steps, "load_settings", lambda: settings)
        outcome, number = Night(), next(numbers)
        params = {"full": full}
        if window is not None:
            params["window_start"], params["window_end"] = (
                datetime(edge.year, edge.month, edge.day, tzinfo=UTC).isoformat() for edge in window
            )
        for system in systems:
            dag_run = _dag_run(f"extract__{system}", day, number)
            try:
                version = dag_steps.copy(system, dag_run, params, lambda run_id: False)
                dag_steps.gate_landing(system, version, dag_run, params)
                dag_steps.land(system, version, dag_run, params)
                dag_steps.stage(system, version, dag_run, params)
            except (AirflowFailException, SourceUnreachable) as error:  # the latter would be tried again
                outcome.errors[system] = str(error)
        from sluice.processes import load_process

        for process in processes:
            if set(load_process(process).sources) & set(outcome.errors):
                continue  # its asset was not updated: the scheduler would not start it
            dag_run = _dag_run(f"mine__{process}", day, number)
            try:
                for name in STEPS_OF_PROCESS:
                    getattr(dag_steps, name)(process, dag_run, {"full": full})
            except AirflowFailException as error:
                outcome.errors[process] = str(error)
        return outcome

    return run


def _dag_run(dag_id: str, day: date, number: int) -> SimpleNamespace:
    return SimpleNamespace(dag_id=dag_id, partition_key=str(day), run_id=f"test_{number}", run_type="manual")


@pytest.fixture(scope="session")
def published() -> Callable[[str], dict[str, list]]:
    """published(url) -> the log, its results and the quarantine, byte by byte: for comparing two warehouses."""
    quarantine = ("quality", "quarantined_cases", ["process", "case_id", "check_name", "reason"])
    return lambda url: read_published(url, ("event_log", "mining"), [quarantine])


@pytest.fixture
def planted_company(settings, make_database, night, tmp_path) -> Callable[..., tuple[str, DemoState]]:
    """planted_company(cases, seed, **plant) -> (its database, its state): purchase_to_pay of a demo company in which nothing
    but `plant` is planted, published in the warehouse."""

    def make(cases: int, seed: int, **plant: bool) -> tuple[str, DemoState]:
        url = make_database()
        options = {"cases": cases, "seed": seed, "plant": CLEAN | plant, "desktop_limit": 0}
        state = demo.ensure(settings, url=url, folder=tmp_path / "demo", **options)
        ready = replace(settings, source_urls={"odoo": url}, person_map=state.person_map)
        assert night(ready, state.day, processes=("purchase_to_pay",)).errors == {}
        return url, state

    return make
