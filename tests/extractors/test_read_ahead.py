"""A source that is read ahead: the rows of each query in their order, and an end to it whatever happens."""

import time

import psycopg
import pytest
from psycopg import sql

from extractors.keys import pipe
from extractors.read_ahead import reading_ahead
from extractors.source import open_source
from sluice.errors import Blocked

LONG = (sql.SQL("select repeat('x', 1000) from generate_series(1, 100000)"), "long")  # more than waits in memory
ENDLESS = (sql.SQL("select repeat('x', generate_series(1000, 2000000000) * 0 + 1000)"), "endless")
SLEEP = (sql.SQL("select pg_sleep(600)"), "sleep")


def numbers(upto: int) -> tuple[sql.SQL, str]:
    return sql.SQL(f"select n from generate_series(1, {upto}) as n"), "numbers"


def still_reads(shop) -> bool:
    with psycopg.connect(shop.source_url) as db:
        query = """select exists (select from pg_stat_activity
                                  where application_name = 'sluice extract' and state = 'active')"""
        return db.execute(query).fetchone()[0]


def test_each_query_gives_its_own_rows_in_their_order(shop):
    with (
        open_source(shop.settings, shop.spec) as source,
        psycopg.connect(shop.settings.warehouse_url) as db,
        reading_ahead(source, [numbers(5), numbers(0), LONG, numbers(200_000)]) as ahead,
    ):
        for expected in ([1, 2, 3, 4, 5], []):
            db.execute("create temporary table found (n integer)")
            assert pipe(db, ahead.blocks(), sql.Identifier("found")) == len(expected)
            assert [n for (n,) in db.execute("select n from found order by ctid")] == expected
            db.execute("drop table found")
        db.execute("create temporary table texts (t text); create temporary table found (n integer)")
        assert pipe(db, ahead.blocks(), sql.Identifier("texts")) == 100_000
        assert pipe(db, ahead.blocks(), sql.Identifier("found")) == 200_000
        in_order = "select array_agg(n order by ctid) = array(select generate_series(1, 200000)) from found"
        assert db.execute(in_order).fetchone()[0]


def test_what_fails_at_the_source_is_raised_where_its_rows_are_awaited(shop):
    failing = sql.SQL("select 1 / (n - 90000) from generate_series(1, 100000) as n"), "orders"
    with open_source(shop.settings, shop.spec) as source, reading_ahead(source, [numbers(3), failing]) as ahead:
        assert len(list(ahead.blocks())) == 1
        with pytest.raises(Blocked, match=r"table orders: the source failed while it was read \(division by zero"):
            list(ahead.blocks())


@pytest.mark.parametrize("waiting", [LONG, ENDLESS, SLEEP], ids=["with full hands", "with ever more", "at the source"])
def test_whoever_gives_up_ends_the_reading(shop, waiting):
    with open_source(shop.settings, shop.spec) as source:
        began = time.monotonic()
        with pytest.raises(RuntimeError, match="enough"), reading_ahead(source, [waiting, SLEEP]):
            time.sleep(0.5)  # it has begun
            raise RuntimeError("enough")
        assert time.monotonic() - began < 60 and not still_reads(shop)
