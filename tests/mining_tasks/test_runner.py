"""Mining in the warehouse: every published table equals what SQL says of what is published, by whatever path it
came.
"""

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest

from mining_tasks import runner
from mining_tasks.runner import TABLES, mine
from sluice import mined
from sluice.errors import SluiceError
from sluice.publish import publish
from tests.expectations.candidates import START, Candidate, let_through, process, run
from tests.mining_tasks.second_route import COLUMNS, QUERIES, STEPS


def some_cases(seed: int, count: int = 40) -> dict[str, list]:
    """Cases with ties, intervals, overlaps, repeats and times before 1970."""
    chance = random.Random(seed)
    cases = {}
    for number in range(count):
        at, steps = START - timedelta(days=chance.choice([0, 7, 40, 27_000])), []
        for _ in range(chance.randint(1, 8)):
            at += timedelta(microseconds=chance.choice([0, 1, 61_000_001, 86_400_000_000, 5 * 86_400_000_003]))
            started = at - timedelta(seconds=chance.choice([0, 30, 4000])) if chance.random() < 0.3 else None
            steps.append((chance.choice(["order", "check", "pay", "étape ✓"]), at, started))
        cases[f"case {number}"] = steps
    return cases


def night(settings, number, cases, *, touched=frozenset(), quarantined=None, is_full=False, persons=9):
    ctx = run(number)
    candidate = Candidate(cases, touched=set(touched), is_full_rebuild=is_full, upto_version=number)
    candidate.write(settings.warehouse_url, ctx)
    with psycopg.connect(settings.warehouse_url) as db:
        db.execute(
            "update candidate.demo__events set resource = 'p_' || mod(abs(hashtext(case_id || activity)), %s)",
            (persons,),
        )
        db.execute("update candidate.demo__cases set is_open = case_id like '%7'")
    let_through(settings.warehouse_url, ctx, quarantined)
    counts = mine(settings, "demo", ctx, order=process().order)
    publish(settings, process(), ctx)
    return counts


def normal(value):
    if isinstance(value, Decimal):
        value = float(value)
    return pytest.approx(value, rel=1e-12, abs=1e-9) if isinstance(value, float) else value


def assert_second_route(url):
    with psycopg.connect(url, options="-c timezone=UTC") as db:
        for table, query in QUERIES.items():
            keys = COLUMNS[table]
            found = db.execute(f"select {keys} from mining.{table} where process = 'demo'").fetchall()
            expected = db.execute(STEPS + query, {"process": "demo"}).fetchall()
            assert len(found) == len(expected) > 0, table
            for mine_row, sql_row in zip(sorted(found, key=str_key), sorted(expected, key=str_key), strict=True):
                assert mine_row == tuple(normal(value) for value in sql_row), (table, keys)


def str_key(row):
    return [str(value) for value in row if not isinstance(value, (float, Decimal))]


def everything(url):
    with psycopg.connect(url, options="-c timezone=UTC") as db:
        return {table: sorted(map(str, db.execute(f"select * from mining.{table}"))) for table in TABLES}


def test_every_table_equals_its_second_route_and_nights_equal_a_full_rebuild(settings):
    first, second = some_cases(1), some_cases(2)
    night(settings, 1, first)
    assert_second_route(settings.warehouse_url)

    changed = {name: second[name] for name in list(second)[:6]} | {"new": second["case 9"]}
    counts = night(settings, 2, changed, touched={"case 20"}, quarantined={"case 3": "planted"})
    assert_second_route(settings.warehouse_url)
    by_nights = everything(settings.warehouse_url)
    assert counts["case_kpis"] == len(by_nights["case_kpis"]) == 39
    assert "case 3'" not in str(by_nights["case_kpis"]) and "case 20" not in str(by_nights["case_kpis"])

    whole = {name: steps for name, steps in (first | changed).items() if name not in ("case 3", "case 20")}
    night(settings, 3, whole, is_full=True)
    assert everything(settings.warehouse_url) == by_nights


def test_order_of_physical_rows_changes_no_byte(settings):
    night(settings, 1, some_cases(3))
    before = everything(settings.warehouse_url)
    with psycopg.connect(settings.warehouse_url) as db:
        db.execute(
            "create temporary table shuffled as select * from candidate.demo__events order by md5(event_id::text)"
        )
        db.execute("truncate candidate.demo__events")
        db.execute("insert into candidate.demo__events select * from shuffled")
    mine(settings, "demo", run(1), order=process().order)
    publish(settings, process(), run(1))
    assert everything(settings.warehouse_url) == before


