"""What the planner is told: that it obeys, and that it forgets it afterwards."""

import psycopg
import pytest

from sluice import planning
from sluice.planning import are_few, by_index, in_order_of_storage, one_of

FEW = f"select count(*) from pg_temp.many where id {one_of('select id from pg_temp.few', is_few=True)}"


def plan(db):
    return "\n".join(line for (line,) in db.execute(f"explain {FEW}").fetchall())


@pytest.fixture
def db(settings):
    with psycopg.connect(settings.warehouse_url) as db:
        db.execute(
            "create temporary table many as select id, repeat('x', 200) as rest from generate_series(1, 20000) as id"
        )
        db.execute("create index on pg_temp.many (id)")
        db.execute("create temporary table few as select id * 97 as id from generate_series(1, 50) as id")
        db.execute("analyze pg_temp.many")
        db.execute("analyze pg_temp.few")
        db.execute("set enable_indexonlyscan = off")  # as where other columns are asked for
        db.commit()
        yield db


def test_few_rows_are_read_in_the_order_in_which_they_lie(db):
    assert "Bitmap" not in plan(db) and "Index Scan" in plan(db)
    with in_order_of_storage(db, is_few=True):
        assert "Bitmap Heap Scan" in plan(db)
        found = db.execute(FEW).fetchone()
    assert "Bitmap" not in plan(db)
    assert found == db.execute(FEW).fetchone() == (50,)


def test_few_rows_are_looked_up_one_by_one(db):
    query = "explain select count(m.rest) from pg_temp.every as e inner join pg_temp.many as m on m.id = e.id"
    db.execute("create temporary table every as select id from generate_series(1, 20000) as id")

    def joined():
        return "\n".join(line for (line,) in db.execute(query))

    before = joined()
    with by_index(db):
        within = joined()
    assert "Nested Loop" not in before and "Nested Loop" in within and "Index Scan" in within
    assert joined() == before


def test_the_bitmap_has_room_and_takes_none_away(db):
    for given, meant in (("4MB", "64MB"), ("256MB", "256MB")):
        db.execute(f"set local work_mem = '{given}'")
        with in_order_of_storage(db, is_few=True):
            assert db.execute("show work_mem").fetchone() == (meant,)
        assert db.execute("show work_mem").fetchone() == (given,)


def test_no_row_is_held_against_the_whole_array(db):
    db.execute(
        "create temporary table wide as select id, repeat('x', 1800) as rest from generate_series(1, 20000) as id"
    )
    db.execute("create index on pg_temp.wide (id)")
    db.execute("create temporary table every as select id * 4 as id from generate_series(1, 5000) as id")
    db.execute("analyze pg_temp.wide")
    db.execute("set local work_mem = '64kB'")  # no room for the places of rows on 5,000 pages

    def blocks():
        lines = db.execute(
            f"""explain (analyze, costs off, timing off) select count(rest) from pg_temp.wide
                where id {one_of("select id from pg_temp.every", is_few=True)}"""
        ).fetchall()
        return next(line.strip() for (line,) in lines if "Heap Blocks" in line)

    with in_order_of_storage(db, is_few=True):
        assert blocks() == "Heap Blocks: exact=5000"
    db.execute("set local enable_indexscan = off")
    assert "lossy" in blocks()


def test_many_rows_are_left_to_the_planner(db, monkeypatch):
    assert are_few(db, "pg_temp.few") and are_few(db, "pg_temp.many")
    monkeypatch.setattr(planning, "MOST", 49)
    assert not are_few(db, "pg_temp.few")
    monkeypatch.setattr(planning, "MOST", 50)
    assert are_few(db, "pg_temp.few") and not are_few(db, "pg_temp.many")
    with in_order_of_storage(db, is_few=False):
        assert db.execute("show enable_indexscan").fetchone() == ("on",)
    joined = FEW.replace(
        "= any (array(select id from pg_temp.few))", one_of("select id from pg_temp.few", is_few=False)
    )
    assert joined != FEW and db.execute(joined).fetchone() == db.execute(FEW).fetchone()


def test_nothing_of_it_stays_after_an_error(db):
    with pytest.raises(psycopg.errors.DivisionByZero), in_order_of_storage(db, is_few=True):
        db.execute("select 1 / 0")
    db.rollback()
    assert db.execute("show enable_indexscan").fetchone() == ("on",)
