"""A table of which much changed is written anew: with the same result, and without a list where all of it is replaced."""

import pytest

from extractors import merge


def test_a_large_change_is_written_anew_with_the_same_result(shop, monkeypatch):
    monkeypatch.setattr("extractors.merge._REWRITE_ROWS", 5)
    first = shop.run()
    shop.source("delete from orders where id = 1")
    shop.run()
    shop.source("update orders set amount = 7, write_date = '2025-02-01' where id > 3; delete from orders where id = 2")
    third = shop.run()
    shop.assert_equal_to_source()
    assert shop.counts(third)[1:] == (0, 17, 1)
    assert set(shop.raw("orders", deleted=True)) == {("1",), ("2",)}
    assert dict(shop.query("select id, _version from raw_shop.orders where id in (2, 3, 4)")) == {
        2: third,
        3: first,
        4: third,
    }
    assert shop.query("select count(*) from pg_indexes where schemaname = 'raw_shop' and tablename = 'orders'") == [
        (4,)
    ]


_ALL_CHANGED = "update orders set amount = 7, write_date = '2025-02-01'"


@pytest.mark.parametrize(
    ("before", "change", "counts", "is_replaced", "staying"),
    [
        (None, _ALL_CHANGED, (0, 20, 0), True, set()),
        (
            None,
            f"{_ALL_CHANGED}; insert into orders (name, write_date) values ('P21', '2025-02-01')",
            (1, 20, 0),
            True,
            set(),
        ),
        (
            "create table kept as select * from orders where id = 4; delete from orders where id = 4",
            f"insert into orders select * from kept; {_ALL_CHANGED}",
            (0, 20, 0),
            True,
            set(),
        ),
        (
            None,
            f"{_ALL_CHANGED} where id < 20",
            (0, 19, 0),
            False,
            {20},
        ),  # the last one is read again, and is as it was
        (None, f"{_ALL_CHANGED}; delete from orders where id = 4", (0, 19, 1), False, set()),
        ("delete from orders where id = 4", _ALL_CHANGED, (0, 19, 0), False, {4}),  # a tombstone stays one
    ],
    ids=[
        "changed",
        "and a new one",
        "and one that came back",
        "but one",
        "but one that is gone",
        "but one that was gone",
    ],
)
def test_where_all_that_landed_takes_the_place_of_all_of_raw_nothing_is_listed(
    shop, monkeypatch, before, change, counts, is_replaced, staying
):
    monkeypatch.setattr("extractors.merge._REWRITE_ROWS", 5)
    monkeypatch.setattr("extractors.merge._ALL_SHARE", 0.9)
    listed, find = [], merge._find_differences
    monkeypatch.setattr(
        merge,
        "_find_differences",
        lambda db, spec, table, *rest, **named: listed.append(table.name) or find(db, spec, table, *rest, **named),
    )
    shop.run()
    if before:
        shop.source(before)
        shop.run()
    listed.clear()
    stamps = dict(shop.query("select id, _version from raw_shop.orders"))
    indexes = "select indexdef from pg_indexes where schemaname = 'raw_shop' and tablename = 'orders' order by 1"
    indexed = shop.query(indexes)
    shop.source(change)
    version = shop.run()
    shop.assert_equal_to_source()
    assert shop.counts(version)[1:] == counts
    assert ("orders" not in listed) == is_replaced
    now = dict(shop.query("select id, _version from raw_shop.orders"))
    assert {key for key, stamp in now.items() if stamp != version} == staying
    assert all(now[key] == stamps[key] for key in staying)
    assert shop.query(indexes) == indexed
