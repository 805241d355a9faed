"""Keys as bits: what a comparison finds, and that buckets in which nothing differs are looked at once."""

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from psycopg import sql

from extractors.packed import bitmap, difference, in_bitmap, packed, unpacked

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


NEAR = st.integers(-70, 400)
FAR = st.sampled_from([-(2**63), -(2**31) - 1, -1, 0, 63, 64, 2**28 - 1, 2**28, 2**31, 2**32 + 5, 2**63 - 1])


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(keys=st.sets(st.integers(0, 400)), asked=st.lists(st.one_of(st.none(), NEAR, FAR)))
@example(keys=set(), asked=[0, None, -1])
@example(keys={63}, asked=[62, 63, 64, 2**32 + 63])
@example(keys={2**28 - 1}, asked=[2**28 - 1, 2**28 - 2, 2**28])
def test_a_key_is_in_a_bitmap_if_it_is_one_of_its_keys(db, keys, asked):
    rows = sql.SQL("select unnest({}::bigint[]) as id").format(sql.Literal(sorted(keys)))
    found = bitmap(db.execute(packed(rows, "id", "bigint")).fetchall())
    query = sql.SQL("select id, {} from unnest(%s::bigint[]) with ordinality as k(id, place) order by place").format(
        in_bitmap(found, "id")
    )
    assert db.execute(query, (asked,)).fetchall() == [(key, key in keys) for key in asked]


@pytest.mark.parametrize("key", [-1, 2**28, 2**62])
def test_no_bitmap_is_made_of_keys_that_would_make_it_too_long(key):
    assert bitmap([(0, 1), (key >> 6, 1)]) is None


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(keys=st.sets(st.one_of(NEAR, FAR)))
def test_marked_keys_are_told_beside_all(db, keys):
    rows = sql.SQL("select unnest({}::bigint[]) as id").format(sql.Literal(sorted(keys)))
    for name, condition in (("some", "id % 3 = 0"), ("none", "false"), ("unknown", "null")):
        db.execute("drop table if exists pg_temp.keys")
        query = packed(rows, "id", "bigint", (sql.SQL(condition), name))
        db.execute(sql.SQL("create temporary table keys as {}").format(query))
        table = sql.Identifier("pg_temp", "keys")
        assert {key for (key,) in db.execute(unpacked(table, "bits", "id", "bigint"))} == keys
        marked = {key for key in keys if name == "some" and key % 3 == 0}
        assert {key for (key,) in db.execute(unpacked(table, name, "id", "bigint"))} == marked
