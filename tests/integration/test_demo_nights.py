"""The demo company through the real layers, three nights: what is published is the truth, no more and no less."""

import csv
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from sluice import demo
from sluice.settings import Settings

PROCESSES = ("purchase_to_pay", "order_to_cash", "lead_to_order", "desktop_work")


def _truth(state: demo.DemoState, process: str, left_out: set[str]) -> Counter:
    with open(state.truth / f"{process}.csv", newline="") as file:
        return Counter(
            (row["case_id"], row["activity"], row["timestamp_utc"])
            for row in csv.DictReader(file)
            if row["case_id"] not in left_out
        )


def _published(url: str, process: str) -> Counter:
    with psycopg.connect(url) as db:
        db.execute("set time zone 'UTC'")
        return Counter(
            db.execute(
                """select case_id, activity, to_char(occurred_at, 'YYYY-MM-DD HH24:MI:SS')
                   from event_log.events where process = %s""",
                (process,),
            ).fetchall()
        )


def _quarantined(url: str, process: str) -> set[str]:
    with psycopg.connect(url) as db:
        rows = db.execute("select case_id from quality.quarantined_cases where process = %s", (process,))
        return {name for (name,) in rows}


@pytest.mark.slow
def test_published_logs_are_the_truth_on_every_night(
    settings: Settings, make_database: Callable[..., str], night: Callable, tmp_path: Path
) -> None:
    url = make_database()
    state = demo.ensure(settings, url=url, cases=60, seed=5, folder=tmp_path / "demo")
    ready = replace(settings, source_urls={"odoo": url}, agent_drop=state.agent_drop, person_map=state.person_map)
    bad = {case for case, _ in state.planted["bad_rows"]}
    bad_lines = 0
    for number in range(3):
        bad_lines += 3 * (number > 0 and any(name.startswith("rpa_") for name in state.files))
        outcome = night(ready, state.day, systems=("odoo", "agent"), processes=PROCESSES)
        assert outcome.errors == {}
        for process in PROCESSES[:3]:
            quarantined = _quarantined(settings.warehouse_url, process)
            assert quarantined == (bad if process == "purchase_to_pay" else set()), f"night {number}"
            truth = _truth(state, process, quarantined)
            published = _published(settings.warehouse_url, process)
            assert published - truth == Counter(), f"{process}, night {number}: more than happened"
            assert truth - published == Counter(), f"{process}, night {number}: less than happened"
        with psycopg.connect(settings.warehouse_url) as db:
            refused = db.execute("select count(*) from ops.files where state <> 'landed'").fetchone()[0]
            rows = db.execute("select count(*) from quality.quarantined_rows where system = 'agent'").fetchone()[0]
        assert (refused, rows) == (0, bad_lines)
        state = demo.advance(settings, url=url, folder=state.folder)
