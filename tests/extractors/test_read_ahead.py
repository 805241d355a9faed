"""A source that is read ahead: the rows of each query in their order, and an end to it whatever happens."""

import time
from contextlib import contextmanager

import psycopg
import pytest
from psycopg import sql

from extractors import source as source_module
from extractors.keys import pipe
from extractors.read_ahead import reading_ahead
from extractors.source import BATCH_BYTES, open_beside, open_source
from sluice.errors import Blocked

LONG = sql.SQL("select repeat('x', 1000) from generate_series(1, 100000)")  # more than waits in memory
ENDLESS = sql.SQL("select repeat('x', generate_series(1000, 2000000000) * 0 + 1000)")
SLEEP = sql.SQL("select pg_sleep(600)")
ONE_OR_TWO = pytest.mark.parametrize("connections", [1, 2], ids=["one connection", "two"])


def numbers(upto: int) -> sql.SQL:
    return sql.SQL(f"select n from generate_series(1, {upto}) as n")


@contextmanager
def reading(shop, connections):
    with open_source(shop.settings, shop.spec) as source, open_beside(shop.settings, source) as others:
        assert len(others) == 1
        with reading_ahead([source, *others][:connections]) as ahead:
            yield ahead


def still_reads(shop) -> bool:
    with psycopg.connect(shop.source_url) as db:
        query = """select exists (select from pg_stat_activity
                                  where application_name = 'sluice extract' and state = 'active')"""
        return db.execute(query).fetchone()[0]


@ONE_OR_TWO
def test_each_query_gives_its_own_rows_in_their_order(shop, connections):
    with reading(shop, connections) as ahead, psycopg.connect(shop.settings.warehouse_url) as db:
        asked = {5: numbers(5), 0: numbers(0), "long": LONG, 200_000: numbers(200_000)}
        for what, query in asked.items():
            ahead.ask(query, str(what), what)
        for what, blocks in ahead.answers():
            kind = "text" if what == "long" else "integer"
            db.execute(f"create temporary table found (n {kind})")
            count = pipe(db, blocks, sql.Identifier("found"))
            assert count == (100_000 if what == "long" else what)
            if kind == "integer":
                in_order = "select coalesce(array_agg(n order by ctid), '{}') = array(select generate_series(1, %s)) from found"
                assert db.execute(in_order, (what,)).fetchone()[0]
            db.execute("drop table found")
            del asked[what]
        assert not asked


@ONE_OR_TWO
def test_an_answer_may_lead_to_the_next_question(shop, connections):
    with reading(shop, connections) as ahead:
        ahead.ask(numbers(1), "first", 1)
        found = []
        for what, blocks in ahead.answers():
            list(blocks)
            found.append(what)
            if what < 20:
                ahead.ask(numbers(what + 1), "next", what + 1)
        assert found == list(range(1, 21))


def test_what_is_asked_for_next_is_read_before_what_waits(shop):
    with reading(shop, 1) as ahead:
        ahead.ask(LONG, "long", "first")
        order = []
        for what, blocks in ahead.answers():
            if what == "first":  # it fills what waits in memory, so nothing else has been read yet
                ahead.ask(numbers(1), "later", "later")
                ahead.ask(numbers(1), "sooner", "sooner", is_next=True)
            list(blocks)
            order.append(what)
        assert order == ["first", "sooner", "later"]


def test_long_answers_that_nobody_takes_yet_do_not_keep_what_is_waited_for(shop):
    with reading(shop, 2) as ahead:
        for n in range(4):
            ahead.ask(LONG, "long", n)
        sizes = {}
        for what, blocks in ahead.answers():
            time.sleep(0.3)  # both connections have their hands full
            sizes[what] = sum(map(len, blocks))
        assert sizes.keys() == set(range(4)) and len(set(sizes.values())) == 1


