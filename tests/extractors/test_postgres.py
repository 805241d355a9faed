"""Nights, windows, late rows, deletions, retries: what raw must be after each of them."""

import threading
from dataclasses import replace
from datetime import UTC, datetime

import psycopg
import pytest

from extractors.postgres import land_source
from extractors.source import open_source
from sluice.errors import Blocked, SluiceError
from tests.vacuuming import vacuuming

FEBRUARY = (datetime(2025, 1, 5, tzinfo=UTC), datetime(2025, 1, 8, tzinfo=UTC))


def test_the_first_load_is_the_source(shop):
    version = shop.run()
    shop.assert_equal_to_source()
    assert shop.query(
        "select mode, state, read_count, inserted_count, updated_count, deleted_count from ops.loads"
    ) == [("full", "landed", 20 + 16 + 5 + 2 + 3, 20 + 16 + 5 + 2 + 3, 0, 0)]
    assert {stamp for (stamp,) in shop.query("select _version from raw_shop.orders")} == {version}


def test_columns_keep_the_sources_types_and_enums_become_text(shop):
    shop.run()
    types = dict(
        shop.query(
            "select attname, format_type(atttypid, atttypmod) from pg_attribute "
            "where attrelid = 'raw_shop.orders'::regclass and attnum > 0"
        )
    )
    assert (
        types["name"],
        types["state"],
        types["amount"],
        types["details"],
        types["write_date"],
        types["_loaded_at"],
    ) == ("character varying", "text", "numeric", "json", "timestamp without time zone", "timestamp with time zone")
    indexes = {
        definition.split(" USING ")[1]
        for (definition,) in shop.query(
            "select indexdef from pg_indexes where schemaname = 'raw_shop' and tablename = 'orders'"
        )
    }
    assert indexes == {"btree (id)", "btree (name)", "btree (company_id, partner_id)", "btree (_version)"}


def test_nothing_changed_writes_nothing(shop):
    shop.run()
    before = shop.query("select id, ctid::text, _version, _loaded_at from raw_shop.orders order by id")
    for mode in ("night", "full"):
        version = shop.run(mode)
        assert shop.counts(version)[1:] == (0, 0, 0)
    assert shop.query("select id, ctid::text, _version, _loaded_at from raw_shop.orders order by id") == before


def test_a_night_reads_from_the_watermark_minus_the_overlap(shop):
    shop.run()
    version = shop.run()
    # the latest row is of 21 January: those of the 19th, 20th and 21st are read again
    assert shop.counts(version) == (3, 0, 0, 0)


def test_a_night_brings_new_changed_and_deleted_rows_and_stamps_only_those(shop):
    first = shop.run()
    shop.source("insert into orders (name, amount, write_date) values ('P21', 1, '2025-01-22')")
    shop.source("update orders set amount = 99, write_date = '2025-01-22 08:00' where id = 3")
    shop.source("delete from orders where id in (1, 20)")
    second = shop.run()
    shop.assert_equal_to_source()
    assert shop.counts(second)[1:] == (1, 1, 2)
    stamps = dict(shop.query("select id, _version from raw_shop.orders"))
    assert {id for id, stamp in stamps.items() if stamp == second} == {1, 3, 20, 21}
    assert {stamp for id, stamp in stamps.items() if id not in (1, 3, 20, 21)} == {first}


def test_a_late_row_inside_the_overlap_is_read(shop):
    shop.run()
    shop.source("update orders set state = 'done', write_date = '2025-01-19 12:00' where id = 2")
    shop.run()
    shop.assert_equal_to_source()


def test_a_tombstone_keeps_its_content_and_a_row_that_comes_back_is_revived(shop):
    shop.run()
    content = shop.raw("orders")[("4",)]
    shop.source("create table kept as select * from orders where id = 4; delete from orders where id = 4")
    shop.run()
    assert shop.raw("orders", deleted=True) == {("4",): content}
    version = shop.run()
    assert shop.counts(version)[1:] == (0, 0, 0)  # a tombstone is written once
    shop.source("insert into orders select * from kept")  # its cursor is as old as it was
    version = shop.run()
    assert shop.counts(version)[1:] == (0, 1, 0)
    shop.assert_equal_to_source()
    assert shop.raw("orders", deleted=True) == {}


def test_link_tables_are_compared_whole(shop):
    shop.run()
    shop.source("delete from order_invoice_rel where order_id = 2")
    shop.source("insert into order_invoice_rel values (2, 777)")
    version = shop.run()
    assert shop.counts(version, "order_invoice_rel") == (5, 1, 0, 1)
    shop.assert_equal_to_source()


