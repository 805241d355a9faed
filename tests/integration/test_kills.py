"""kill -9 anywhere: nothing is lost or doubled, no reader sees a half, the next run comes through."""

import os
from datetime import date, timedelta

import psycopg
import pytest

from sluice import demo
from tests.integration.kills import tasks
from tests.integration.kills.driver import Nights
from tests.integration.kills.reader import VIEWS, Reader, Seen, judge, state

pytestmark = pytest.mark.timeout(1800)  # a killed step costs half a minute on a busy machine
SEED = 20
PROCESSES = ("purchase_to_pay", "desktop_work")


@pytest.fixture(scope="module")
def nights(server, readable_template, make_database, tmp_path_factory):
    """A demo company, its first night, and all that it takes to have further ones."""
    url, warehouse = make_database(), make_database(template=readable_template)
    folder = tmp_path_factory.mktemp("kills")
    company = demo.ensure(server, url=url, cases=40, seed=SEED, folder=folder / "demo")
    environment = {
        "SLUICE_HOME": str(server.home / "integration"),
        "SLUICE_WAREHOUSE_URL": warehouse,
        "SLUICE_SOURCE_ODOO_URL": url,
        "SLUICE_AGENT_DROP": str(company.agent_drop),
        "SLUICE_PERSON_MAP": str(company.person_map),
        "SLUICE_DBT_FORK": "1",
        "SLUICE_DBT_PARSED": os.environ["SLUICE_DBT_PARSED"],
    }
    made = Nights(environment, ("odoo", "agent"), PROCESSES, folder, SEED)
    made.night(company.day)
    return made, (tasks.advance_demo, url, str(company.folder))


@pytest.mark.slow
def test_twenty_kills_at_named_steps_and_random_moments(nights, make_database, readable_template):
    made, advance = nights
    with Reader(made.url, PROCESSES, SEED) as reader:
        while len(made.kills) < 20:
            day = date.fromisoformat(made.command("demo", "company", *advance, kill=True))
            made.night(day, reader, kills=lambda: True)
    print("\n".join(made.report()))
    assert reader.errors == [] and reader.total > 20
    assert made.wrong == [], "neither a mixture nor an unknown state was ever to be seen"
    assert made.left_running() == []
    assert made.interrupted_count() > 0
    assert made.full_rebuild_differs(day) == []
    fresh = make_database(template=readable_template)
    assert made.fresh_warehouse_differs(fresh, day) == [], "raw rows were lost or doubled"


@pytest.mark.slow
def test_cut_connections_are_another_try_at_every_step(nights):
    made, advance = nights
    made.is_cutting = True
    before = len(made.kills)
    try:
        with Reader(made.url, PROCESSES, SEED) as reader:
            while len(made.kills) - before < 12:
                day = date.fromisoformat(made.command("demo", "company", *advance, kill=False))
                made.night(day, reader, kills=lambda: True)
    finally:
        made.is_cutting = False
    assert made.wrong == [] and made.left_running() == []
    assert made.full_rebuild_differs(day) == []


@pytest.mark.slow
def test_an_import_that_is_killed_leaves_the_log_before_or_after(nights, tmp_path):
    made, _ = nights
    files = [tmp_path / f"{name}.csv" for name in ("one", "two")]
    for number, file in enumerate(files):
        rows = [
            f"c{case},{activity},2026-01-{1 + case % 27:02} {8 + step:02}:{number}0:00,r{case % 3}"
            for case in range(400)
            for step, activity in enumerate(("register", "check", "decide", "pay")[: 2 + (case + number) % 3])
        ]
        file.write_text("case,activity,timestamp,resource\n" + "\n".join(rows) + "\n")
    process, states = "killed_import", []

    def bring(file, kill):
        made.command(
            "import-log", process, tasks.command, "import-log", process, str(file), "--timezone", "UTC", kill=kill
        )
        states.append(state(made.url, process))

    bring(files[0], kill=False)
    before = len(made.kills)
    with Reader(made.url, (process,), SEED) as reader:
        for number in range(1, 9):
            bring(files[number % 2], kill=True)
            made.judge(reader, process, states[-2:])
    assert len(made.kills) - before >= 4, "most kills hit the import at work"
    assert states[0] == states[2] == states[4] and states[1] == states[3] and states[0] != states[1]
    assert made.wrong == [] and reader.errors == []
    assert made.left_running() == []


@pytest.mark.slow
def test_a_killed_migration_is_made_whole_by_the_next(nights, make_database):
    made, _ = nights

    def tables(url):
        with psycopg.connect(url) as db:
            return db.execute(
                """select table_schema, table_name, column_name, data_type from information_schema.columns
                   where table_schema not in ('pg_catalog', 'information_schema') order by 1, 2, 3"""
            ).fetchall()

    whole = make_database()
    made.command("migrate", "warehouse", tasks.migrate, whole, kill=False)
    for _ in range(3):
        url = make_database()
        made.command("migrate", "warehouse", tasks.migrate, url, kill=True)
        assert tables(url) == tables(whole)
        assert tasks.migrate(url) == []


@pytest.mark.slow
def test_a_killed_demo_company_is_made_whole_by_the_next_command(nights, make_database, tmp_path):
    made, _ = nights
    companies = []
    for number, kill in enumerate((False, True, True)):
        url, folder = make_database(), tmp_path / f"company_{number}"
        first = made.command("demo", "company", tasks.make_demo, url, str(folder), 40, 3, kill=kill)
        if kill:
            made.command("demo", "company", tasks.advance_demo, url, str(folder), kill=True)
        while demo.state(folder).day < date.fromisoformat(first) + timedelta(days=2):
            made.command("demo", "company", tasks.advance_demo, url, str(folder), kill=False)
        companies.append(content(url, folder))
    assert companies[0] == companies[1] == companies[2]


def content(url, folder):
    with psycopg.connect(url) as db:
        rows = db.execute(
            """select md5(string_agg(o::text, '' order by id)), (select count(*) from mail_message),
                      (select md5(string_agg(m::text, '' order by id)) from account_move as m)
               from purchase_order as o"""
        ).fetchone()
    return rows, {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_judge_tells_a_mixture_from_before_and_after():
    before, after = ({view: f"{view} {word}" for view in VIEWS} for word in ("before", "after"))
    mixed = before | {"dfg": after["dfg"]}
    assert judge(Seen([before, before, after], [("dfg", before["dfg"]), ("dfg", after["dfg"])]), [before, after]) == []
    assert "a mixture" in judge(Seen([before, mixed]), [before, after])[0]
    assert "went back" in judge(Seen([after, before]), [before, after])[0]
    assert "unknown" in judge(Seen([dict.fromkeys(VIEWS, "")]), [before, after])[0]
    assert judge(Seen(views=[("dfg", after["dfg"]), ("dfg", before["dfg"])]), [before, after]) != []
