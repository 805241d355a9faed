"""Break the source on purpose: the copy is blocked with one line that says what and what to do, and raw stays."""

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from extractors.catalog import describe
from extractors.source import open_source
from sluice.errors import Blocked


def refusal(shop, *arguments) -> str:
    with pytest.raises(Blocked) as blocked:
        shop.run(*arguments)
    message = str(blocked.value)
    assert "\n" not in message and message.startswith("shop: ")
    return message


def test_a_dropped_table_is_named(shop):
    shop.run()
    shop.source("drop table order_invoice_rel")
    assert "table public.order_invoice_rel is missing in the source" in refusal(shop)
    assert len(shop.raw("order_invoice_rel")) == 5


def test_a_renamed_table_is_named_with_what_is_near(shop):
    shop.source("alter table order_invoice_rel rename to orders_invoices_rel")
    assert "(renamed? nearest: orders_invoices_rel)" in refusal(shop)


def test_a_renamed_column_is_named_with_what_is_near(shop):
    shop.source("alter table orders rename column partner_id to partner")
    message = refusal(shop)
    assert "table public.orders has no column partner_id (renamed? nearest: partner)" in message
    assert "extractors/shop/tables.yml" in message


def test_a_missing_login_column_is_named_too(shop):
    shop.source("alter table res_users rename column login to user_login")
    assert "res_users has no column login (renamed? nearest: user_login)" in refusal(shop)


def test_a_column_that_only_an_expression_reads_is_named(shop):
    shop.source("alter table changes rename column kind to sort")
    assert 'column "kind" does not exist' in refusal(shop)


def test_a_changed_type_is_named_with_what_it_was(shop):
    shop.run()
    shop.source("alter table orders alter column partner_id type text")
    message = refusal(shop)
    assert "column partner_id was of type integer and is now text" in message
    with psycopg.connect(shop.settings.warehouse_url) as db:
        db.execute("drop table raw_shop.orders cascade")  # what the message says
    shop.run()
    shop.assert_equal_to_source()


def test_a_longer_varchar_is_no_change(shop):
    shop.run()
    shop.source(
        "alter table orders alter column name type varchar(200); alter table changes alter column model type varchar(9)"
    )
    shop.run()
    shop.assert_equal_to_source()


def test_a_type_that_the_warehouse_lacks_is_named(shop):
    shop.source(
        "create type pair as (a int, b int); alter table orders drop details; alter table orders add details pair"
    )
    assert "column details has the type pair, which the warehouse lacks" in refusal(shop)


def test_a_cursor_that_is_no_timestamp_is_refused(shop):
    shop.source("alter table orders alter column write_date type date")
    assert "the cursor write_date has the type date: expected a timestamp" in refusal(shop)


def test_a_missing_permission_is_named(shop, make_database):
    shop.source("drop role if exists shop_reader")
    shop.source("create role shop_reader login password 'reader'")
    for table in shop.spec.tables.values():
        listed = "id, login, partner_id, write_date" if table.name == "res_users" else ", ".join(table.column_names)
        shop.source(f"grant select ({listed}) on {table.name} to shop_reader")
    url = make_conninfo(shop.source_url, user="shop_reader", password="reader")
    shop.settings.source_urls["shop"] = url
    try:
        assert "permission denied for table changes" in refusal(shop)  # `kind` is read by an expression
        shop.source("grant select (kind) on changes to shop_reader")
        shop.run()  # the granted columns are enough: note, body, name and email were never granted
        shop.assert_equal_to_source()
        shop.source("revoke select (amount) on orders from shop_reader")
        assert "table public.orders: the reading role may not select amount: grant it" in refusal(shop)
    finally:
        shop.source("drop owned by shop_reader; drop role shop_reader")


def test_rows_hidden_by_row_level_security_are_no_deletions(shop):
    shop.run()
    shop.source("drop role if exists shop_clerk")
    shop.source(
        "create role shop_clerk login password 'clerk'; grant select on all tables in schema public to shop_clerk;"
        "alter table orders enable row level security; create policy own on orders using (id < 5)"
    )
    shop.settings.source_urls["shop"] = make_conninfo(shop.source_url, user="shop_clerk", password="clerk")
    try:
        assert "row-level security" in refusal(shop)
        assert len(shop.raw("orders")) == 20
    finally:
        shop.source("drop owned by shop_clerk; drop role shop_clerk")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            "update order_invoice_rel set invoice_id = null where order_id = 3",
            "the key (order_id, invoice_id) is null in 1 rows",
        ),
        (
            "insert into order_invoice_rel values (4, 104), (5, 105), (5, 105)",
            "the key (order_id, invoice_id) is there more than once for 2 keys, first (4, 104)",
        ),
    ],
)
def test_a_null_or_duplicate_key_does_not_land(shop, damage, message):
    shop.run()
    before = shop.raw("order_invoice_rel")
    shop.source(
        "alter table order_invoice_rel drop constraint order_invoice_rel_pkey; "
        "alter table order_invoice_rel alter invoice_id drop not null"
    )
    shop.run()  # without the guarantee, but still right
    shop.source(damage)
    assert message in refusal(shop)
    assert shop.raw("order_invoice_rel") == before


@pytest.mark.parametrize(
    ("statement", "is_sure"),
    [
        ("select 1", True),
        ("alter table orders drop constraint orders_pkey", False),
        ("alter table orders drop constraint orders_pkey; create unique index on orders (id)", True),
        ("alter table orders drop constraint orders_pkey; create unique index on orders (id) where id > 3", False),
        ("alter table orders drop constraint orders_pkey; create unique index on orders (id, name)", False),
        (
            "alter table orders drop constraint orders_pkey; alter table orders alter id drop not null; "
            "create unique index on orders (id)",
            False,
        ),
    ],
)
def test_a_key_is_trusted_only_when_the_source_guarantees_it(shop, statement, is_sure):
    shop.source(statement)
    with open_source(shop.settings, shop.spec) as source:
        assert describe(source)["orders"].key_is_unique is is_sure


def test_views_and_partitioned_tables_can_be_sources(shop, read_spec, spec_text):
    shop.source("alter table orders rename to orders_kept; create view orders as select * from orders_kept")
    shop.source(
        "alter table res_partner rename to partners_kept; create table res_partner (like partners_kept) "
        "partition by range (id); create table one partition of res_partner for values from (0) to (100); "
        "insert into res_partner select * from partners_kept"
    )
    shop.spec = read_spec(spec_text)
    shop.run()
    shop.assert_equal_to_source()