def test_edges_and_variants_lead_to_their_cases(settings):
    night(settings, 1, some_cases(4))
    with psycopg.connect(settings.warehouse_url) as db:
        assert db.execute("""
            select count(*) from mining.dfg as d full join (
                select source_activity, target_activity, count(*) as n, count(distinct case_id) as c, sum(seconds) as s
                from mining.edge_occurrences where process = 'demo' group by 1, 2
            ) as o using (source_activity, target_activity)
            where d.edge_count is distinct from o.n or d.case_count is distinct from o.c
               or abs(d.total_seconds - o.s) > 1e-6 * (1 + o.s)""").fetchone() == (0,)
        assert db.execute("""
            select count(*) from mining.variants as v full join (
                select variant_id, count(*) as n from event_log.cases where process = 'demo' group by 1
            ) as c using (variant_id) where v.case_count is distinct from c.n""").fetchone() == (0,)


def test_as_of_is_the_builds(settings):
    night(settings, 1, some_cases(5, 3))
    later = datetime(2031, 5, 6, tzinfo=UTC)
    with psycopg.connect(settings.warehouse_url) as db:
        db.execute("update candidate.demo__build set as_of = %s", (later,))
    mine(settings, "demo", run(1), order=process().order)
    with psycopg.connect(settings.warehouse_url, options="-c timezone=UTC") as db:
        assert db.execute("select as_of from candidate.demo__mining_process_kpis").fetchone() == (later,)


def written(url):
    with psycopg.connect(url) as db:
        return {table: sorted(db.execute(f"select xmin::text from mining.{table}")) for table in TABLES}


def test_a_night_that_changes_nothing_mines_nothing_and_one_of_new_code_mines_all(settings, monkeypatch):
    url = settings.warehouse_url
    night(settings, 1, some_cases(7))
    before, rows = everything(url), written(url)
    with monkeypatch.context() as patched:
        patched.setattr(runner, "mine_log", lambda *_, **__: pytest.fail("nothing changed: nothing is to be mined"))
        counts = night(settings, 2, {"bad": some_cases(8)["case 1"]}, quarantined={"bad": "was never published"})
    assert everything(url) == before and counts == {table: len(found) for table, found in before.items()}
    assert {table for table, found in written(url).items() if found != rows[table]} <= {"process_kpis"}

    monkeypatch.setattr(mined, "version", lambda package: f"another {package}")
    night(settings, 3, {})
    assert everything(url) == before
    with psycopg.connect(url) as db:
        assert db.execute("select scope from candidate.demo__mined").fetchone() == (mined.WHOLE,)
        assert db.execute("select count(*) from candidate.demo__mining_case_kpis").fetchone() == (40,)


def test_only_the_touched_cases_are_written_one_by_one(settings):
    url, cases = settings.warehouse_url, some_cases(9)
    night(settings, 1, cases)
    night(settings, 2, {"case 1": cases["case 2"], "new": cases["case 3"]})
    with psycopg.connect(url) as db:
        assert db.execute("select scope from candidate.demo__mined").fetchone() == (mined.TOUCHED,)
        found = db.execute("select case_id from candidate.demo__mining_case_kpis order by 1").fetchall()
        assert found == [("case 1",), ("new",)]
    assert_second_route(url)


def test_empty_log_gives_empty_tables_and_one_row_of_zeros(settings):
    counts = night(settings, 1, {})
    assert {name for name, count in counts.items() if count} == {"process_kpis"}
    with psycopg.connect(settings.warehouse_url) as db:
        assert db.execute("select case_count, event_count, mean_seconds from mining.process_kpis").fetchone() == (
            0,
            0,
            None,
        )


def test_mining_before_building_says_so(settings):
    with pytest.raises(SluiceError, match=r"candidate\.demo__events: .* build it first"):
        mine(settings, "demo", run(1), order=process().order)


def test_event_without_a_case_says_so(settings):
    night(settings, 1, some_cases(6, 3))
    with psycopg.connect(settings.warehouse_url) as db:
        db.execute("delete from candidate.demo__cases where case_id = 'case 1'")
    with pytest.raises(SluiceError, match="1 events have no case"):
        mine(settings, "demo", run(1), order=process().order)


def test_a_name_that_needs_quotes_is_quoted(settings):
    """Names of imported logs come from users; what is not there is a clear error, not an SQL one."""
    with pytest.raises(SluiceError, match="build it first"):
        mine(settings, 'it\'s "x"; drop schema mining', run(1))
    assert date(2025, 1, 1)  # the schema is still there
    assert everything(settings.warehouse_url)["dfg"] == []
