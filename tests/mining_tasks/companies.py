"""Logs of simulated companies without a database, for tests that need many of them."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import polars as pl

from sluice.demo.calendar import TODAY
from sluice.demo.plants import CLEAN
from sluice.demo.simulation import days, quick
from sluice.demo.world import World
from tests.mining_tasks.logs import Event

CLOSING = {"purchase_to_pay": ("Register Payment", "Cancel PO")}


def truth(seed: int, *, cases: int = 400, plant: Mapping[str, bool | int] = CLEAN) -> dict[str, dict[str, list[tuple]]]:
    """Process -> case -> [(seconds since 1970, activity)] in the order of time: what happened in a company of `cases` orders."""
    found = {}
    for at, process, case_id, activity, _login in happened(seed, cases=cases, plant=plant):
        found.setdefault(process, {}).setdefault(case_id, []).append((at, activity))
    return {process: {case: sorted(events) for case, events in of.items()} for process, of in found.items()}


def happened(
    seed: int, *, cases: int = 400, plant: Mapping[str, bool | int] = CLEAN
) -> Iterator[tuple[int, str, str, str, str]]:
    """Each event of a company of `cases` orders: seconds since 1970, process, case, activity, login."""
    world = World(cases=cases, seed=seed, plant=plant)
    for _ in _played(world):
        for at, process, case_id, _document, activity, login in world.truth:
            yield at, process, case_id, activity, login


def _played(world: World) -> Iterator[None]:
    """Stop at the end of each day, whose truth and rows are forgotten afterwards."""
    with quick():
        for _ in days(world, TODAY):
            yield
            world.truth.clear()
            world.batch.clear()


def orders(seed: int, *, cases: int = 400) -> list[Event]:
    """The purchase orders of a company without plants: `order_events` of what happened."""
    return order_events(happened(seed, cases=cases))


def order_events(happenings: Iterable[tuple[int, str, str, str, str]]) -> list[Event]:
    """The events of the purchase orders among `happenings` (as `happened` gives them), case by case in the order of time."""
    events = [
        Event(case_id, activity, int(at) * 1_000_000, person=login)
        for at, process, case_id, activity, login in happenings
        if process == "purchase_to_pay"
    ]
    return sorted(events, key=lambda event: (event.case, event.at))


def open_orders(events: Iterable[Event]) -> set[str]:
    """The purchase orders whose last event (of `order_events`) closes none."""
    last = {event.case: event.activity for event in events}
    return {case for case, activity in last.items() if activity not in CLOSING["purchase_to_pay"]}


def closed_orders(seed: int, *, cases: int = 400) -> pl.DataFrame:
    """Per closed purchase order of a company without plants: `case_key` (at random, as hashes are), `vendor`, `currency`,
    `amount_untaxed` as the order has them, `seconds` that it took, `is_reworked`."""
    world, events, known = World(cases=cases, seed=seed, plant=CLEAN), {}, {}
    names = world.schema.columns["purchase_order"]
    for _ in _played(world):
        for at, process, case_id, _document, activity, _login in world.truth:
            if process == "purchase_to_pay":
                events.setdefault(case_id, []).append((at, activity))
        for line in world.batch.lines.get("purchase_order", ()):
            order = dict(zip(names, line.split("\t"), strict=True))
            known[order["name"]] = order["partner_id"], order["currency_id"], float(order["amount_untaxed"])
    rows = []
    for case_id in sorted(events.keys() & known.keys()):
        times, activities = zip(*events[case_id], strict=True)
        if set(activities) & set(CLOSING["purchase_to_pay"]):
            rows.append((*known[case_id], max(times) - min(times), len(activities) > len(set(activities))))
    orders = pl.DataFrame(rows, orient="row", schema=["vendor", "currency", "amount_untaxed", "seconds", "is_reworked"])
    keys = np.random.default_rng(seed).permutation(len(orders))
    return orders.insert_column(0, pl.Series("case_key", keys)).sort("case_key")


def as_log(
    cases: Mapping[str, list[tuple]], closing: tuple[str, ...]
) -> tuple[pl.DataFrame, pl.DataFrame, dict[str, int]]:
    """(cases, events, activity -> key) in microseconds, as mining has them; a case is open without a closing activity."""
    keys = {name: key for key, name in enumerate(sorted({name for events in cases.values() for _, name in events}), 1)}
    events = [
        (number, place, keys[name], at * 1_000_000)
        for number, of_case in enumerate(cases.values())
        for place, (at, name) in enumerate(of_case, 1)
    ]
    frame = pl.DataFrame(events, schema=["case_key", "event_seq", "activity_key", "occurred_us"], orient="row")
    closed = [keys[name] for name in closing if name in keys]
    by_case = frame.group_by("case_key", maintain_order=True).agg(
        started_us=pl.col("occurred_us").min(),
        ended_us=pl.col("occurred_us").max(),
        is_open=~pl.col("activity_key").is_in(closed).any(),
    )
    return by_case.with_columns(throughput_us=pl.col("ended_us") - pl.col("started_us")), frame, keys
