"""A real Airflow (scheduler, DAG processor, API server) runs the DAGs; the layers below them are stand-ins."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import psutil
import psycopg
import pytest

from sluice import stack as airflow
from sluice.airflow_environment import airflow_environment
from sluice.backfill import backfill
from sluice.processes import list_processes, load_process
from sluice.run_night import expected_dags, night_stack, run_night
from sluice.settings import Settings
from sluice.stack import Stack
from sluice.warehouse import embedded

pytestmark = [pytest.mark.timeout(600)]
PATIENCE = 240  # seconds that a full machine may take; a hang takes for ever
STUBS = Path(__file__).with_name("layer_stubs.py")
ODOO_ONLY = [name for name in list_processes() if set(load_process(name).sources) == {"odoo"}]
EXTRACT_STEPS, MINE_STEPS = ["copy", "gate", "land", "stage"], ["build", "gate", "mine", "gate_results", "publish"]


def install_stubs(home: Path, url: str) -> None:
    """Let the Airflow of `home` run stand-ins instead of the layers."""
    folder = home / "airflow" / "config"
    folder.mkdir(parents=True)
    shutil.copy(STUBS, folder / "airflow_local_settings.py")
    with psycopg.connect(url) as db:
        db.execute(
            "create table calls (step text, subject text, day date, mode text, window_start timestamptz, "
            "window_end timestamptz, at timestamptz)"
        )
        db.execute("create table faults (step text, subject text, kind text, times int)")
        db.execute("grant all on calls, faults to public")  # tasks log in as the loader or the miner


@pytest.fixture(scope="module")
def installation(tmp_path_factory, module_warehouse_url: str, make_database: Callable[..., str]) -> Iterator[Settings]:
    home = tmp_path_factory.mktemp("airflow") / "home"
    install_stubs(home, module_warehouse_url)
    drop = home / "drop"
    drop.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLUICE_AIRFLOW_DB_URL", make_database("airflow_of_the_tests"))
        yield Settings(
            home=home,
            warehouse_url=module_warehouse_url,
            source_urls={"odoo": "postgresql://nowhere/odoo"},
            agent_drop=drop,
        )


@pytest.fixture(scope="module")
def stack(installation: Settings) -> Iterator[Stack]:
    with night_stack(installation) as started:
        airflow.wait_until_healthy(started, expected_dags(installation))
        yield started


@pytest.fixture(autouse=True)
def no_faults(installation: Settings) -> None:
    with psycopg.connect(installation.warehouse_url) as db:
        db.execute("truncate calls, faults")


def fault(settings: Settings, step: str, subject: str, kind: str, times: int = 99) -> None:
    with psycopg.connect(settings.warehouse_url) as db:
        db.execute("insert into faults values (%s, %s, %s, %s)", (step, subject, kind, times))


def calls(settings: Settings, columns: str = "step, subject") -> list[tuple]:
    with psycopg.connect(settings.warehouse_url) as db:
        return db.execute(f"select {columns} from calls order by at").fetchall()


def test_a_night_runs_every_step_in_order_and_ends_well(stack: Stack, installation: Settings, capsys):
    assert run_night(stack, installation, date(2026, 3, 1)) == 0
    for system in ("agent", "odoo"):
        assert [step for step, subject in calls(installation) if subject == system] == EXTRACT_STEPS
    for process in list_processes():
        assert [step for step, subject in calls(installation) if subject == process] == MINE_STEPS
    shown = capsys.readouterr().out
    assert "all is well" in shown and "desktop_work" in shown


def test_the_same_night_again_runs_again(stack: Stack, installation: Settings):
    assert run_night(stack, installation, date(2026, 3, 1), full=True) == 0
    assert {mode for (mode,) in calls(installation, "mode") if mode} == {"full"}, (
        "--full reaches extraction and processes"
    )
    assert len([1 for step, _ in calls(installation) if step == "publish"]) == len(list_processes())


def test_a_blocked_source_is_one_line_exit_code_3_and_its_processes_wait(stack: Stack, installation: Settings, capsys):
    fault(installation, "gate", "odoo", "blocked")
    assert run_night(stack, installation, date(2026, 3, 2)) == 3
    shown = capsys.readouterr().out
    assert "blocked odoo: odoo: gate found what must not be: repair it" in shown
    assert "not run purchase_to_pay: waits for odoo" in shown
    done = calls(installation)
    assert done.count(("gate", "odoo")) == 1, "a blocked step is not tried again"
    assert ("land", "odoo") not in done and ("build", "purchase_to_pay") not in done
    assert ("publish", "desktop_work") in done, "what does not read the blocked source goes on"


def test_after_the_repair_the_same_night_is_green(stack: Stack, installation: Settings):
    assert run_night(stack, installation, date(2026, 3, 2)) == 0
    assert ("publish", "purchase_to_pay") in calls(installation)


def test_a_bug_fails_at_once_with_exit_code_1(stack: Stack, installation: Settings, capsys):
    fault(installation, "mine", "lead_to_order", "broken")
    assert run_night(stack, installation, date(2026, 3, 3)) == 1
    assert "failed  lead_to_order: ValueError: a bug" in capsys.readouterr().out
    assert calls(installation).count(("mine", "lead_to_order")) == 1


@pytest.mark.slow
def test_a_lost_connection_is_tried_again(stack: Stack, installation: Settings):
    fault(installation, "land", "odoo", "lost", times=1)
    assert run_night(stack, installation, date(2026, 3, 4)) == 0
    assert calls(installation).count(("land", "odoo")) == 2


def run_states(stack: Stack, dag_id: str, days: list[date]) -> dict[str, list[str]]:
    keys = [day.isoformat() for day in days]
    found: dict[str, list[str]] = {}
    for run in stack.api().runs(dag_id):
        if run["partition_key"] in keys:
            found.setdefault(run["partition_key"], []).append(run["state"])
    return found


@pytest.mark.slow
def test_airflow_backfill_create_over_five_days_gives_five_runs_per_dag(stack: Stack, installation: Settings):
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(5)]
    command = [
        sys.executable,
        "-m",
        "airflow",
        "backfill",
        "create",
        "--dag-id",
        "extract__odoo",
        "--from-date",
        "2026-01-01",
        "--to-date",
        "2026-01-05",
    ]
    environment = airflow_environment(installation, port=stack.port, is_scheduled=False)
    subprocess.run(command, env=environment, check=True, capture_output=True)
    expected = {day.isoformat(): ["success"] for day in days}
    dag_ids = ["extract__odoo", *(f"mine__{name}" for name in ODOO_ONLY)]
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and any(run_states(stack, dag_id, days) != expected for dag_id in dag_ids):
        time.sleep(1)
    for dag_id in dag_ids:
        assert run_states(stack, dag_id, days) == expected, dag_id
    assert run_states(stack, "extract__agent", days) == {}
    windows = [
        (mode, day, start.date(), end.date())
        for step, mode, day, start, end in calls(installation, "step, mode, day, window_start, window_end")
        if step == "copy"
    ]
    assert sorted(windows) == [("window", day, day, day + timedelta(days=1)) for day in days], (
        "each run re-reads its own day"
    )
    turns = [step for step, subject in calls(installation) if subject == "odoo" and step in ("copy", "land")]
    assert turns == ["copy", "land"] * 5, "runs that overlap take turns between copy and land"


@pytest.mark.slow
def test_sluice_backfill_reads_days_again(stack: Stack, installation: Settings, monkeypatch, capsys):
    @contextmanager
    def this_stack(settings: Settings) -> Iterator[Stack]:
        yield stack

    monkeypatch.setattr("sluice.run_night.night_stack", this_stack)
    days = [date(2026, 2, 5), date(2026, 2, 6)]
    assert backfill(installation, days[0], days[0], system="odoo") == 0
    assert backfill(installation, days[0], days[1], system="odoo", reason="late bills") == 0
    assert run_states(stack, "extract__odoo", days) == {"2026-02-05": ["success"] * 2, "2026-02-06": ["success"]}
    assert {mode for (mode,) in calls(installation, "mode") if mode} == {"window", "night"}
    assert "all is well" in capsys.readouterr().out


def test_an_unknown_partition_is_refused_in_one_line(stack: Stack, installation: Settings):
    api = stack.api()
    run_id = api.call("POST", "/dags/extract__odoo/dagRuns", {"logical_date": None})["dag_run_id"]
    deadline = time.monotonic() + PATIENCE
    while api.run("extract__odoo", run_id)["state"] not in ("success", "failed") and time.monotonic() < deadline:
        time.sleep(0.5)
    assert api.run("extract__odoo", run_id)["state"] == "failed"
    assert calls(installation) == []


# processes ---------------------------------------------------------------------------------------------------------

RUNNER = """
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from sluice import stack as airflow
from sluice.nights import running_warehouse
from sluice.run_night import expected_dags, night_stack, run_night
from sluice.settings import load_settings

