"""What the planner is told: that it obeys, and that it forgets it afterwards."""

import psycopg
import pytest

from sluice.planning import in_order_of_storage

FEW = "select count(*) from pg_temp.many where id = any (array(select id from pg_temp.few))"


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
    with in_order_of_storage(db):
        assert "Bitmap Heap Scan" in plan(db)
        found = db.execute(FEW).fetchone()
    assert "Bitmap" not in plan(db)
    assert found == db.execute(FEW).fetchone() == (50,)


def test_nothing_of_it_stays_after_an_error(db):
    with pytest.raises(psycopg.errors.DivisionByZero), in_order_of_storage(db):
        db.execute("select 1 / 0")
    db.rollback()
    assert db.execute("show enable_indexscan").fetchone() == ("on",)
