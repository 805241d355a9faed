"""Five days backfilled through Airflow's own command, on the real layers: five runs per DAG, and the published tables of one
full rebuild over the same raw state. And a shuffled raw, which must change nothing."""

import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from psycopg import sql

from sluice import demo
from sluice import stack as airflow
from sluice.airflow_environment import airflow_environment
from sluice.backfill import backfill
from sluice.run_night import expected_dags, night_stack, run_night

ODOO_PROCESSES = ("lead_to_order", "order_to_cash", "purchase_to_pay")
DAYS = 5


@pytest.fixture
def worked_on(settings, server, make_database, tmp_path, night):
    """A warehouse that saw the demo company's first day, and the company five days later."""
    url = make_database()
    settings = replace(settings, home=server.home / "integration", source_urls={"odoo": url})
    first = demo.ensure(settings, url=url, cases=60, seed=11, folder=tmp_path / "demo").day
    assert not night(settings, first, processes=ODOO_PROCESSES).errors
    for _ in range(DAYS):
        state = demo.advance(settings, url=url, folder=tmp_path / "demo")
    days = [first + timedelta(days=number) for number in range(1, DAYS + 1)]
    assert state.day == days[-1]
    return settings, days


def shuffle_raw(url):
    """Write every raw table anew in a random physical order."""
    with psycopg.connect(url) as db:
        tables = db.execute(
            """select schemaname, tablename from pg_tables where schemaname like 'raw\\_%' order by 1, 2"""
        ).fetchall()
        for table in tables:
            name = sql.Identifier(*table)
            db.execute(
                sql.SQL("create temp table shuffled on commit drop as select * from {} order by random()").format(name)
            )
            db.execute(sql.SQL("delete from {}").format(name))
            db.execute(sql.SQL("insert into {} select * from shuffled").format(name))
            db.execute("drop table shuffled")


@pytest.mark.slow
def test_five_days_of_backfill_publish_what_one_full_rebuild_does(
    worked_on, make_database, monkeypatch, night, published
):
    settings, days = worked_on
    before = published(settings.warehouse_url)
    monkeypatch.setenv("SLUICE_AIRFLOW_DB_URL", make_database())
    dag_ids = ["extract__odoo", *(f"mine__{name}" for name in ODOO_PROCESSES)]
    keys = {day.isoformat() for day in days}
    with night_stack(settings) as stack:
        airflow.wait_until_healthy(stack, expected_dags(settings))
        for dag_id in dag_ids:
            stack.api().set_paused(dag_id, False)
        command = [sys.executable, "-m", "airflow", "backfill", "create", "--dag-id", "extract__odoo"]
        subprocess.run(
            [*command, "--from-date", str(days[0]), "--to-date", str(days[-1])],
            env=airflow_environment(settings, port=stack.port, is_scheduled=False),
            check=True,
            capture_output=True,
        )
        deadline = time.monotonic() + 420
        while time.monotonic() < deadline:
            runs = {dag_id: list(stack.api().runs(dag_id)) for dag_id in dag_ids}
            if all(sum(run["state"] in ("success", "failed") for run in runs[dag_id]) >= DAYS for dag_id in dag_ids):
                break
            time.sleep(2)
    for dag_id in dag_ids:
        assert sorted(run["partition_key"] for run in runs[dag_id]) == sorted(keys), dag_id
        assert {run["state"] for run in runs[dag_id]} == {"success"}, dag_id
    backfilled = published(settings.warehouse_url)
    assert backfilled != before, "the five days brought something"
    assert not night(settings, days[-1], systems=(), processes=ODOO_PROCESSES, full=True).errors
    assert published(settings.warehouse_url) == backfilled


@pytest.mark.slow
def test_a_night_and_a_backfill_at_once_take_turns_and_publish_what_a_full_rebuild_does(
    worked_on, make_database, monkeypatch, night, published, capsys
):
    settings, days = worked_on
    monkeypatch.setenv("SLUICE_AIRFLOW_DB_URL", make_database())
    codes = {}
    with night_stack(settings) as stack:

        @contextmanager
        def this_stack(_settings):
            yield stack

        airflow.wait_until_healthy(stack, expected_dags(settings))
        monkeypatch.setattr("sluice.run_night.night_stack", this_stack)
        asked = {"reason": "rows came late", "asked_by": "ada"}
        other = threading.Thread(
            target=lambda: codes.update(backfill=backfill(settings, days[0], days[2], days_each=2, **asked))
        )
        other.start()
        codes["night"] = run_night(stack, settings, days[-1])
        other.join(400)
        assert codes == {"night": 0, "backfill": 0}, capsys.readouterr().out
    with psycopg.connect(settings.warehouse_url) as db:
        assert db.execute("select state, days_done, days_count, reason, asked_by from ops.backfills").fetchall() == [
            ("done", 3, 3, "rows came late", "ada")
        ]
        steps = db.execute(
            """select r.kind, r.subject, s.started_at, s.started_at + s.seconds * interval '1 second'
               from ops.steps as s inner join ops.runs as r on r.run_id = s.run_id order by s.started_at"""
        ).fetchall()
        assert db.execute("select count(distinct run_id) from ops.runs where kind = 'extract'").fetchone() == (4,)
    ended = {}
    for kind, subject, began, end in steps:
        assert began >= ended.get((kind, subject), began), "steps of a subject never overlap"
        ended[kind, subject] = end
    both = published(settings.warehouse_url)
    assert not night(settings, days[-1], systems=(), processes=ODOO_PROCESSES, full=True).errors
    assert published(settings.warehouse_url) == both
    assert backfill(settings, days[0], days[2], dry_run=True) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "odoo.purchase_order:" in shown and "0 of them not in the warehouse as they are now" in shown
    assert "purchase_to_pay:" in shown and "cases have rows of these days" in shown
    assert "the last such windows took" in shown


@pytest.mark.slow
def test_the_physical_order_of_raw_rows_changes_no_published_byte(
    settings, server, make_database, tmp_path, night, published
):
    url = make_database()
    settings = replace(settings, home=server.home / "integration", source_urls={"odoo": url})
    state = demo.ensure(settings, url=url, cases=60, seed=12, folder=tmp_path / "demo")
    settings = replace(settings, agent_drop=state.agent_drop, person_map=state.person_map)
    processes = (*ODOO_PROCESSES, "desktop_work")
    assert not night(settings, state.day, systems=("odoo", "agent"), processes=processes).errors
    good = published(settings.warehouse_url)
    assert all(good[f"event_log.{process}_attributes"] for process in processes)
    shuffle_raw(settings.warehouse_url)
    assert not night(settings, state.day, systems=(), processes=processes, full=True).errors
    assert published(settings.warehouse_url) == good
