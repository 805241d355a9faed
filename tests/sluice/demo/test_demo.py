"""Making the company and moving it on: the same bytes from the same seed, whatever happened in between."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import psycopg
import pytest

from sluice import demo
from sluice.demo import demo as module
from sluice.demo import making
from sluice.demo.calendar import TODAY
from sluice.demo.memory import Memory
from sluice.demo.truth import TruthFiles
from sluice.errors import BadInput, SluiceError
from sluice.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


def test_the_same_seed_gives_the_same_bytes(made, settings: Settings, make_database: Callable[..., str]) -> None:
    url, folder = make_database(), settings.home / "demo"
    state = demo.ensure(settings, url=url, cases=made.state.cases, seed=made.state.seed, folder=folder)
    assert made.tables(url) == made.rows[TODAY]
    assert made.contents(folder) == made.files[TODAY]
    assert demo.ensure(settings, url=url, cases=made.state.cases, seed=made.state.seed, folder=folder) == state, (
        "made once"
    )
    assert made.contents(folder) == made.files[TODAY]


def test_another_seed_gives_another_company(made, settings: Settings, make_database: Callable[..., str]) -> None:
    url = make_database()
    demo.ensure(settings, url=url, cases=made.state.cases, seed=made.state.seed + 1, folder=settings.home / "demo")
    assert made.tables(url)["purchase_order"] != made.rows[TODAY]["purchase_order"]


def test_a_day_interrupted_anywhere_is_done_by_the_next_call(
    made, settings: Settings, make_database: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, folder, day = make_database(), settings.home / "demo", TODAY + timedelta(days=1)

    class Crash(Exception):
        pass

    def crash(*_: object, **__: object) -> None:
        raise Crash

    at_the_end = [(TruthFiles, "finish"), (Memory, "keep_day"), (TruthFiles, "show"), (module, "_save")]
    for place, name in [(module, "_make_tables"), (making, "write_files"), (module, "_mark"), *at_the_end]:
        with monkeypatch.context() as patch, pytest.raises(Crash):
            patch.setattr(place, name, crash)
            demo.ensure(settings, url=url, cases=made.state.cases, seed=made.state.seed, folder=folder)
    demo.ensure(settings, url=url, cases=made.state.cases, seed=made.state.seed, folder=folder)
    assert (made.tables(url), made.contents(folder)) == (made.rows[TODAY], made.files[TODAY])
    for place, name in [(module, "_mark"), (module, "write_files"), (TruthFiles, "begin_with"), *at_the_end]:
        with monkeypatch.context() as patch, pytest.raises(Crash):
            patch.setattr(place, name, crash)
            demo.advance(settings, url=url, folder=folder)
    assert demo.advance(settings, url=url, folder=folder).day == day
    assert (made.tables(url), made.contents(folder)) == (made.rows[day], made.files[day])


def test_a_lost_folder_comes_back_up_to_the_database(made, settings: Settings) -> None:
    state = demo.ensure(
        settings, url=made.url, cases=made.state.cases, seed=made.state.seed, folder=settings.home / "again"
    )
    assert state.day == made.state.day
    assert made.contents(state.folder) == made.files[state.day]


def test_two_nights_bring_new_late_changed_and_deleted_rows_and_files(made) -> None:
    before, after = made.rows[TODAY], made.rows[TODAY + timedelta(days=2)]
    with psycopg.connect(made.url) as db:
        of_today = db.execute(
            "select '(' || id from purchase_order where create_date >= %s and create_date < %s",
            (TODAY, TODAY + timedelta(days=1)),
        ).fetchall()
    ids = {
        table: ({row.split(",")[0] for row in before[table]}, {row.split(",")[0] for row in after[table]})
        for table in before
    }
    new = {table for table, (old, now) in ids.items() if now - old}
    gone = {table for table, (old, now) in ids.items() if old - now}
    changed = {
        table
        for table in before
        for row in set(before[table]) - set(after[table])
        if row.split(",")[0] in ids[table][1]
    }
    assert {"purchase_order", "mail_message", "mail_tracking_value", "crm_lead"} <= new
    assert {"purchase_order", "purchase_order_line", "mail_message"} <= gone
    assert {"purchase_order", "account_move", "stock_picking", "crm_lead"} <= changed
    late = {order for (order,) in of_today} - ids["purchase_order"][0]
    assert late, "an order of the day before that was not visible then"
    fresh = made.files[TODAY + timedelta(days=2)].keys() - made.files[TODAY].keys()
    assert {name.split("/")[1].split("_")[0] for name in fresh} == {"rpa", "smartrpa", "activitywatch"}


def test_a_quiet_day_changes_little_and_breaks_nothing(
    made, settings: Settings, make_database: Callable[..., str]
) -> None:
    url, folder = make_database(), settings.home / "demo"
    demo.ensure(settings, url=url, cases=made.state.cases, seed=made.state.seed, folder=folder)
    while (state := demo.advance(settings, url=url, folder=folder)).day < date(2025, 7, 6):
        pass
    assert state.day.weekday() == 6 and state.files == ()


def test_it_never_writes_into_a_database_with_other_tables(
    settings: Settings, make_database: Callable[..., str]
) -> None:
    url = make_database()
    with psycopg.connect(url) as db:
        db.execute("create table purchase_order (id integer)")
    with pytest.raises(BadInput, match="not the demo's"):
        demo.ensure(settings, url=url, cases=3, seed=1)
    with pytest.raises(BadInput, match="not the demo's"):
        demo.ensure(settings, url=url, cases=3, seed=1, replace=True)


def test_it_never_empties_a_folder_of_others(settings: Settings, make_database: Callable[..., str]) -> None:
    folder = settings.home / "mine"
    folder.mkdir(parents=True)
    (folder / "thesis.txt").write_text("x")
    for replace in (False, True):
        with pytest.raises(BadInput, match="another folder"):
            demo.ensure(settings, url=make_database(), cases=3, seed=1, folder=folder, replace=replace)
    assert (folder / "thesis.txt").exists()


def test_another_company_needs_replace(made, settings: Settings, make_database: Callable[..., str]) -> None:
    url = make_database()
    demo.ensure(settings, url=url, cases=5, seed=1)
    with pytest.raises(BadInput, match="--replace"):
        demo.ensure(settings, url=url, cases=6, seed=1)
    assert demo.ensure(settings, url=url, cases=6, seed=1, replace=True).cases == 6


def test_a_company_from_before_a_truth_could_be_planted_goes_on_without_it(
    settings: Settings, make_database: Callable[..., str]
) -> None:
    url, folder = make_database(), settings.home / "demo"
    made = demo.ensure(settings, url=url, cases=20, folder=folder)
    with psycopg.connect(url) as db:
        assert db.execute("update sluice_demo.company set parameters = parameters #- '{plant,drift}'").rowcount == 1
    file = folder / "state.json"
    kept = json.loads(file.read_text())
    del kept["plant"]["drift"]
    file.write_text(json.dumps(kept))
    assert demo.ensure(settings, url=url, cases=20, folder=folder).day == made.day
    assert demo.advance(settings, url=url, folder=folder).day == made.day + timedelta(days=1)
    with pytest.raises(BadInput, match="--replace"):
        demo.ensure(settings, url=url, cases=20, folder=folder, plant={"drift": True})


def test_errors_are_one_clear_line(settings: Settings, make_database: Callable[..., str]) -> None:
    with pytest.raises(SluiceError, match="make it first"):
        demo.advance(settings, url=make_database())
    with pytest.raises(BadInput, match="at least one"):
        demo.ensure(settings, url=make_database(), cases=0, seed=1)
    with pytest.raises(BadInput, match="there are slow_approval"):
        demo.ensure(settings, url=make_database(), cases=3, seed=1, plant={"slow": True})
