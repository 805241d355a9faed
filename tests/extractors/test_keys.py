"""Keys alone tell which rows are gone and which were never read, however they travel."""

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from extractors.landing import keys_table

SPEC = """
system: shop
title: A shop
schema: public
timezone: UTC
overlap: 1 hour
tables:
  things:
    key: [id]
    cursor: write_date
    columns: [id, content, write_date]
"""
RANGES = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}


@pytest.fixture(params=[*RANGES, "integer without a constraint", "text", "character(20)"])
def things(shop, read_spec, request):
    """A source of one table, whose key has the type of the parameter."""
    kind = request.param.split()[0]
    shop.source(f"create table things (id {kind}, content text, write_date timestamp)")
    if " " not in request.param:
        shop.source("alter table things add primary key (id)")
    shop.spec = read_spec(SPEC)
    shop.kind = kind
    return shop


def keys_of(kind: str) -> st.SearchStrategy[set[int]]:
    limit = RANGES.get(kind, 2**63)
    edges = [n for n in (-limit, 1 - limit, -65, -64, -63, -1, 0, 1, 63, 64, 65, limit - 64, limit - 1) if n >= -limit]
    return st.sets(st.one_of(st.sampled_from(edges), st.integers(-200, 200), st.integers(-limit, limit - 1)))


def test_raw_has_the_keys_of_the_source_though_no_cursor_moved(things):
    @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(keys_of(things.kind), min_size=1, max_size=3))
    @example([{-1, 0, 63, 64}, {0, 63, 65, -64}, set()])
    def check(history: list[set[int]]) -> None:
        with psycopg.connect(things.settings.warehouse_url) as db:
            db.execute(
                "drop schema if exists raw_shop cascade; drop schema if exists landing_shop cascade; "
                "truncate ops.loads cascade; truncate ops.watermarks"
            )
        things.source("truncate things; insert into things values (7, 'the watermark', '2025-01-20')")
        things.run()
        for keys in history:
            things.source("delete from things where write_date < '2025-01-20' and content <> 'the watermark'")
            things.source(
                f"insert into things select key::{things.kind}, 'x', '2025-01-01' from unnest(%s::text[]) as key "
                "where key <> '7'",
                [str(key) for key in keys],
            )
            version = things.run()
            alive = things.query("select trim(id::text) from raw_shop.things where not _is_deleted")
            assert sorted(alive) == sorted((str(key),) for key in keys | {7})
            read = things.counts(version, "things")[0]
            assert read <= len(keys) + 1

    check()


def test_neighbouring_keys_travel_together_where_a_constraint_keeps_them_unique(things):
    things.source(f"insert into things select n::{things.kind}, 'x', '2025-01-01' from generate_series(0, 1279) as n")
    things.run()
    things.copy()
    is_packed = things.kind in RANGES and things.query("select key_is_unique from landing_shop._tables") == [(True,)]
    assert things.query(f"select count(*) from landing_shop.{keys_table('things')}") == [(20 if is_packed else 1280,)]
    assert things.query("select key_count, keys_packed_as from landing_shop._tables") == [
        (1280, things.kind if is_packed else None)
    ]


def test_what_landed_between_a_copy_and_its_landing_is_compared_again(shop):
    shop.run()
    shop.source("delete from orders where id in (3, 4)")
    late = shop.copy()
    landing = "landing_shop_aside"
    with psycopg.connect(shop.settings.warehouse_url) as db:  # a later copy would take the landing: put it aside
        db.execute(f"alter schema landing_shop rename to {landing}")
        db.execute("update ops.loads set state = 'landed' where version = %s", (late,))
    shop.source("insert into orders (id, name, write_date) values (3, 'P3', '2025-01-30')")
    shop.run()
    assert ("3",) in shop.raw("orders")
    with psycopg.connect(shop.settings.warehouse_url) as db:
        db.execute("drop schema landing_shop cascade")
        db.execute(f"alter schema {landing} rename to landing_shop")
        db.execute("update ops.loads set state = 'copied' where version = %s", (late,))
        assert db.execute("select id from landing_shop._gone_orders order by id").fetchall() == [(3,), (4,)]
        db.execute("delete from landing_shop._gone_orders")  # what was found then is not what counts
    shop.land(late)
    assert shop.query("select _is_deleted from raw_shop.orders where id in (3, 4) order by id") == [(True,), (True,)]


def test_rows_that_are_read_again_are_found_in_raw_wherever_their_keys_stand(things):
    """Of keys that are texts, or are compared as if they were, 10 comes before 9."""
    things.source(
        f"""insert into things select n::{things.kind}, 'x', '2025-01-01' from generate_series(1, 120) as n;
            insert into things values ('121'::{things.kind}, 'x', '2025-01-20')"""
    )
    things.run()
    for keys in (["9", "10"], ["2", "100", "11"], [], ["120"], ["121", "122", "1"]):
        things.source(
            f"insert into things select key::{things.kind}, 'new', '2025-01-20' from unnest(%s::text[]) as key "
            f"where not exists (select from things as t where t.id = key::{things.kind})",
            keys,
        )
        things.source(
            "update things set content = content || 'z', write_date = '2025-01-20' where trim(id::text) = any(%s)", keys
        )
        version = things.run()
        assert sum(things.counts(version, "things")[1:]) == len(keys)
        things.assert_equal_to_source()
