"""The imperfection patterns on the demo company, whose logs are clean: what is found there is found wrongly."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from expectations.checks import MINING_CHECKS, PATTERN_CHECKS
from sluice import demo
from sluice.settings import Settings

# one click writes three events; one order has a time of approval that no event has: the source says so, and so do the checks
KNOWN = {("lead_to_order", "form_based_event_capture"), ("purchase_to_pay", "scattered_event")}


@pytest.mark.slow
def test_the_clean_demo_has_no_pattern_but_the_known_one(
    settings: Settings, make_database: Callable[..., str], night: Callable, tmp_path: Path
) -> None:
    url = make_database()
    state = demo.ensure(settings, url=url, cases=120, seed=6, folder=tmp_path / "demo")
    ready = replace(settings, source_urls={"odoo": url}, agent_drop=state.agent_drop, person_map=state.person_map)
    processes = ("purchase_to_pay", "order_to_cash", "lead_to_order", "desktop_work")
    assert night(ready, state.day, systems=("odoo", "agent"), processes=processes).errors == {}
    with psycopg.connect(settings.warehouse_url) as db:
        results = db.execute(
            """select subject, check_name, is_success, severity, message from quality.check_results
               where pattern is not null order by subject, check_name"""
        ).fetchall()
    assert {severity for *_, severity, _ in results} == {"warn"}
    assert {check for _, check, *_ in results} == {
        *PATTERN_CHECKS,
        *(check for check in MINING_CHECKS if not check.startswith("mining_")),
    }
    found = {(subject, check): message for subject, check, is_success, _, message in results if not is_success}
    assert {key: message for key, message in found.items() if key not in KNOWN} == {}
