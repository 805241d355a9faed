"""Keys as bits: what a comparison finds, and that buckets in which nothing differs are looked at once."""

import psycopg
import pytest
from psycopg import sql

from extractors.packed import difference

BUCKETS = 3_000


@pytest.fixture
def db(settings):
    with psycopg.connect(settings.warehouse_url) as db:
        for name in ("one", "other"):
            db.execute(
                f"create temporary table {name} as select n::bigint as bucket, -1::bigint as bits "
                f"from generate_series(1, {BUCKETS}) as n"
            )
            db.execute(f"alter table {name} add primary key (bucket)")
        db.execute("update one set bits = bits & ~(1::bigint << 5) where bucket = 7")  # 453 is missing
        db.execute("delete from other where bucket = 9")
        db.execute("create temporary table read as select generate_series(1, 2000) * 1000 as id")
        db.execute("analyze pg_temp.one; analyze pg_temp.other; analyze pg_temp.read")
        yield db


def query(one, other):
    return difference(sql.Identifier("pg_temp", one), sql.Identifier("pg_temp", other), "id", "integer")


def nodes(plan):
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def test_the_keys_that_only_one_of_them_has(db):
    assert db.execute(query("other", "one")).fetchall() == [(453,)]
    assert db.execute(query("one", "other")).fetchall() == [(id,) for id in range(576, 640)]


@pytest.mark.parametrize("first, second, found", [("one", "other", 64), ("other", "one", 1)])
def test_only_buckets_that_differ_are_taken_apart(db, first, second, found):
    plan = db.execute(
        sql.SQL(
            """explain (analyze, format json) select id from ({}) as k
               where not exists (select 1 from pg_temp.read as l where l.id = k.id) order by id"""
        ).format(query(first, second))
    ).fetchone()[0][0]["Plan"]
    most = max(node["Actual Rows"] * node["Actual Loops"] for node in nodes(plan))
    assert plan["Actual Rows"] == found and most <= BUCKETS