def test_a_row_that_leaves_the_declared_selection_is_gone_and_one_that_enters_it_is_found_by_its_key(shop):
    shop.run()
    shop.source("update changes set model = 'other' where id = 1")  # neither moves the cursor
    shop.source("update changes set model = 'orders' where id = 5")
    version = shop.run()
    assert shop.counts(version, "changes")[1:] == (1, 0, 1)
    shop.assert_equal_to_source()


def test_a_transaction_that_commits_after_the_snapshot_is_read_the_next_night(shop):
    shop.run()
    with psycopg.connect(shop.source_url) as slow:
        slow.execute("insert into orders (name, write_date) values ('late', '2025-01-20 10:00')")
        slow.execute("update orders set amount = 5, write_date = '2025-01-20 10:00' where id = 6")
        shop.source("insert into orders (name, write_date) values ('in time', '2025-01-21 10:00')")
        shop.run()
        assert "late" not in {row[1] for row in shop.raw("orders").values()}
    shop.run()
    shop.assert_equal_to_source()


def test_a_row_committed_later_than_the_overlap_allows_is_found_by_its_key(shop):
    shop.run()
    shop.source("insert into orders (name, write_date) values ('very late', '2024-01-01')")
    shop.run()
    shop.assert_equal_to_source()


def test_the_watermark_waits_for_the_oldest_transaction_that_is_running(shop):
    shop.source("update orders set write_date = now() at time zone 'UTC' where id = 1")
    with psycopg.connect(shop.source_url) as slow:
        began = slow.execute("select now()").fetchone()[0]
        shop.source("update orders set write_date = now() at time zone 'UTC' where id = 2")
        shop.run()
        assert shop.watermarks()["orders"] == began


def test_a_row_dated_in_the_future_does_not_hide_the_present(shop):
    shop.source("update orders set write_date = '2999-01-01' where id = 1")
    shop.source("update orders set write_date = 'infinity' where id = 2")
    shop.run()
    assert shop.watermarks()["orders"] < datetime.now(UTC)
    shop.source("update orders set amount = 4, write_date = now() at time zone 'UTC' where id = 9")
    shop.run()
    shop.assert_equal_to_source()


def test_a_row_without_a_cursor_value_is_read_every_night(shop):
    shop.source("update orders set write_date = null where id = 5")
    shop.run()
    shop.source("update orders set amount = 1234 where id = 5")
    shop.run()
    shop.assert_equal_to_source()


def test_missed_nights_are_included(shop):
    shop.run()
    shop.source(
        "insert into orders (name, write_date) select 'N' || n, '2025-01-21'::timestamp + n * interval '10 days' "
        "from generate_series(1, 9) as n"
    )
    shop.run()
    shop.assert_equal_to_source()


def test_a_window_reads_its_days_alone_and_never_moves_the_watermark(shop):
    shop.run()
    watermarks = shop.watermarks()
    shop.source("update orders set amount = amount + 1000")  # without moving the cursor
    version = shop.run("window", *FEBRUARY)
    # 5, 6 and 7 January are in, the 8th is not
    assert shop.counts(version) == (3, 0, 3, 0)
    inside = {("4",), ("5",), ("6",)}
    raw, truth = shop.raw("orders"), shop.truth("orders")
    assert {key for key in raw if raw[key] == truth[key]} == inside
    assert shop.watermarks() == watermarks
    assert shop.query("select mode, window_start, window_end from ops.loads where version = %s", version) == [
        ("window", *FEBRUARY)
    ]


def test_a_window_notices_deletions_too(shop):
    shop.run()
    shop.source("delete from orders where id = 19")
    version = shop.run("window", *FEBRUARY)
    assert shop.counts(version) == (3, 0, 0, 1)


def test_a_window_before_any_night_leaves_the_first_night_a_full_one(shop):
    shop.run("window", *FEBRUARY)
    assert len(shop.raw("orders")) == 3
    shop.run()
    shop.assert_equal_to_source()


def test_a_naive_cursor_is_read_in_the_declared_zone(shop):
    shop.spec = replace(shop.spec, timezone="Asia/Tokyo")
    shop.run()
    assert shop.watermarks()["orders"] == datetime(2025, 1, 20, 15, tzinfo=UTC)
    version = shop.run("window", datetime(2025, 1, 4, 15, tzinfo=UTC), datetime(2025, 1, 5, 15, tzinfo=UTC))
    assert shop.counts(version)[0] == 1


