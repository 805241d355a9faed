"""Turns of steps, and the end of those whose process is gone."""

import os
import threading
import time
from contextlib import closing
from datetime import date

import psycopg
import pytest

from sluice import owners
from sluice.errors import SluiceError, Unreachable
from sluice.runs import RunContext, as_of_day, step
from sluice.warehouse import connect

DAY = date(2026, 1, 31)


def context(number=1, subject="odoo", dag="extract"):
    return RunContext(f"{dag}__{subject}/{DAY}/run_{number}", subject, DAY, as_of_day(DAY))


def rows(url, query):
    with psycopg.connect(url) as db:
        return db.execute(query).fetchall()


def die_in(url, ctx, name, work=lambda: None):
    """A process that begins a step and is gone, as kill -9 would have it."""
    pid = os.fork()
    if pid == 0:
        with step(url, ctx, name):
            work()
            os._exit(9)
    os.waitpid(pid, 0)


def test_a_dead_steps_record_is_closed_by_the_next_step_of_any_run(warehouse_url):
    die_in(warehouse_url, context(), "copy")
    assert rows(warehouse_url, "select state from ops.steps") == [("running",)], "nobody could say otherwise"
    with step(warehouse_url, context(2, "desktop_work", "mine"), "build"):
        pass
    ((state, message),) = rows(warehouse_url, "select state, message from ops.steps where step = 'copy'")
    assert state == "interrupted" and "is gone" in message and "run again" in message
    ((state, message),) = rows(warehouse_url, "select state, message from ops.runs where kind = 'extract'")
    assert state == "interrupted" and message.startswith("copy: its process")


def test_a_living_steps_record_stays(warehouse_url):
    with step(warehouse_url, context(), "copy"), connect(warehouse_url, autocommit=True) as other:
        assert owners.close_dead(other) == 0
        assert other.execute("select state from ops.steps").fetchone() == ("running",)
    assert rows(warehouse_url, "select state, owner from ops.steps") == [("done", owners.here())]


def test_the_same_step_again_is_another_attempt_that_ends_the_run_well(warehouse_url):
    die_in(warehouse_url, context(), "stage")
    with step(warehouse_url, context(), "stage", ends_run="landed"):
        pass
    assert rows(warehouse_url, "select attempt, state from ops.steps order by 1") == [(1, "interrupted"), (2, "done")]
    assert rows(warehouse_url, "select state, message from ops.runs") == [("landed", None)]


def test_a_run_between_two_steps_is_given_a_quarter_of_an_hour(warehouse_url):
    with step(warehouse_url, context(), "copy"):
        pass
    with connect(warehouse_url, autocommit=True) as db:
        owners.close_dead(db)
        assert db.execute("select state from ops.runs").fetchone() == ("running",)
        db.execute("update ops.steps set started_at = started_at - interval '16 minutes'")
        owners.close_dead(db)
        state, message = db.execute("select state, message from ops.runs").fetchone()
    assert state == "interrupted" and "after copy nothing of it has run" in message


def test_a_publication_that_was_committed_is_published_though_its_process_died(warehouse_url):
    run = context(1, "desktop_work", "mine")

    def publish():
        with psycopg.connect(warehouse_url) as db:
            db.execute(
                """insert into ops.process_state (process, gated_version, fingerprint, as_of, run_id)
                   values ('desktop_work', 1, '', now(), %s)""",
                (run.run_id,),
            )

    die_in(warehouse_url, run, "publish", publish)
    with connect(warehouse_url, autocommit=True) as db:
        owners.close_dead(db)
    assert rows(warehouse_url, "select state from ops.steps") == [("done",)]
    assert rows(warehouse_url, "select state from ops.runs") == [("published",)]


def test_two_steps_of_a_subject_take_turns_and_the_second_says_whom_it_waits_for(warehouse_url):
    order, waits = [], threading.Event()

    def second():
        with step(warehouse_url, context(2), "copy"):
            order.append("second")

    with step(warehouse_url, context(1), "land"):
        other = threading.Thread(target=second)
        other.start()
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and not waits.is_set():
            ((message,),) = rows(warehouse_url, "select message from ops.steps where step = 'copy'") or [("",)]
            if message and "run_1" in message:
                waits.set()
        order.append("first")
    other.join(30)
    assert (
        waits.is_set() and f"land of run {context(1).run_id} works on it since" in message and owners.here() in message
    )
    assert order == ["first", "second"]


def test_a_server_that_ends_idle_sessions_does_not_end_the_turn_of_a_long_step(warehouse_url):
    with psycopg.connect(warehouse_url, autocommit=True) as db:
        name = db.info.dbname
        db.execute(f"alter database \"{name}\" set idle_session_timeout = '300ms'")
    with step(warehouse_url, context(), "mine"):
        time.sleep(0.8)
    assert rows(warehouse_url, "select state from ops.steps") == [("done",)]


def test_other_subjects_do_not_wait(warehouse_url):
    with step(warehouse_url, context(1), "land"), step(warehouse_url, context(2, "agent"), "land"):
        with step(warehouse_url, context(3, "odoo", "mine"), "build"):
            pass


def test_who_waits_too_long_is_told_the_holder(warehouse_url):
    with step(warehouse_url, context(1), "land"), closing(connect(warehouse_url, autocommit=True)) as db:
        with pytest.raises(SluiceError, match=r"odoo: land of run .*run_1 works on it since .* \(kill that process\)"):
            owners.take_turn(db, "extract", "odoo", say=lambda text: None, seconds=0.1)


def test_a_statement_that_a_dead_process_left_at_the_server_is_ended_before_the_next_begins(warehouse_url):
    pid = os.fork()
    if pid == 0:
        with step(warehouse_url, context(), "land"), connect(warehouse_url) as db:
            threading.Timer(1, lambda: os._exit(9)).start()
            db.execute("create table left_behind as select 1 as a from pg_sleep(60)")
    os.waitpid(pid, 0)
    began = time.monotonic()
    with step(warehouse_url, context(), "land"):
        assert (
            rows(
                warehouse_url,
                "select 1 from pg_stat_activity where state = 'active' and query like 'create table left_behind%'"
                " and datname = current_database()",
            )
            == []
        )
    assert time.monotonic() - began < 30
    assert rows(warehouse_url, "select to_regclass('left_behind') is null") == [(True,)]


def test_a_step_whose_turn_was_lost_with_its_connection_is_to_be_repeated(warehouse_url):
    with pytest.raises(Unreachable, match="repeat the step"), step(warehouse_url, context(), "build"):
        with psycopg.connect(warehouse_url, autocommit=True) as db:
            db.execute(
                """select pg_terminate_backend(pid, 5000) from pg_stat_activity
                   where datname = current_database() and application_name like 'sluice extract odoo%'
                   and pid <> pg_backend_pid()"""
            )
    assert rows(warehouse_url, "select state from ops.steps") == [("failed",)]
