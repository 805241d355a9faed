"""Plantings of the other defects, one case at a time: impossible dates, rounded and doubled times, what is missing."""

import dataclasses
import itertools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from tests.expectations.planting.log import Event
from tests.expectations.planting.registry import Site, Truth, planting

ZONE = "Europe/Berlin"
PUT_BACK = datetime(2024, 10, 27, 0, 12, 37, tzinfo=UTC)  # 02:12:37 local time, for the first time
SKIPPED = datetime(2024, 3, 31, 2, 20, 11, tzinfo=UTC)  # as the clock on the wall says it: there was no such time


def _move(site: Site, to: Callable[[Event], datetime], place: Callable[[list[Event]], Event]) -> Truth:
    """Another time for one event of each case that is picked."""
    picked = site.pick()
    keys = {place(events).source_key: None for events in picked.values()}
    site.log.change(lambda event: event.source_key in keys, occurred_at=to)
    return Truth(frozenset(picked))


def _last(events: list[Event]) -> Event:
    return events[-1]


def _first(events: list[Event]) -> Event:
    return events[0]


@planting("future", check="not_in_future")
def plant_future(site: Site) -> Truth:
    """The last event has a date to come."""
    horizon = site.log.as_of
    return _move(site, lambda event: horizon + timedelta(days=site.chance.uniform(1.1, 3000)), _last)


@planting("old_date", check="not_before_earliest", forms=("1948", "1900", "1969"))
def plant_old_date(site: Site) -> Truth:
    """The first event has a year that cannot be."""
    return _move(site, lambda event: event.occurred_at.replace(year=int(site.form()), day=1), _first)


@planting("placeholder", check="no_placeholder_date", forms=("1970-01-01", "1900-01-01", "1899-12-30", "9999-12-31"))
def plant_placeholder(site: Site) -> Truth:
    """An event has the date that stands for none."""
    return _move(site, lambda event: datetime.fromisoformat(site.form()).replace(tzinfo=UTC), site.chance.choice)


@planting("end_before_start", check="end_not_before_start")
def plant_end_before_start(site: Site) -> Truth:
    """An event starts after its end."""
    picked = site.pick()
    keys = {site.chance.choice(events).source_key for events in picked.values()}
    site.log.change(
        lambda event: event.source_key in keys,
        started_at=lambda event: event.occurred_at + timedelta(minutes=site.chance.uniform(1, 5000)),
    )
    return Truth(frozenset(picked))


@planting("midnight", check="not_at_midnight")
def plant_midnight(site: Site) -> Truth:
    """One event knows its day only."""
    return _move(
        site, lambda event: event.occurred_at.replace(hour=0, minute=0, second=0, microsecond=0), site.chance.choice
    )


@planting("whole_hours", check="not_at_whole_hours", forms=("all", "two"))
def plant_whole_hours(site: Site) -> Truth:
    """Somebody wrote the times of a case down by hours: all of them, or those of two days."""
    picked = site.pick(lambda events: len({event.occurred_at.date() for event in events}) >= 2)
    keys = set()
    for events in picked.values():
        days = {event.occurred_at.date(): event for event in events}
        meant = events if site.form() == "all" else list(days.values())[:2]
        keys |= {event.source_key for event in meant}
    site.log.change(
        lambda event: event.source_key in keys,
        occurred_at=lambda event: (
            event.occurred_at.replace(minute=0, second=0, microsecond=0) + timedelta(hours=event.occurred_at.hour == 0)
        ),
    )
    return Truth(frozenset(picked))


@planting("put_back", check="no_daylight_saving_duplicate")
def plant_put_back(site: Site) -> Truth:
    """An event of the hour that the clocks show twice is there for both."""
    picked = site.pick()
    for events in picked.values():
        event = site.chance.choice(events)
        at = PUT_BACK + timedelta(seconds=site.chance.randint(0, 2000))
        site.log.change(lambda other, key=event.source_key: other.source_key == key, occurred_at=at)
        site.log.events.append(
            dataclasses.replace(event, occurred_at=at + timedelta(hours=1), source_key=f"{event.source_key}/again")
        )
    return Truth(frozenset(picked), checks={"source_zone": ZONE})


@planting("skipped_hour", check="local_time_exists")
def plant_skipped_hour(site: Site) -> Truth:
    """An event of an hour that the clocks skip."""
    truth = _move(site, lambda event: SKIPPED + timedelta(seconds=site.chance.randint(0, 2000)), site.chance.choice)
    return dataclasses.replace(truth, checks={"source_zone": ZONE, "wall_times": True})


def _cut(site: Site, kept: Callable[[list[Event]], list[Event]], is_suitable: Callable, **checks: object) -> Truth:
    picked = site.pick(is_suitable)
    gone = {event.source_key for events in picked.values() for event in events if event not in kept(events)}
    site.log.events = [event for event in site.log.events if event.source_key not in gone]
    return Truth(frozenset(picked), checks=checks)


@planting("start_lost", check="started_as_declared")
def plant_start_lost(site: Site) -> Truth:
    """The log begins after the case did."""
    start = site.log.order[0][0]
    return _cut(
        site,
        lambda events: [event for event in events if event.activity != start][-len(events) // 2 :],
        lambda events: len(events) >= 4 and events[0].activity == start,
        start_activities=sorted({events[0].activity for events in site.log.cases().values()}),
    )


@planting("end_lost", check="ended_as_declared")
def plant_end_lost(site: Site) -> Truth:
    """The case stops before its end."""
    ends = sorted({events[-1].activity for events in site.log.cases().values()})
    return _cut(
        site,
        lambda events: events[: next(n for n, event in enumerate(events) if event.activity in ends)],
        lambda events: len(events) >= 3 and events[0].activity not in ends,
        end_activities=ends,
    )


@planting("step_lost", check="has_mandatory_activities")
def plant_step_lost(site: Site) -> Truth:
    """A step that every case has is missing."""
    everywhere = set.intersection(*({event.activity for event in events} for events in site.log.cases().values()))
    steps = sorted(everywhere)
    lost = site.chance.choice(steps)
    return _cut(
        site,
        lambda events: [event for event in events if event.activity != lost],
        lambda events: len({event.activity for event in events}) > 1,
        mandatory_activities=steps,
    )


@planting("reversed", check="in_declared_order")
def plant_reversed(site: Site) -> Truth:
    """Two steps that have an order have each other's times."""
    everywhere = set.intersection(*({event.activity for event in events} for events in site.log.cases().values()))
    chain = [activity for activity in site.log.order[0] if activity in everywhere]
    pairs = [[earlier, later] for earlier, later in itertools.pairwise(chain)]
    held = [
        [one, other]
        for one, other in pairs
        if all(_earliest(events, one) <= _earliest(events, other) for events in site.log.cases().values())
    ]
    picked = site.pick(lambda events: any(_earliest(events, one) < _earliest(events, other) for one, other in held))
    for case, events in picked.items():
        one, other = next(pair for pair in held if _earliest(events, pair[0]) < _earliest(events, pair[1]))
        early, late = _earliest(events, one), _earliest(events, other)
        site.log.change(
            lambda event, case=case, one=one: event.case_id == case and event.activity == one,
            occurred_at=lambda event, late=late, early=early: event.occurred_at + (late - early),
        )
        site.log.change(
            lambda event, case=case, other=other, late=late: (
                event.case_id == case and event.activity == other and event.occurred_at == late
            ),
            occurred_at=early,
        )
    return Truth(frozenset(picked), checks={"order": held})


def _earliest(events: list[Event], activity: str) -> datetime:
    return min(event.occurred_at for event in events if event.activity == activity)
