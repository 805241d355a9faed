"""The company's days, one after another: which cases begin on a day, what happens on it, what is deleted after it."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta

from sluice.demo import purchasing, selling
from sluice.demo.calendar import FIRST_DAY, TODAY, WORKDAY
from sluice.demo.world import World

# name, planner, cases per purchase order
_PLANS = (
    ("purchasing", purchasing.plan, 1.0),
    ("leads", selling.plan_lead, 1.05),
    ("orders", selling.plan_direct, 0.2),
)


@contextmanager
def quick() -> Iterator[None]:
    """No search for reference cycles meanwhile: the simulation makes none, and the search costs a third of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def days(world: World, until: date, *, first: date = FIRST_DAY) -> Iterator[date]:
    """Work through every day from `first` up to and including `until`; yields each day when it is over.

    first: later than the company's first day where the world is as it was on the evening before.
    """
    workdays = [day for day in _span(FIRST_DAY, TODAY) if world.calendar.is_workday(day)]
    places, size = {day: n for n, day in enumerate(workdays)}, len(workdays)
    for day in _span(first, until):
        if world.calendar.is_workday(day):
            for name, planner, share in _PLANS:
                total, place = round(world.cases * share), places.get(day)
                count = (
                    total * (place + 1) // size - total * place // size
                    if place is not None
                    else max(2, round(total / size))
                )
                rng = world.rng(name, day)
                start = world.calendar.work(day)
                for n, second in enumerate(sorted(int(rng.random() * (WORKDAY - 600)) for _ in range(count)), 1):
                    world.is_late = day >= TODAY and n == count
                    planner(world, world.begun[name] * world.divisions + world.division, start + second, rng)
                    world.begun[name] += 1
        world.work_day(day)
        if day > TODAY:
            _delete(world)
        world.truth.sort()
        yield day


def _span(first: date, last: date) -> Iterator[date]:
    for n in range((last - first).days + 1):
        yield first + timedelta(days=n)


def _delete(world: World) -> None:
    """What a night finds gone: one order that was cancelled as a draft, and the link of one cancelled bill."""
    while world.recent_cancelled:
        case = world.recent_cancelled.popleft()
        if purchasing.is_deletable(case):
            purchasing.delete_cancelled(world, case)
            break
    if world.recent_dropped_bills:
        purchasing.unlink_bill(world, *world.recent_dropped_bills.popleft())