def test_a_full_run_reads_what_the_cursor_did_not_tell(shop):
    shop.run()
    shop.source("update orders set amount = amount + 0.10")
    version = shop.run("full")
    assert shop.counts(version) == (20, 0, 20, 0)
    shop.assert_equal_to_source()


def test_values_that_are_equal_but_not_the_same_are_changes(shop):
    shop.run()
    shop.source("update orders set amount = 1.5000 where id = 1")
    shop.source("""update orders set details = '{"a": 1.00}' where id = 2""")
    version = shop.run("full")
    assert shop.counts(version)[2] == 2
    shop.assert_equal_to_source()


def test_the_physical_order_of_the_source_does_not_matter(shop):
    shop.run()
    shop.source(
        "create table shuffled as select * from orders order by md5(id::text); truncate orders; "
        "insert into orders select * from shuffled; drop table shuffled"
    )
    assert shop.counts(shop.run("full"))[1:] == (0, 0, 0)
    shop.assert_equal_to_source()


def test_copying_again_discards_the_copy_that_did_not_land(shop):
    lost = shop.copy()
    kept = shop.copy()
    assert shop.query("select version, state from ops.loads") == [(kept, "copied")]
    with pytest.raises(SluiceError, match=f"load {lost} is not in landing_shop any more"):
        shop.land(lost)
    shop.land(kept)
    shop.assert_equal_to_source()


def test_a_first_load_becomes_the_raw_table_itself_and_the_next_one_does_not(shop):
    version = shop.run()
    assert shop.query("select to_regclass('landing_shop.orders') is null and relpersistence = 'p' "
                      "from pg_class where oid = 'raw_shop.orders'::regclass") == [(True,)]  # fmt: skip
    assert shop.query("select distinct _version, _is_deleted, _loaded_at is null from raw_shop.orders") == [
        (version, False, False)
    ]
    with psycopg.connect(shop.settings.warehouse_url) as db, pytest.raises(psycopg.errors.NotNullViolation):
        db.execute("insert into raw_shop.orders (id) values (99)")
    shop.source("insert into orders (id, name, write_date) values (90, 'P90', '2025-03-01')")
    later = shop.run("full")
    assert shop.query("select id, _version from raw_shop.orders where _version > %s", version) == [(90, later)]
    assert shop.query("select relpersistence::text from pg_class where oid = 'landing_shop.orders'::regclass") == [
        ("u",)
    ]
    shop.assert_equal_to_source()


def test_rows_that_the_cursor_did_not_tell_are_found_in_batches(shop, monkeypatch):
    monkeypatch.setattr("extractors.postgres._KEYS_PER_QUERY", 3)
    shop.run()
    shop.source(
        "insert into orders (id, name, write_date) select n, 'late', '2024-01-01' from generate_series(31, 40) n"
    )
    assert shop.counts(shop.run())[1:] == (10, 0, 0)
    shop.assert_equal_to_source()


def test_landing_again_changes_nothing(shop):
    version = shop.run()
    state = shop.query("select * from ops.loads"), shop.query("select * from raw_shop.orders order by id")
    shop.land(version)
    assert (shop.query("select * from ops.loads"), shop.query("select * from raw_shop.orders order by id")) == state


def test_a_landing_that_the_database_lost_is_not_taken_for_deletions(shop):
    shop.run()
    version = shop.copy("full")
    with psycopg.connect(shop.settings.warehouse_url) as db:
        db.execute("truncate landing_shop.orders")  # what a crash does to unlogged tables
    with pytest.raises(SluiceError, match="copy again"):
        shop.land(version)
    assert len(shop.raw("orders")) == 20
    shop.run()
    shop.assert_equal_to_source()


def test_a_land_that_fails_half_way_leaves_raw_as_it_was(shop):
    shop.run()
    before = shop.query("select * from raw_shop.orders order by id")
    shop.source("update orders set amount = 0, write_date = '2025-03-01'")
    shop.source("insert into res_partner values (9, 'x', 'y', true, '2025-03-01')")
    version = shop.copy()
    with psycopg.connect(shop.settings.warehouse_url) as db:
        db.execute("alter table raw_shop.res_partner add constraint broken check (id < 9)")
    with pytest.raises(psycopg.errors.CheckViolation):
        shop.land(version)
    assert shop.query("select * from raw_shop.orders order by id") == before
    with psycopg.connect(shop.settings.warehouse_url) as db:
        db.execute("alter table raw_shop.res_partner drop constraint broken")
    shop.land(version)
    shop.assert_equal_to_source()


