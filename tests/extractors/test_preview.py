"""What a backfill would find, before it reads: rows of the window, which of them are news, and whose cases they are."""

from dataclasses import replace
from datetime import UTC, datetime

from extractors.preview import TablePreview, preview, preview_source, window

# 2025-01-05 … 2025-01-07: the rows 4, 5 and 6 of orders and of changes (5 is another model's)
DAYS = window(datetime(2025, 1, 5, tzinfo=UTC), datetime(2025, 1, 8, tzinfo=UTC))


def look(shop):
    seen = preview_source(shop.settings, shop.spec, DAYS)
    return {table.table_name: (table.row_count, table.news_count) for table in seen.tables}, seen


def test_rows_of_the_window_are_counted_and_news_told_apart(shop):
    assert look(shop)[0] == {
        "orders": (3, 3),
        "changes": (2, 2),
        "order_invoice_rel": (None, None),
        "res_users": (0, 0),
        "res_partner": (0, 0),
    }, "nothing was read yet: all is news"
    shop.run()
    assert look(shop)[0]["orders"] == (3, 0)
    shop.source("update orders set amount = 5, write_date = '2025-01-06 12:00' where id in (5, 18)")
    assert look(shop)[0]["orders"] == (4, 2)
    shop.source("insert into orders (name, write_date) values ('late', '2025-01-05')")
    assert look(shop)[0]["orders"] == (5, 3)


def test_the_cases_of_the_rows_are_told_and_what_is_in_no_case(shop):
    shop.run()
    with_cases = [("p2p", "orders", "4", "P4"), ("p2p", "orders", "5", "P5"), ("p2p", "changes", "4", "P4")]
    other = [("p2p", "orders", "19", "P19"), ("o2c", "orders", "6", "S6"), ("o2c", "res_users", "6", "S7")]
    for row in with_cases + other:
        with_row = "insert into ops.case_rows (process, source_table, source_key, case_id) values (%s, %s, %s, %s)"
        execute(shop, with_row, row)
    _, seen = look(shop)
    assert seen.cases == {"o2c": 1, "p2p": 2}
    assert seen.unseen_count == 1, "changes 6"


def test_looking_changes_nothing(shop):
    shop.run()
    before = shop.query("select count(*), max(version), max(finished_at) from ops.loads"), shop.watermarks()
    shop.source("update orders set amount = 6, write_date = '2025-01-06' where id = 5")
    look(shop)
    assert (shop.query("select count(*), max(version), max(finished_at) from ops.loads"), shop.watermarks()) == before
    assert shop.query("select amount from raw_shop.orders where id = 5")[0][0] != 6


def test_files_are_told_by_content(settings, tmp_path):
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(name)
    seen = preview(replace(settings, agent_drop=tmp_path), "agent", DAYS)
    assert seen.tables == (TablePreview("files", 2, 2),)


def execute(shop, statement, values):
    import psycopg

    with psycopg.connect(shop.settings.warehouse_url) as db:
        db.execute(statement, values)
