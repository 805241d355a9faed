"""Any history of edits, nights and windows ends in the source's present state, for what was read again."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from extractors import merge

ORDERS = st.integers(1, 12)
STEPS = st.one_of(
    st.tuples(st.just("write"), ORDERS, st.integers(0, 47)),  # insert or update; hours that its cursor is late
    st.tuples(st.just("delete"), ORDERS),
    st.tuples(st.just("link"), ORDERS, st.booleans()),
    st.tuples(st.just("silent"), ORDERS),  # an update that does not move the cursor
    st.tuples(st.just("night")),
    st.tuples(st.just("crash")),  # a copy that never lands
    st.tuples(st.just("window"), st.integers(0, 30), st.integers(1, 10)),
    st.tuples(st.just("full")),
)
START = datetime(2025, 1, 1)


class History:
    """Plays the steps and knows which orders raw may not know yet."""

    def __init__(self, shop):
        self.shop, self.hours, self.unseen = shop, 0, set()
        with psycopg.connect(shop.settings.warehouse_url) as db:
            db.execute(
                "drop schema if exists raw_shop cascade; drop schema if exists landing_shop cascade; "
                "truncate ops.loads cascade; truncate ops.watermarks"
            )
        shop.source("truncate orders; truncate order_invoice_rel")
        # a table that is empty when first read has been read up to the source's clock, long after the times played here
        shop.source("insert into orders (id, name, amount, write_date) values (13, 'P', 0, %s)", START)

    def play(self, step: tuple) -> None:
        self.hours += 5
        getattr(self, step[0])(*step[1:])

    def cursor(self, late: int = 0) -> datetime:
        return START + timedelta(hours=self.hours - late)

    def write(self, order: int, late: int) -> None:
        self.shop.source(
            "insert into orders (id, name, amount, write_date) values (%s, 'P', %s, %s) on conflict (id) do update "
            "set amount = excluded.amount, write_date = excluded.write_date",
            order,
            self.hours,
            self.cursor(late),
        )
        self.unseen.discard(order)

    def delete(self, order: int) -> None:
        self.shop.source("delete from orders where id = %s", order)
        self.unseen.discard(order)

    def silent(self, order: int) -> None:
        self.shop.source("update orders set amount = -%s where id = %s", self.hours, order)
        self.unseen.add(order)

    def link(self, order: int, is_there: bool) -> None:
        if is_there:
            self.shop.source("insert into order_invoice_rel values (%s, 1) on conflict do nothing", order)
        else:
            self.shop.source("delete from order_invoice_rel where order_id = %s", order)

    def crash(self) -> None:
        self.shop.copy()

    def night(self) -> None:
        self.check(self.shop.run())

    def full(self) -> None:
        version = self.shop.run("full")
        self.unseen.clear()
        self.check(version)

    def window(self, start: int, days: int) -> None:
        from_, until = (START.replace(tzinfo=UTC) + timedelta(days=day) for day in (start, start + days))
        before = self.shop.watermarks()
        self.shop.run("window", from_, until)
        assert self.shop.watermarks() == before
        raw, truth = self.shop.raw("orders"), self.shop.truth("orders")
        assert set(raw) <= set(truth)
        place = self.shop.spec.tables["orders"].column_names.index("write_date")
        inside = {
            key for key, row in truth.items() if from_ <= datetime.fromisoformat(row[place]).replace(tzinfo=UTC) < until
        }
        assert {key: raw.get(key) for key in inside} == {key: truth[key] for key in inside}
        assert self.shop.raw("order_invoice_rel") == self.shop.truth("order_invoice_rel")

    def check(self, version: int) -> None:
        raw, truth = self.shop.raw("orders"), self.shop.truth("orders")
        assert set(raw) == set(truth)
        hidden = {(str(order),) for order in self.unseen}
        assert {key: raw[key] for key in set(raw) - hidden} == {key: truth[key] for key in set(truth) - hidden}
        assert self.shop.raw("order_invoice_rel") == self.shop.truth("order_invoice_rel")
        assert self.shop.query("select count(*) from raw_shop.orders where _version > %s", version) == [(0,)]


@pytest.mark.parametrize("is_written_anew", [False, True], ids=["row by row", "written anew"])
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEPS, max_size=14))
def test_any_history_ends_in_the_sources_present_state(shop, is_written_anew, steps):
    with pytest.MonkeyPatch.context() as patch:
        if is_written_anew:
            patch.setattr(merge, "_REWRITE_ROWS", 0)
            patch.setattr(merge, "_REWRITE_SHARE", 0)
        history = History(shop)
        for step in steps:
            history.play(step)
        history.night()
        history.full()
        shop.assert_equal_to_source()