def test_a_load_that_lands_after_a_later_one_gets_a_later_version(shop):
    version = shop.copy()
    with psycopg.connect(shop.settings.warehouse_url) as db:
        other = db.execute(
            "insert into ops.loads (run_id, system, mode, state) values ('x', 'other', 'full', 'landed') "
            "returning version"
        ).fetchone()[0]
    shop.land(version)
    stamp = shop.query("select distinct _version from raw_shop.orders")[0][0]
    assert stamp > other > version
    assert shop.query("select state from ops.loads where version = %s", stamp) == [("landed",)]
    shop.land(version)  # a retry knows that it has landed
    assert shop.query("select count(*) from ops.loads") == [(2,)]


def test_land_waits_for_a_build_that_reads_raw(shop):
    version = shop.copy()
    with psycopg.connect(shop.settings.warehouse_url) as build:
        build.execute("select pg_advisory_xact_lock_shared(hashtext('sluice:raw:shop'))")
        thread = threading.Thread(target=land_source, args=(shop.settings, shop.spec, version, shop.context()))
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
    thread.join(10)
    assert len(shop.raw("orders")) == 20


def test_land_does_not_wait_for_who_vacuums_raw(shop):
    shop.run()
    shop.source("update orders set amount = 99, write_date = '2025-02-01' where id = 3")
    version = shop.copy()
    with vacuuming(shop.settings.warehouse_url, "raw_shop"):
        shop.land(version)
    assert shop.counts(version)[1:] == (0, 1, 0)


def test_a_column_declared_later_is_read_for_every_row(shop, read_spec, spec_text):
    shop.spec = read_spec(spec_text.replace("company_id, currency_id, amount,", "company_id, amount,"))
    shop.run()
    shop.spec = read_spec(spec_text)
    version = shop.run()
    assert shop.counts(version) == (20, 0, 20, 0)
    shop.assert_equal_to_source()


def test_a_column_declared_no_longer_is_emptied(shop, read_spec, spec_text):
    shop.run()
    shop.spec = read_spec(spec_text.replace("company_id, currency_id, amount,", "company_id, amount,"))
    shop.run()
    assert shop.query("select count(currency_id) from raw_shop.orders") == [(0,)]


def test_a_new_column_in_the_source_is_announced_and_not_read(shop):
    shop.run()
    shop.source("alter table orders add column x_phone text default 'canary 555'")
    version = shop.run()
    assert shop.query("select message from ops.loads where version = %s", version) == [
        ("new columns in the source, not read: orders.x_phone",)
    ]
    assert shop.query("select message from ops.loads where version = %s", shop.run()) == [(None,)]


def test_the_source_is_read_only_and_in_one_snapshot(shop):
    with open_source(shop.settings, shop.spec) as source:
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            source.db.execute("create table forbidden (id int)")
    with open_source(shop.settings, shop.spec) as source:
        shop.source("insert into orders (name) values ('after the snapshot')")
        assert source.db.execute("select count(*) from orders").fetchone()[0] == 20
        assert source.db.execute("show transaction_isolation").fetchone()[0] == "repeatable read"


def test_a_load_that_the_gate_blocked_does_not_land(shop):
    version = shop.copy()
    with psycopg.connect(shop.settings.warehouse_url) as db:
        db.execute("update ops.loads set state = 'blocked', message = 'too few rows' where version = %s", (version,))
    with pytest.raises(Blocked, match=f"load {version} was blocked and does not land: too few rows"):
        shop.land(version)
    shop.run()
    shop.assert_equal_to_source()


def test_a_blocked_copy_is_recorded_and_leaves_raw_alone(shop):
    shop.run()
    shop.source("alter table orders rename column amount to amount_untaxed")
    with pytest.raises(Blocked) as blocked:
        shop.run()
    assert shop.query("select message from ops.loads where state = 'blocked'") == [(str(blocked.value),)]
    assert len(shop.raw("orders")) == 20
    shop.source("alter table orders rename column amount_untaxed to amount")
    shop.run()
    shop.assert_equal_to_source()


def test_statistics_are_taken_of_what_changed_much_alone(shop):
    def add(first: int, last: int) -> float:
        """The rows that PostgreSQL believes raw to have, after some were added."""
        shop.source(
            """insert into orders (id, name, write_date)
               select n, 'more', '2025-01-30' from generate_series(%s::int, %s::int) as n""",
            first,
            last,
        )
        shop.run()
        return shop.query("select reltuples from pg_class where oid = 'raw_shop.orders'::regclass")[0][0]

    shop.run()
    assert add(21, 22) == 20  # a tenth is not much
    assert add(23, 30) == 30