@ONE_OR_TWO
def test_what_waits_in_memory_is_bounded_whatever_is_asked(shop, connections):
    with reading(shop, connections) as ahead:
        for n in range(30):
            ahead.ask(sql.SQL("select repeat('x', 1000) from generate_series(1, 1500)"), "some", n)  # 30 times 1.5 MB
        most = 0
        for _, blocks in ahead.answers():
            time.sleep(0.1)
            most = max(most, ahead._waiting_bytes)
            list(blocks)
        assert 32 * BATCH_BYTES <= most <= (32 + connections + 1) * (BATCH_BYTES + 2_000)
        assert ahead._waiting_bytes == 0


@ONE_OR_TWO
def test_what_fails_at_the_source_is_raised_where_its_rows_are_awaited(shop, connections):
    failing = sql.SQL("select 1 / (n - 90000) from generate_series(1, 100000) as n")
    with reading(shop, connections) as ahead:
        ahead.ask(numbers(3), "numbers", "numbers")
        ahead.ask(failing, "orders", "orders")
        with pytest.raises(Blocked, match=r"table orders: the source failed while it was read \(division by zero"):
            for what, blocks in ahead.answers():
                assert len(list(blocks)) == 1 and what == "numbers"


@ONE_OR_TWO
@pytest.mark.parametrize("waiting", [LONG, ENDLESS, SLEEP], ids=["with full hands", "with ever more", "at the source"])
def test_whoever_gives_up_ends_the_reading(shop, waiting, connections):
    began = time.monotonic()
    with pytest.raises(RuntimeError, match="enough"), reading(shop, connections) as ahead:
        for query in (waiting, SLEEP, SLEEP):
            ahead.ask(query, "waiting", None)
        time.sleep(0.5)  # it has begun
        raise RuntimeError("enough")
    assert time.monotonic() - began < 60 and not still_reads(shop)


def test_all_connections_see_one_moment(shop):
    with open_source(shop.settings, shop.spec) as source:
        shop.source("delete from orders where id <= 5")
        with open_beside(shop.settings, source) as others:
            shop.source("delete from orders")
            counts = [one.db.execute("select count(*) from orders").fetchone() for one in (source, *others)]
            assert counts == [(20,), (20,)]
            for one in others:
                assert (one.snapshot_at, one.horizon) == (source.snapshot_at, source.horizon)
                with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
                    one.db.execute("create table nothing ()")


@pytest.mark.parametrize("limit", ["connection limit 1", "no function"])
def test_one_connection_is_enough_where_the_source_gives_no_more(shop, limit):
    export = "execute on function pg_catalog.pg_export_snapshot()"
    with psycopg.connect(shop.source_url, autocommit=True) as db:
        (user,) = db.execute("select 'reads_' || md5(current_database())").fetchone()
        db.execute(f"create role {user} login password 'x' {limit if limit != 'no function' else ''}")
        db.execute(f"grant select on all tables in schema public to {user}")
        if limit == "no function":
            db.execute(f"revoke {export} from public")
        try:
            shop.settings.source_urls["shop"] = psycopg.conninfo.make_conninfo(shop.source_url, user=user, password="x")
            with open_source(shop.settings, shop.spec) as source, open_beside(shop.settings, source) as others:
                assert others == [] and source.db.execute("select count(*) from orders").fetchone() == (20,)
            shop.run()
            assert shop.raw("orders") == shop.truth("orders")
        finally:
            db.execute(f"grant {export} to public; drop owned by {user}; drop role {user}")


def test_a_snapshot_of_another_server_is_not_taken_for_that_of_the_source(shop, monkeypatch):
    """Several servers behind one address may each have a snapshot of that name."""
    monkeypatch.setattr(source_module, "_SEEN", "select clock_timestamp()")
    with open_source(shop.settings, shop.spec) as source, open_beside(shop.settings, source) as others:
        assert others == []
        still_open = """select count(*) from pg_stat_activity
                        where application_name = 'sluice extract' and datname = current_database()"""
        for _ in range(100):  # the server ends a session a moment after its client
            with psycopg.connect(shop.source_url) as db:
                if db.execute(still_open).fetchone() == (1,):
                    return
            time.sleep(0.05)
        raise AssertionError("the connection that was not taken is still open")
