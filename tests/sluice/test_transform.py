"""Builds through dbt itself: what is staged once, what a build makes and records, and what it says when it cannot."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import yaml

from sluice import transform
from sluice.errors import SluiceError
from sluice.runs import as_of_day
from sluice.settings import PROJECT
from tests.dbt_project.conftest import PROCESSES
from tests.sluice.leads import DAY, P, change_leads, one, publish, run


def test_nights_touch_only_what_changed(ready):
    url = ready.warehouse_url
    with pytest.raises(SluiceError, match="extract and stage the source system first") as error:
        transform.build(ready, P, run())
    assert "\n" not in str(error.value)
    assert transform.stage(ready, "odoo") is True
    assert transform.stage(ready, "odoo") is False, "unchanged views are left alone"
    first = transform.build(ready, P, run(1))
    assert (first.is_full_rebuild, first.gated_version, first.upto_version) == (True, 0, 1)
    assert (first.touched_case_count, first.event_count) == (3, 3)
    assert one(url, f"select run_id, upto_version, is_full_rebuild, fingerprint from candidate.{P}__build") == [
        (first.run_id, 1, True, first.fingerprint)
    ]
    assert transform.fingerprint(ready, P) == first.fingerprint
    publish(url, first)
    made_anew = """select relname::text from pg_class where relkind = 'r' and 'autovacuum_enabled=false' = any(reloptions)
                   and relnamespace in ('intermediate'::regnamespace, 'candidate'::regnamespace)"""
    assert {(f"int_{P}__leads",), (f"{P}__touched_cases",), (f"{P}__events",)} <= set(one(url, made_anew))

    change_leads(url)
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("update raw_odoo.crm_stage set write_date = now(), _version = 2")
    second = transform.build(ready, P, run(2, day=DAY - timedelta(days=1)))
    assert (second.is_full_rebuild, second.gated_version, second.upto_version) == (False, 1, 2)
    assert second.as_of == as_of_day(DAY), "the data horizon never goes back"
    assert one(url, f"select case_id from candidate.{P}__touched_cases order by 1") == [("LEAD/2",), ("LEAD/3",)]
    assert one(url, f"select case_id, activity, occurred_at from candidate.{P}__events order by event_seq") == [
        ("LEAD/2", "Create Lead", datetime(2025, 3, 1, 9, 2, tzinfo=UTC)),
        ("LEAD/2", "Create Quotation", datetime(2025, 3, 2, 9, tzinfo=UTC)),
    ]

    with psycopg.connect(url, autocommit=True) as db:
        db.execute("""update raw_odoo.crm_stage set name = '{"en_US": "Fresh"}' where id = 1""")
    assert transform.fingerprint(ready, P) != first.fingerprint, "a renamed stage changes cases of no new row"
    assert transform.build(ready, P, run(3)).is_full_rebuild


@pytest.mark.parametrize("process", PROCESSES)
def test_the_tests_that_the_models_carry_pass(ready, process):
    transform.stage(ready, "odoo")
    transform.build(ready, process, replace(run(1), subject=process))
    played = transform.test(ready, process).nodes
    assert {status for status, _, _ in played.values()} == {"pass"}
    units = {
        unit["name"]
        for folder in ("intermediate", "marts")
        for path in (PROJECT / "dbt_project" / "models" / folder / process).glob("*.yml")
        for unit in yaml.safe_load(path.read_text()).get("unit_tests", ())
    }
    assert units, process
    assert units <= {name.rpartition(".")[2] for name in played}, "a unit test that nothing plays"


def test_a_night_without_news_needs_no_dbt_and_leaves_what_dbt_would(ready, monkeypatch):
    url, tables = ready.warehouse_url, ("touched_cases", "events", "cases", "attributes", "case_rows", "activities")

    def candidate():
        return {table: sorted(one(url, f"select * from candidate.{P}__{table}")) for table in tables}

    transform.stage(ready, "odoo")
    first = transform.build(ready, P, run(1))
    publish(url, first)
    with psycopg.connect(url) as db:
        db.execute(
            f"insert into event_log.activities select '{P}', activity_key, activity, rank, category, is_automated "
            f"from candidate.{P}__activities"
        )
        db.execute(f"drop table candidate.{P}__build")  # as a build leaves it that died: dbt makes all anew
    made = transform.build(ready, P, run(2))
    by_dbt = candidate()
    assert (made.touched_case_count, made.is_full_rebuild, len(by_dbt["activities"])) == (0, False, 13)

    asked = []
    monkeypatch.setattr(transform, "run_dbt", lambda *told, **more: asked.append(told))
    tomorrow = transform.build(ready, P, run(3, day=DAY + timedelta(days=1)))
    assert (asked, candidate()) == ([], by_dbt)
    assert (tomorrow.touched_case_count, tomorrow.as_of) == (0, as_of_day(DAY + timedelta(days=1)))
    monkeypatch.undo()

    with psycopg.connect(url) as db:
        db.execute("insert into quality.quarantined_cases values (%s, 'LEAD/3', 'late', 'x', now(), 'r')", (P,))
    assert transform.build(ready, P, run(4)).touched_case_count == 1, "a quarantined case is looked at every night"
    with psycopg.connect(url) as db:
        db.execute("delete from quality.quarantined_cases")
        db.execute("update raw_odoo.crm_lead set _is_deleted = true, _version = 2 where id = 2")
    assert transform.build(ready, P, run(5)).touched_case_count == 1, "a deletion is news"


def test_a_model_that_fails_is_told_in_one_line_without_the_password(ready):
    transform.stage(ready, "odoo")
    with psycopg.connect(ready.warehouse_url, autocommit=True) as db:
        db.execute("drop view staging.stg_odoo__leads")
    with pytest.raises(SluiceError) as error:
        transform.build(ready, P, run())
    said = str(error.value)
    assert "int_lead_to_order__leads" in said and "stg_odoo__leads" in said and "dbt.log" in said and "\n" not in said
    assert one(ready.warehouse_url, f"select to_regclass('candidate.{P}__build') is null") == [(True,)]
    assert transform.stage(ready, "odoo") is True, "a missing view is made again"
    assert transform.build(ready, P, run()).event_count == 3


def test_a_database_that_does_not_answer_is_told(ready):
    with pytest.raises(SluiceError) as error:
        transform.build(replace(ready, warehouse_url="postgresql://a:top-secret@127.0.0.1:9/x"), P, run())
    assert "top-secret" not in str(error.value) and "\n" not in str(error.value)
