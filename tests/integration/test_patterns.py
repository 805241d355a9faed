"""The imperfection patterns on the demo company: nothing is found in the clean one, and what is planted in the other."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from expectations.checks import MINING_CHECKS, PATTERN_CHECKS
from sluice import demo
from sluice.demo.plants import CLEAN
from sluice.settings import Settings


@pytest.mark.slow
def test_the_clean_demo_has_no_pattern_and_nothing_that_blocks(
    settings: Settings, make_database: Callable[..., str], night: Callable, tmp_path: Path
) -> None:
    url = make_database()
    state = demo.ensure(settings, url=url, cases=120, seed=6, folder=tmp_path / "demo", plant=CLEAN)
    ready = replace(settings, source_urls={"odoo": url}, agent_drop=state.agent_drop, person_map=state.person_map)
    processes = ("purchase_to_pay", "order_to_cash", "lead_to_order", "desktop_work")
    assert night(ready, state.day, systems=("odoo", "agent"), processes=processes).errors == {}
    with psycopg.connect(settings.warehouse_url) as db:
        results = db.execute(
            """select subject, check_name, is_success, severity, message, pattern is not null
               from quality.check_results order by subject, check_name"""
        ).fetchall()
    patterns = [result for result in results if result[-1]]
    assert {severity for *_, severity, _, _ in patterns} == {"warn"}
    assert {check for _, check, *_ in patterns} == {
        *PATTERN_CHECKS,
        *(check for check in MINING_CHECKS if not check.startswith("mining_")),
    }
    found = [(subject, check, message) for subject, check, is_success, _, message, _ in patterns if not is_success]
    blocking = [
        (subject, check, message) for subject, check, good, kind, message, _ in results if not good and kind != "warn"
    ]
    assert (found, blocking) == ([], [])


@pytest.mark.slow
def test_the_time_of_approval_behind_a_future_event_is_told(
    settings: Settings, make_database: Callable[..., str], night: Callable, tmp_path: Path
) -> None:
    """A planted bad case: the change log dates the approval in the future, the order itself has the right time."""
    url, folder = make_database(), tmp_path / "demo"
    state = demo.ensure(settings, url=url, cases=120, seed=6, folder=folder)
    ready = replace(settings, source_urls={"odoo": url}, agent_drop=state.agent_drop, person_map=state.person_map)
    assert night(ready, state.day, systems=("odoo",), processes=("purchase_to_pay",)).errors == {}
    planted = json.loads((folder / "truth" / "planted.json").read_text())["measured"]["bad_rows"]
    in_the_future = {case for case, how in planted if how == "future"}
    with psycopg.connect(settings.warehouse_url) as db:
        found = db.execute(
            "select check_name, case_id from quality.findings where check_name = any(%s) order by 1, 2",
            ([*PATTERN_CHECKS, *MINING_CHECKS],),
        ).fetchall()
    assert found == [("scattered_event", case) for case in sorted(in_the_future)] and in_the_future
