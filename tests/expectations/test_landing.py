"""The landing gate: keys block, empty and shrunken tables and unusual volumes only warn, refused files are said."""

from datetime import UTC, date, datetime

import psycopg
import pytest

from expectations.landing import gate_landing
from extractors import specs
from extractors.loads import block_load
from sluice.errors import Blocked
from sluice.runs import RunContext

CTX = RunContext("extract__shop/2025-03-01/x", "shop", date(2025, 3, 1), datetime(2025, 3, 2, tzinfo=UTC))
SPEC = """
system: shop
schema: public
tables:
  orders: {key: [id], cursor: changed_at, columns: [id, amount, changed_at]}
  links: {key: [order_id, bill_id], columns: [order_id, bill_id]}
"""


@pytest.fixture
def shop(settings, tmp_path, monkeypatch):
    """A landed system of two tables; returns a function that changes the landing and gates it."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "tables.yml").write_text(SPEC)
    spec = specs.load_spec("shop", root=tmp_path)
    monkeypatch.setattr("expectations.landing.load_spec", lambda system: spec)
    monkeypatch.setattr("expectations.landing.has_tables", lambda system: system == "shop")
    with psycopg.connect(settings.warehouse_url) as db:
        db.execute("""
            create schema raw_shop; create schema landing_shop;
            create table raw_shop.orders (id int primary key, amount int, changed_at timestamptz, _version bigint,
                _is_deleted boolean default false);
            create table raw_shop.links (order_id int, bill_id int, _version bigint, _is_deleted boolean default false);
            create unlogged table landing_shop.orders (id int, amount int, changed_at timestamptz);
            create unlogged table landing_shop.links (order_id int, bill_id int);
            insert into landing_shop.orders select n, n, now() from generate_series(1, 10) as n;
            insert into landing_shop.links select n, n % 2 from generate_series(1, 4) as n;
            create table landing_shop._tables (table_name text primary key, read_kind text, row_count bigint,
                key_count bigint,
                key_is_unique boolean, keys_packed_as text, watermark text, source_columns text[], seconds double precision);
            insert into landing_shop._tables values ('orders', 'whole', 10, null, false, null, null, '{}', 0), ('links',
                'whole', 4, null, false, null, null, '{}', 0);
            insert into ops.loads (run_id, system, mode, state, read_count) values ('now', 'shop', 'night',
                'copied', 14)""")

    def gate(change=None):
        with psycopg.connect(settings.warehouse_url) as db:
            if change:
                db.execute(change)
            version = db.execute("select max(version) from ops.loads").fetchone()[0]
        return {one.check.name: one for one in gate_landing(settings, "shop", version, CTX)}

    return gate


def rows(settings, query):
    with psycopg.connect(settings.warehouse_url) as db:
        return db.execute(query).fetchall()


def test_whole_landing_passes(shop, settings):
    assert [name for name, one in shop().items() if not one.is_success] == []
    assert rows(settings, "select check_name, layer, checked_count from quality.check_results order by 1") == [
        ("key_links", "landing", 4),
        ("key_orders", "landing", 10),
        ("not_emptied", "landing", 2),
        ("not_shrunk", "landing", 2),
        ("source_columns_known", "landing", None),
        ("source_readable", "landing", None),
        ("volume", "landing", 14),
    ]


@pytest.mark.parametrize(
    "change, told",
    [
        ("update landing_shop.orders set id = null where id < 3", "orders: 2 rows without a key"),
        ("insert into landing_shop.orders values (7, 0, now())", r"orders \(7\) 2 times"),
        ("insert into landing_shop.links values (3, 1)", r"links \(3, 1\) 2 times"),
        ("update landing_shop.links set bill_id = null where order_id = 2", "links: 1 rows without a key"),
    ],
)
def test_null_or_duplicate_key_blocks_the_load(shop, settings, change, told):
    with pytest.raises(Blocked, match=told) as stopped:
        shop(change)
    assert str(stopped.value).startswith("shop is blocked at the landing gate") and "\n" not in str(stopped.value)
    assert rows(settings, "select state, message is not null from ops.loads") == [("blocked", True)]


def test_table_that_became_empty_or_lost_most_of_its_rows_warns(shop):
    outcomes = shop(
        "insert into raw_shop.links values (1, 1); "
        "update landing_shop._tables set row_count = 0 where table_name = 'links';"
        "insert into raw_shop.orders (id) select n from generate_series(1, 200) as n"
    )
    assert "links is empty in the source and had 1 rows" in outcomes["not_emptied"].message
    assert "orders has 10 rows in the source and had 200" in outcomes["not_shrunk"].message
    assert outcomes["not_emptied"].check.severity == outcomes["not_shrunk"].check.severity == "warn"


def test_table_that_was_always_empty_is_no_news(shop):
    assert shop("update landing_shop._tables set row_count = 0 where table_name = 'links'")["not_emptied"].is_success


def test_volume_is_compared_with_earlier_nights_alone(shop):
    earlier = """insert into ops.loads (run_id, system, mode, state, read_count)
                 select 'n' || n, 'shop', {mode}, 'landed', 1000 from generate_series(1, 5) as n;
                 insert into ops.loads (run_id, system, mode, state, read_count) values ('now', 'shop', 'night',
                     'copied', 14)"""
    assert shop(earlier.format(mode="'full'"))["volume"].is_success
    outcome = shop(earlier.format(mode="'night'"))["volume"]
    assert not outcome.is_success and "14 rows, usually 1000" in outcome.message


@pytest.fixture
def drop(settings):
    """Landed agent files; returns a function that takes (state, is_new) of each file and gates them."""

    def gate(files, bad_rows=0):
        with psycopg.connect(settings.warehouse_url) as db:
            db.execute("""
                create schema landing_agent;
                create table landing_agent.rpa_logger (file_id text, source_seq bigint);
                insert into landing_agent.rpa_logger values ('f0', 1), ('f0', 2);
                create table landing_agent._quarantined_rows (format text, file_id text, line bigint, check_name
                    text, reason text);
                create table landing_agent._files (file_id text, format text, state text, row_count bigint, reason
                    text, is_new boolean);
                insert into ops.loads (run_id, system, mode, state) values ('now', 'agent', 'night', 'copied')""")
            with db.cursor() as cursor:
                cursor.executemany(
                    "insert into landing_agent._files values (%s, 'rpa_logger', %s, 5, 'cut in half', %s)",
                    [(f"f{number}", state, is_new) for number, (state, is_new) in enumerate(files)],
                )
                cursor.executemany(
                    "insert into landing_agent._quarantined_rows values ('rpa_logger', 'f0', %s, 'bad_time', 'x')",
                    [(line,) for line in range(bad_rows)],
                )
        return {one.check.name: one for one in gate_landing(settings, "agent", 1, CTX)}

    return gate


def test_refused_and_empty_files_and_bad_rows_warn_beside_a_good_one(drop):
    outcomes = drop([("landed", True), ("refused", True), ("empty", True)], bad_rows=2)
    assert "rpa_logger file f1 refused: cut in half" in outcomes["files_readable"].message
    assert "rpa_logger file f2 is empty" in outcomes["files_not_empty"].message
    assert "rpa_logger file f0 line 0: bad_time" in outcomes["rows_usable"].message
    assert {one.check.severity for name, one in outcomes.items() if not one.is_success} == {"warn"}


@pytest.mark.parametrize("is_new", [True, False])
def test_refused_files_alone_still_only_warn(drop, is_new):
    outcome = drop([("landed", False), ("refused", is_new)])["files_readable"]
    assert not outcome.is_success and outcome.check.severity == "warn"


def test_agent_row_that_is_there_twice_blocks(drop, settings):
    drop([("landed", True)])
    with psycopg.connect(settings.warehouse_url) as db:
        db.execute("insert into landing_agent.rpa_logger values ('f0', 1)")
    with pytest.raises(Blocked, match="rpa_logger f0:1 2 times"):
        gate_landing(settings, "agent", 1, CTX)


def test_new_columns_of_the_source_are_told_and_change_nothing(shop, settings):
    assert shop()["source_columns_known"].is_success
    outcome = shop("update ops.loads set message = 'new columns in the source, not read: orders.colour'")[
        "source_columns_known"
    ]
    assert not outcome.is_success and outcome.check.severity == "warn" and "orders.colour" in outcome.message


def test_source_that_is_not_as_declared_is_a_result_of_the_gate_too(settings):
    block_load(settings.warehouse_url, "shop", CTX, "shop: table public.orders is missing in the source")
    (row,) = rows(
        settings,
        "select layer, check_name, severity, is_success, dimension, message from quality.check_results",
    )
    assert row[:5] == ("landing", "source_readable", "block", False, "structure")
    assert "public.orders is missing" in row[5] and "\n" not in row[5]
