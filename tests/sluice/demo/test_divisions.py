"""A large company is made of divisions, by several processes: one company all the same, and the same every time."""

import csv
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from sluice import demo
from sluice.demo import making
from sluice.demo.calendar import FIRST_DAY, TODAY
from sluice.demo.simulation import days
from sluice.errors import BadInput, SluiceError
from sluice.settings import Settings

from .conftest import file_bytes, table_texts

CASES, SEED = 50, 4


@pytest.fixture(scope="module")
def large(make_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> tuple[str, demo.DemoState]:
    """A company in four divisions, three days on."""
    folder, url = tmp_path_factory.mktemp("large") / "company", make_database()
    settings = Settings(home=folder.parent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(making, "DIVISION", 13)
        state = demo.ensure(settings, url=url, cases=CASES, seed=SEED, folder=folder, desktop_limit=0)
    for _ in range(3):
        state = demo.advance(settings, url=url, folder=folder)
    return url, state


def test_divisions_are_even_in_number_and_small() -> None:
    for cases in (1, 400, making.DIVISION, making.DIVISION + 1, 59_000, 590_000):
        count = making.divisions_of(cases)
        assert count == 1 or count % 2 == 0
        assert cases / count <= making.DIVISION


def test_keys_and_names_are_unique_and_the_truth_is_in_the_tables(large) -> None:
    url, state = large
    with psycopg.connect(url) as db:
        for name in ("purchase_order", "sale_order", "stock_picking"):
            total, distinct = db.execute(f"select count(*), count(distinct name) from {name}").fetchone()
            assert total == distinct > 20
        posted = db.execute(
            "select count(*), count(distinct (name, company_id)) from account_move where state = 'posted'"
        ).fetchone()
        assert posted[0] == posted[1]
        orders = Counter(
            db.execute("select name, to_char(create_date, 'YYYY-MM-DD HH24:MI:SS') from purchase_order").fetchall()
        )
    with open(state.truth / "purchase_to_pay.csv", newline="") as file:
        truth = Counter(
            (row["case_id"], row["timestamp_utc"]) for row in csv.DictReader(file) if row["activity"] == "Create RFQ"
        )
    assert orders == truth
    assert len(orders) >= CASES


def test_remembering_gives_what_working_it_through_again_gives(large) -> None:
    _, state = large
    until, found = TODAY + timedelta(days=3), Counter()
    wanted = {
        "cases": CASES,
        "seed": SEED,
        "plant": state.plant,
        "desktop_limit": 0,
        "divisions": 4,
    }
    for division in range(4):
        world = making.make_world(wanted, division)
        for _ in days(world, until, first=FIRST_DAY):
            for gone in world.gone:
                world.truth = [
                    event for event in world.truth if event[1:3] != gone[:2] or gone[2] not in ("*", event[3])
                ]
            world.gone.clear()
        found.update(event[1:5] for event in world.truth)
    written = Counter()
    for path in state.truth.glob("*.csv"):
        with open(path, newline="") as file:
            rows = csv.DictReader(file)
            written.update((row["process"], row["case_id"], row["document"], row["activity"]) for row in rows)
    assert written == found


def test_the_same_divisions_give_the_same_company(
    large, make_database: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, state = large
    monkeypatch.setattr(making, "DIVISION", 13)
    again, folder, settings = make_database(), tmp_path / "again", Settings(home=tmp_path)
    made = demo.ensure(settings, url=again, cases=CASES, seed=SEED, folder=folder, desktop_limit=0)
    (folder / "company.sqlite").unlink()  # what it remembers is made again from the seed
    while made.day < state.day:
        made = demo.advance(settings, url=again, folder=folder)
    assert table_texts(again) == table_texts(url)
    kept = {name: content for name, content in file_bytes(folder).items() if not name.endswith(".sqlite")}
    assert kept == {name: content for name, content in file_bytes(state.folder).items() if not name.endswith(".sqlite")}
    assert not list(made.agent_drop.iterdir())


def test_a_division_that_fails_fails_the_company(
    make_database: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, settings = make_database(), Settings(home=tmp_path)
    with monkeypatch.context() as patch, pytest.raises(SluiceError, match="ended early"):
        patch.setattr(making, "DIVISION", 2)
        patch.setenv("PYTHONHASHSEED", "no number")  # no other Python starts with that
        demo.ensure(settings, url=url, cases=4, seed=1, folder=tmp_path / "demo")
    assert demo.ensure(settings, url=url, cases=4, seed=1, folder=tmp_path / "demo").cases == 4


def test_a_touch_changes_a_share_of_the_cases_and_nothing_else(
    made, make_database: Callable[..., str], tmp_path: Path
) -> None:
    url, settings = make_database(), Settings(home=tmp_path)
    demo.ensure(settings, url=url, cases=CASES, seed=SEED)
    before = table_texts(url)
    touched = demo.touch(url, 0.5)
    after = table_texts(url)
    changed = {table for table in before if before[table] != after[table]}
    cases = sum(len(before[table]) for table in ("purchase_order", "sale_order", "crm_lead"))
    assert 0.3 * cases < touched.cases < 0.7 * cases
    assert changed == {
        "purchase_order", "purchase_order_line", "sale_order", "sale_order_line", "crm_lead", "mail_message",
        "mail_tracking_value",
    }  # fmt: skip
    gone = {table: set(before[table]) - set(after[table]) for table in changed}
    assert len(gone["purchase_order"]) + len(gone["sale_order"]) + len(gone["crm_lead"]) == touched.cases
    assert sum(map(len, gone.values())) == touched.updated + touched.deleted
    new = sum(len(after[table]) - len(before[table]) for table in ("mail_message", "mail_tracking_value"))
    assert new == touched.inserted - touched.deleted
    assert touched.deleted == touched.cases // 20
    assert all(str(touched.at) in row for row in set(after["mail_message"]) - set(before["mail_message"]))
    with pytest.raises(SluiceError, match="benchmark"):
        demo.advance(settings, url=url)
    with pytest.raises(BadInput, match="share"):
        demo.touch(url, 0)
    with pytest.raises(BadInput, match="no demo company"):
        demo.touch(make_database(), 0.1)