settings = load_settings()
with running_warehouse(settings) as ready, night_stack(ready) as stack:
    if "--early" not in sys.argv:
        airflow.wait_until_healthy(stack, expected_dags(ready))
    print("up", stack.pid, flush=True)
    sys.exit(run_night(stack, ready, date(2026, 5, 1)))
"""


def left(home: Path, session: int) -> list[str]:
    """Command lines of all processes of the launcher's session, or that have to do with `home`."""
    found = []
    for process in psutil.process_iter():
        try:
            # a title that was rewritten hides command line and environment, not the session
            is_ours = os.getsid(process.pid) == session or any(str(home) in word for word in process.cmdline())
            if is_ours and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline()) or process.name())
        except (psutil.NoSuchProcess, psutil.AccessDenied, ProcessLookupError):
            continue
    return found


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_however_the_runner_ends_no_process_is_left(tmp_path: Path, how: signal.Signals):
    home = tmp_path / "home"
    settings = Settings(home=home)
    embedded.start(settings)
    from sluice.warehouse import migrate

    migrate(embedded.url(settings))
    install_stubs(home, embedded.url(settings))
    fault(replace_url(settings), "copy", "odoo", "slow")
    embedded.stop(settings)
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SLUICE_", "AIRFLOW_"))}
    environment |= {"SLUICE_HOME": str(home), "SLUICE_SOURCE_ODOO_URL": "postgresql://nowhere/odoo"}
    runner = subprocess.Popen([sys.executable, "-c", RUNNER], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        session = int(runner.stdout.readline().split()[1])
        wait_for(lambda: is_copying(settings), "the task runs", lambda: last_words(home, runner))
        assert len(left(home, session)) > 8, "Airflow's parts, their workers, the task, the database"
        runner.send_signal(how)
        runner.wait(PATIENCE)
        wait_for(lambda: not left(home, session), "no process is left", lambda: left(home, session))
    finally:
        runner.kill()
        embedded.stop(settings)


def replace_url(settings: Settings) -> Settings:
    return Settings(home=settings.home, warehouse_url=embedded.url(settings))


def is_copying(settings: Settings) -> bool:
    with psycopg.connect(embedded.url(settings)) as db:
        return bool(db.execute("select 1 from calls where step = 'copy'").fetchone())


def last_words(home: Path, runner: subprocess.Popen) -> str:
    """Whether the runner lives, and the end of each log of its Airflow."""
    logs = sorted((home / "airflow" / "logs").rglob("*.log"))
    return "\n".join([f"runner's exit code: {runner.poll()}", *(f"{log}:\n{log.read_text()[-3000:]}" for log in logs)])


def wait_for(is_so: Callable[[], bool], what: str, detail: Callable[[], object] = lambda: "") -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if is_so():
            return
        time.sleep(0.2)
    pytest.fail(f"after {PATIENCE} s not so: {what} {detail()}")


@pytest.mark.slow
def test_up_keeps_running_and_down_stops_everything(capsys):
    # not tmp_path, whose folder other sessions of pytest close to other accounts: the server's among them
    home = Path(tempfile.mkdtemp(prefix="sluice-up-"))
    settings = Settings(home=home, source_urls={"odoo": "postgresql://nowhere/odoo"})
    try:
        assert airflow.up(settings) == 0
        shown = capsys.readouterr().out
        kept = airflow.running(settings)
        assert kept is not None and kept.url in shown
        assert kept.password not in shown, "the password stays in its file"
        assert oct((home / "airflow" / "password.json").stat().st_mode & 0o777) == "0o600"
        assert kept.api().dags()["extract__odoo"]["is_paused"] is False
        assert airflow.up(settings) == 0, "up twice is up once"
    finally:
        airflow.down(settings)
    assert airflow.running(settings) is None
    wait_for(lambda: not left(settings.home, kept.pid), "no process is left", lambda: left(settings.home, kept.pid))
    shutil.rmtree(home)
