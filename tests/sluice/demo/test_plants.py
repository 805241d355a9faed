"""Planted truths: each is in the data where its switch is on, and not where it is off."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from sluice import demo
from sluice.demo.calendar import TODAY
from sluice.demo.plants import CLEAN, DEFAULTS, switches
from sluice.demo.simulation import days, quick
from sluice.demo.world import World
from sluice.settings import Settings


def _measured(plant: dict) -> tuple[dict, World]:
    from sluice.demo.desktop import Desks

    world = World(cases=400, seed=3, plant=plant)
    desks = Desks(world)
    with quick():
        for day in days(world, TODAY):
            desks.day(day)
            world.batch.clear()
    return world.measures.report(), world


def test_planted_truths_show_and_only_where_they_are_switched_on() -> None:
    rich, _ = _measured({"batched_posting": True})
    clean, _ = _measured(CLEAN)
    assert rich["approval_hours_slow_median"] > 5 * rich["approval_hours_others_median"]
    assert "approval_hours_slow_median" not in clean
    assert rich["days_after_plan_late_supplier_median"] > rich["days_after_plan_others_median"] + 7
    assert clean["days_after_plan_late_supplier_median"] < clean["days_after_plan_others_median"] + 3
    for name in (
        "price_change_after_approval",
        "invoice_before_approval",
        "duplicate_bills",
        "recreated_bills",
        "batched_posting",
    ):
        assert rich[f"{name}_cases"] >= 5, name
        assert f"{name}_cases" not in clean, name
    assert rich["posting_seconds_copied_median"] > 4 * rich["posting_seconds_imported_median"]
    assert clean["posting_seconds_typed_count"] > 250 and "posting_seconds_copied_median" not in clean
    assert rich["email_without_event_seconds_count"] >= 20
    assert "email_without_event_seconds_count" not in clean
    assert {how for _, how in rich["bad_rows"]} == {"future", "backwards"} and clean["bad_rows"] == []


def test_switches_are_complete_and_checked() -> None:
    assert switches(None) == DEFAULTS
    assert switches({"bad_rows": False})["bad_rows"] == 0
    assert switches({"bad_rows": 7})["bad_rows"] == 7


def test_bad_rows_are_the_only_impossible_times(made) -> None:
    with psycopg.connect(made.url) as db:
        future = db.execute(
            """select distinct o.name from purchase_order o
               join mail_message m on m.model = 'purchase.order' and m.res_id = o.id where m.date > %s""",
            (made.state.day + timedelta(days=1),),
        ).fetchall()
        backwards = db.execute("select origin from stock_picking where date_done < create_date").fetchall()
        others = db.execute(
            "select count(*) from mail_message where write_date >= %s", (made.state.day + timedelta(days=1),)
        ).fetchone()
    bad = {how: case for case, how in made.state.planted["bad_rows"]}
    assert ({name for (name,) in future}, {name for (name,) in backwards}) == ({bad["future"]}, {bad["backwards"]})
    assert others == (0,), "no watermark is led astray"


@pytest.mark.parametrize("plant", [CLEAN])
def test_a_clean_company_has_no_impossible_time(make_database: Callable[..., str], tmp_path: Path, plant: dict) -> None:
    url = make_database()
    demo.ensure(Settings(home=tmp_path), url=url, cases=40, seed=2, plant=plant)
    with psycopg.connect(url) as db:
        assert db.execute("select count(*) from mail_message where date <> write_date").fetchone() == (0,)
        assert db.execute("select count(*) from stock_picking where date_done < create_date").fetchone() == (0,)
