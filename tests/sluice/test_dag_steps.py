"""What a task makes of its run: the context, and which errors are worth another try."""

import errno
import threading
from datetime import UTC, date, datetime
from types import SimpleNamespace

import psycopg
import pytest
from airflow.sdk.exceptions import AirflowFailException

from sluice import dag_steps, owners
from sluice.errors import BadInput, Blocked, SluiceError, SourceUnreachable
from sluice.settings import Settings
from sluice.warehouse import connect


def a_run(dag_id="extract__odoo", key="2026-01-31", run_type="scheduled", events=()):
    return SimpleNamespace(
        dag_id=dag_id, partition_key=key, run_id="run_1", run_type=run_type, consumed_asset_events=list(events)
    )


def test_the_partition_key_is_the_day_and_its_midnight_the_horizon():
    ctx = dag_steps.context_of("extract", "odoo", a_run(), {})
    assert (ctx.run_id, ctx.subject, ctx.day, ctx.mode) == (
        "extract__odoo/2026-01-31/run_1",
        "odoo",
        date(2026, 1, 31),
        "night",
    )
    assert ctx.as_of == datetime(2026, 2, 1, tzinfo=UTC)


def test_a_backfill_of_an_extraction_rereads_its_day_and_of_a_process_does_not():
    ctx = dag_steps.context_of("extract", "odoo", a_run(run_type="backfill"), {})
    assert (ctx.mode, ctx.window_start, ctx.window_end) == (
        "window",
        datetime(2026, 1, 31, tzinfo=UTC),
        datetime(2026, 2, 1, tzinfo=UTC),
    )
    assert dag_steps.context_of("mine", "p2p", a_run("mine__p2p", run_type="asset_triggered"), {}).mode == "night"


def test_a_declared_window_is_read_and_a_naive_time_is_utc():
    ctx = dag_steps.context_of(
        "extract", "odoo", a_run(), {"window_start": "2025-01-01T00:00:00+01:00", "window_end": "2025-02-01T00:00:00"}
    )
    assert ctx.mode == "window"
    assert ctx.window_start == datetime(2024, 12, 31, 23, tzinfo=UTC) and ctx.window_end == datetime(
        2025, 2, 1, tzinfo=UTC
    )


def test_half_a_window_is_refused():
    with pytest.raises(BadInput, match="window_start and window_end"):
        dag_steps.context_of("extract", "odoo", a_run(), {"window_start": "2025-01-01T00:00:00Z"})


@pytest.mark.parametrize("key", [None, "", "2026-02-30", "yesterday"])
def test_a_run_without_a_day_is_refused(key):
    with pytest.raises(BadInput, match="partition key such as"):
        dag_steps.context_of("extract", "odoo", a_run(key=key), {})


def test_full_reaches_the_process_through_the_asset_that_started_it():
    events = [
        SimpleNamespace(extra={"full": False}),
        SimpleNamespace(extra={"full": True}),
        SimpleNamespace(extra=None),
    ]
    assert dag_steps.context_of("mine", "p2p", a_run("mine__p2p", events=events), {}).mode == "full"
    assert dag_steps.context_of("mine", "p2p", a_run("mine__p2p", events=events[:1]), {}).mode == "night"
    assert dag_steps.context_of("mine", "p2p", a_run("mine__p2p"), {"full": True}).mode == "full"


def caused(cause: Exception) -> Exception:
    try:
        try:
            raise cause
        except Exception as inner:
            raise SluiceError("cannot be reached") from inner
    except SluiceError as outer:
        return outer


@pytest.mark.parametrize("error, is_lost", [
    (psycopg.OperationalError("server closed the connection"), True),
    (psycopg.errors.AdminShutdown("terminating connection"), True),
    (psycopg.errors.DeadlockDetected("deadlock"), True),
    (caused(psycopg.OperationalError("refused")), True),
    (caused(KeyError("x")), False),
    (ConnectionResetError(), True),
    (psycopg.errors.TooManyConnections("too many clients"), True),
    (SourceUnreachable("odoo: table sale_order: the source failed while it was read"), True),
    (Blocked("odoo: table sale_order is missing"), False),
    (psycopg.errors.DiskFull("could not extend file"), False),
    (psycopg.errors.QueryCanceled("canceling statement due to user request"), False),
    (psycopg.OperationalError('FATAL:  password authentication failed for user "x"'), False),
    (psycopg.errors.UndefinedColumn("no such column"), False),
    (ValueError("a bug"), False),
])  # fmt: skip
def test_only_a_lost_connection_is_worth_another_try(error, is_lost):
    assert dag_steps.is_lost_connection(error) is is_lost


