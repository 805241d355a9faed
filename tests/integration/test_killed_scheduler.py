"""A killed task and a killed scheduler under a real Airflow: the night goes on and ends well; the layers are stand-ins."""

import os
import signal
import threading
import time
from datetime import date

import psutil
import psycopg
import pytest

from sluice import stack as airflow
from sluice.run_night import expected_dags, night_stack, run_night
from sluice.settings import Settings
from tests.integration.test_scheduler import fault, install_stubs

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def installation(tmp_path_factory, module_warehouse_url, make_database):
    home = tmp_path_factory.mktemp("airflow") / "home"
    install_stubs(home, module_warehouse_url)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLUICE_AIRFLOW_DB_URL", make_database("airflow_of_the_killed"))
        yield Settings(home=home, warehouse_url=module_warehouse_url, source_urls={"odoo": "postgresql://nowhere/odoo"})


@pytest.fixture(scope="module")
def stack(installation):
    with night_stack(installation) as started:
        airflow.wait_until_healthy(started, expected_dags(installation))
        yield started


def rows(settings, query, *values):
    with psycopg.connect(settings.warehouse_url) as db:
        return db.execute(query, values or None).fetchall()


def wait_for_the_slow_step(settings, step, subject):
    """(run, process id) of the step that hangs."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        found = rows(
            settings,
            """select s.run_id, s.owner from ops.steps as s inner join ops.runs as r on r.run_id = s.run_id
               where s.state = 'running' and s.message is null and s.step = %s and r.subject = %s
               and exists (select from calls where calls.step = s.step and calls.subject = r.subject
                           and calls.at >= s.started_at)""",
            step,
            subject,
        )
        if found:
            return found[0][0], int(found[0][1].rsplit(":", 1)[1])
        time.sleep(0.2)
    pytest.fail(f"{step} of {subject} did not begin")


def night_with(stack, settings, day, hit):
    """A night that `hit()` does something to meanwhile; its exit code."""
    codes = []
    runner = threading.Thread(target=lambda: codes.append(run_night(stack, settings, day)))
    runner.start()
    hit()
    runner.join(700)
    assert not runner.is_alive(), "the night came to an end"
    return codes[0]


def test_a_killed_task_is_tried_again_and_the_night_ends_well(stack, installation):
    fault(installation, "mine", "lead_to_order", "slow", times=1)
    seen = {}

    def kill():
        seen["run"], pid = wait_for_the_slow_step(installation, "mine", "lead_to_order")
        os.kill(pid, signal.SIGKILL)

    assert night_with(stack, installation, date(2026, 3, 1), kill) == 0
    attempts = rows(
        installation,
        "select attempt, state from ops.steps where run_id = %s and step = 'mine' order by attempt",
        seen["run"],
    )
    assert attempts == [(1, "interrupted"), (2, "done")]
    assert rows(installation, "select state from ops.runs where run_id = %s", seen["run"]) == [("published",)]


def test_a_killed_scheduler_comes_back_and_the_night_ends_well(stack, installation):
    fault(installation, "land", "odoo", "slow", times=1)
    seen = {}

    def kill():
        seen["run"], pid = wait_for_the_slow_step(installation, "land", "odoo")
        launcher = psutil.Process(stack.pid)
        (scheduler,) = [part for part in launcher.children() if pid in {p.pid for p in part.children(recursive=True)}]
        scheduler.kill()

    assert night_with(stack, installation, date(2026, 3, 2), kill) == 0
    attempts = rows(
        installation,
        "select attempt, state from ops.steps where run_id = %s and step = 'land' order by attempt",
        seen["run"],
    )
    assert attempts == [(1, "interrupted"), (2, "done")]
    assert rows(installation, "select state from ops.runs where run_id = %s", seen["run"]) == [("landed",)]
    assert rows(installation, "select run_id from ops.runs where state = 'running'") == []
