"""The bits of the keys that are alive in raw: kept from night to night, followed, and forgotten when nobody could follow."""

import psycopg
import pytest
from psycopg import sql

from extractors.alive import alive_keys, alive_now

BITS = "raw_shop._alive_orders"


def bits(shop, query: sql.Composable) -> set[tuple[int, int]]:
    with psycopg.connect(shop.settings.warehouse_url) as db:
        return set(db.execute(sql.SQL("select bucket, bits from ({}) as b where bits <> 0").format(query)).fetchall())


def in_raw(shop) -> set[tuple[int, int]]:
    return bits(shop, alive_now(sql.Identifier("raw_shop", "orders"), "id", "integer"))


def made(shop) -> int | None:
    """What tells one making of the bits from another."""
    return shop.query("select to_regclass(%s)::oid::bigint", BITS)[0][0]


def kept(shop) -> tuple[list[tuple], list[tuple]]:
    """The bits, and what is known of them."""
    return (
        shop.query(f"select * from {BITS} order by bucket"),
        shop.query("select * from ops.alive_keys order by schema_name, table_name"),
    )


def follow(shop) -> None:
    """What a copy does with them, at once: after it they are those of raw as it is now."""
    with psycopg.connect(shop.settings.warehouse_url) as db:
        (version,) = db.execute("select max(version) from ops.loads where state = 'landed'").fetchone()
        alive_keys(db, shop.spec, shop.spec.tables["orders"], "integer", version)
    assert bits(shop, sql.SQL(f"select * from {BITS}")) == in_raw(shop)


@pytest.fixture
def known(shop):
    """A shop whose bits were made once."""
    shop.run()
    assert made(shop) is None  # a first load has no keys to compare
    shop.run()
    follow(shop)
    return shop


def test_what_is_new_gone_or_back_is_followed_without_making_them_again(known):
    first = made(known)
    for change in (
        "delete from orders where id in (3, 4, 20)",
        "insert into orders (id, name, write_date) values (3, 'back', '2025-01-30'), (900, 'new', '2025-01-30')",
        "update orders set name = 'changed', write_date = '2025-01-31' where id in (5, 900)",
        "delete from orders where id = 900",
        "insert into orders (id, name, write_date) values (-7, 'far', '2020-01-30')",
    ):
        known.source(change)
        known.run()
        known.assert_equal_to_source()
        follow(known)
    known.run()
    assert made(known) == first


def test_a_night_follows_all_that_full_readings_changed_before_it(known):
    first = made(known)
    for number in range(3):
        known.source("delete from orders where id = %s", 1 + number)
        known.source("insert into orders (id, name, write_date) values (%s, 'n', '2025-02-01')", 1000 + number)
        known.run("full")  # reads all rows and compares no keys
    follow(known)
    assert made(known) == first


@pytest.mark.parametrize(
    "by_hand",
    [
        "delete from raw_shop.orders where id in (1, 2, 3)",
        "delete from raw_shop.orders",
        "truncate raw_shop.orders",
        "drop table raw_shop.orders cascade",
        "drop table raw_shop._alive_orders",
        "alter table raw_shop.orders rename to aside; create table raw_shop.orders (like raw_shop.aside including all)",
    ],
)
def test_rows_that_a_hand_took_out_of_raw_are_read_again(known, by_hand):
    first = made(known)
    with psycopg.connect(known.settings.warehouse_url) as db:
        db.execute(by_hand)
    known.run()
    known.assert_equal_to_source()
    known.run()
    follow(known)
    known.assert_equal_to_source()
    assert made(known) != first


def test_a_hand_between_a_copy_and_its_landing_is_noticed_by_the_next_copy(known):
    version = known.copy()
    with psycopg.connect(known.settings.warehouse_url) as db:
        db.execute("delete from raw_shop.orders where id = 5")
    known.land(version)
    known.run()
    known.assert_equal_to_source()


def test_purging_what_was_gone_already_forgets_nothing_and_what_went_since_everything(known):
    first = made(known)
    known.source("delete from orders where id = 5")
    known.run()
    follow(known)
    purge = "delete from raw_shop.orders where _is_deleted"
    with psycopg.connect(known.settings.warehouse_url) as db:
        assert db.execute(purge).rowcount == 1
    follow(known)
    assert made(known) == first
    known.source("delete from orders where id = 6")
    known.run()
    with psycopg.connect(known.settings.warehouse_url) as db:
        assert db.execute(purge).rowcount == 1
    follow(known)
    assert made(known) != first


def test_a_table_that_is_written_anew_is_looked_at_again(known):
    first = made(known)
    known.source(
        "insert into orders (id, name, write_date) select n, 'n', '2025-02-01' from generate_series(100, 20000) as n"
    )
    known.run()  # more than half of it is new: written anew, not row by row
    assert known.query("select version from ops.alive_keys where table_name = 'orders'") == [(None,)]
    known.source("delete from orders where id between 500 and 700")
    known.run()
    known.assert_equal_to_source()
    follow(known)
    assert made(known) != first


def test_a_copy_that_fails_leaves_them_as_they_were(known, monkeypatch):
    known.source("delete from orders where id = 5")
    known.run()
    before = kept(known)

    def fails(*_):
        raise RuntimeError("lost")

    monkeypatch.setattr("extractors.postgres.land_pseudonyms", fails)
    with pytest.raises(RuntimeError, match="lost"):
        known.copy()
    assert kept(known) == before