@pytest.fixture
def here(settings: Settings, monkeypatch) -> Settings:
    monkeypatch.setattr(dag_steps, "load_settings", lambda: settings)
    return settings


@pytest.mark.parametrize("error, raised, state, message", [
    (Blocked("odoo: column gone: repair it"), AirflowFailException, "blocked", "odoo: column gone: repair it"),
    (SluiceError("a.csv: line 3"), AirflowFailException, "failed", "a.csv: line 3"),
    (ValueError("a bug"), AirflowFailException, "failed", "ValueError: a bug"),
    (psycopg.OperationalError("gone"), psycopg.OperationalError, "failed", "OperationalError: gone"),
    (SourceUnreachable("odoo: gone"), SourceUnreachable, "blocked", "odoo: gone"),
    (psycopg.errors.DiskFull("could not extend file"), AirflowFailException, "failed",
     "the warehouse: could not extend file: the disk is full: make room, then run again; nothing was lost"),
    (OSError(errno.ENOSPC, "No space left on device", "/logs/dbt.log"), AirflowFailException, "failed",
     "/logs/dbt.log: No space left on device: the disk is full: make room, then run again; nothing was lost"),
])  # fmt: skip
def test_how_a_step_ends_is_recorded_and_told_to_airflow(here: Settings, error, raised, state, message):
    with pytest.raises(raised), dag_steps._step("extract", "odoo", "copy", a_run(), {}):
        raise error
    with connect(here.warehouse_url) as db:
        assert db.execute("select state, message from ops.steps").fetchall() == [(state, message)]
        assert db.execute("select state, message from ops.runs").fetchall() == [(state, message)]


def test_runs_take_turns_between_copy_and_land_and_a_dead_one_holds_nobody_up(here: Settings, monkeypatch):
    context = dag_steps.context_of("extract", "odoo", a_run(), {})
    with connect(here.warehouse_url) as db:
        for run_id, state in (
            ("extract__odoo/2026-01-30/dead", "copied"),
            ("extract__odoo/2026-01-30/done", "landed"),
            ("extract__odoo/2026-01-30/busy", "copied"),
            (context.run_id, "copied"),
        ):
            db.execute(
                "insert into ops.loads (run_id, system, mode, state) values (%s, 'odoo', 'night', %s)", (run_id, state)
            )
    asked, naps = [], []
    monkeypatch.setattr(owners.time, "sleep", naps.append)

    def is_running(run_id: str) -> bool:
        asked.append(run_id)
        return run_id == "busy" and len(naps) < 3

    with dag_steps._step("extract", "odoo", "copy", a_run(), {}, is_running=is_running):
        assert len(naps) == 3 and set(asked) == {"dead", "busy"}


def test_a_run_that_waits_to_copy_does_not_hold_up_the_one_it_waits_for(here: Settings):
    with connect(here.warehouse_url) as db:
        db.execute(
            """insert into ops.loads (run_id, system, mode, state)
               values ('extract__odoo/2026-01-30/busy', 'odoo', 'night', 'copied')"""
        )
    order = []

    def wait_and_copy() -> None:
        with dag_steps._step("extract", "odoo", "copy", a_run(), {}, is_running=lambda _: "landed" not in order):
            order.append("copied")

    waiting = threading.Thread(target=wait_and_copy)
    waiting.start()
    earlier = a_run(key="2026-01-30")
    earlier.run_id = "busy"
    for name in ("gate", "land"):
        with dag_steps._step("extract", "odoo", name, earlier, {}):
            assert "copied" not in order
    order.append("landed")
    waiting.join(30)
    assert order == ["landed", "copied"]


def test_the_schedule_can_be_switched_off(monkeypatch):
    monkeypatch.delenv("SLUICE_NIGHTLY", raising=False)
    assert dag_steps.is_nightly()
    monkeypatch.setenv("SLUICE_NIGHTLY", "off")
    assert not dag_steps.is_nightly()
