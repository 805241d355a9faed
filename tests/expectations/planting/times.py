"""Plantings in times: one save for many events, wrong days, wrong formats and zones, bursts of auxiliary events."""

import calendar
import dataclasses
from collections.abc import Callable
from datetime import datetime, timedelta

from tests.expectations.planting.log import Event
from tests.expectations.planting.registry import Site, Truth, planting

_FIELDS = (
    "Enter Weight",
    "Enter Height",
    "Record Address",
    "Tick Consent",
    "Choose Category",
    "Enter Remarks",
    "Rate Risk",
)
_AUXILIARY = ("Update Status", "Write Audit Entry", "Send Message", "Recompute Totals", "Refresh Index", "Lock Record")
_HOUR = timedelta(hours=1)


def add(site: Site, beside: Event, activity: str, at: datetime, number: int, **values: object) -> None:
    """Add an event to the case of another one, with a row of its own in the same source table."""
    site.log.events.append(
        dataclasses.replace(
            beside,
            activity=activity,
            occurred_at=at,
            source_key=f"{beside.source_key}/{activity}/{number}",
            **values,
        )
    )


@planting("form_based_event_capture", check="form_based_event_capture", forms=("steps_saved", "fields", "saved_again"))
def plant_forms(site: Site) -> Truth:
    """steps_saved: consecutive steps get the time of one save. fields: a form's fields become events of one time.
    saved_again: and all of them once more when the form is saved again."""
    picked = site.pick(lambda events: len({event.activity for event in events}) >= 4)
    for events in picked.values():
        form = site.form()
        if form == "steps_saved":
            distinct = list({event.activity: event for event in events}.values())
            count = site.chance.randint(3, len(distinct))
            first = site.chance.randint(0, len(distinct) - count)
            saved = distinct[first : first + count]
            at, who = max(event.occurred_at for event in saved), saved[-1].resource
            keys = {event.source_key for event in saved}
            site.log.change(lambda event, keys=keys: event.source_key in keys, occurred_at=at, resource=who)
            continue
        beside = site.chance.choice(events)
        names = site.chance.sample(_FIELDS, site.chance.randint(3, len(_FIELDS)))
        saves = [beside.occurred_at + site.chance.choice((0, 1)) * site.chance.uniform(60, 3000) * timedelta(seconds=1)]
        if form == "saved_again":
            saves.append(saves[0] + timedelta(minutes=site.chance.uniform(5, 600)))
        for number, at in enumerate(saves):
            for name in names:
                add(site, beside, name, at, number)
    return Truth(frozenset(picked))


def _shifted(at: datetime, months: int) -> datetime:
    year, month = divmod(at.year * 12 + at.month - 1 + months, 12)
    return at.replace(year=year, month=month + 1, day=min(at.day, calendar.monthrange(year, month + 1)[1]))


def _transposed(at: datetime) -> datetime | None:
    day = at.day % 10 * 10 + at.day // 10
    return at.replace(day=day) if day != at.day and 1 <= day <= calendar.monthrange(at.year, at.month)[1] else None


def _wrong(form: str, at: datetime) -> datetime | None:
    """The time that somebody enters by mistake for `at`; None where this mistake cannot be made."""
    match form:
        case "day_before":
            return at - timedelta(days=1)
        case "day_after":
            return at + timedelta(days=1)
        case "month_before":
            return _shifted(at, -1) if at.day <= 28 else None
        case "month_after":
            return _shifted(at, 1) if at.day <= 28 else None
        case "year_before":
            return _shifted(at, -12) if at.day <= 28 else None
        case "digits":
            return _transposed(at)
    raise ValueError(form)


def _is_misplaced(site: Site, events: list[Event], changed: dict[str, datetime]) -> bool:
    """Whether the changed times put two events in an order that the process or their source table excludes."""
    after = [dataclasses.replace(e, occurred_at=changed.get(e.source_key, e.occurred_at)) for e in events]
    for one in after:
        for other in after:
            if one.occurred_at <= other.occurred_at:
                continue
            is_recorded = one.source_table == other.source_table and one.source_seq < other.source_seq
            is_known = any(
                one.activity in chain
                and other.activity in chain
                and chain.index(one.activity) < chain.index(other.activity)
                for chain in site.log.order
            )
            if is_recorded or is_known:
                return True
    return False


def _misplace(site: Site, changes: Callable[[list[Event]], list[dict[str, datetime]]]) -> Truth:
    """Change times of cases so that something is misplaced: without that, neither pattern has its signature."""
    planted = {}

    def is_suitable(events: list[Event]) -> bool:
        possible = [change for change in changes(events) if change and _is_misplaced(site, events, change)]
        if possible:
            planted[events[0].case_id] = site.chance.choice(possible)
        return bool(possible)

    picked = site.pick(is_suitable)
    times = {key: at for case in picked for key, at in planted[case].items()}
    site.log.change(lambda event: event.source_key in times, occurred_at=lambda event: times[event.source_key])
    return Truth(frozenset(picked), checks={"patterns": {"mandatory_order": [list(chain) for chain in site.log.order]}})


@planting(
    "inadvertent_time_travel",
    check="inadvertent_time_travel",
    forms=("day_before", "day_after", "month_before", "month_after", "year_before", "digits"),
)
def plant_time_travel(site: Site) -> Truth:
    """One event of a case has the time next to the right one: another day, month, year, or its digits swapped."""

    def changes(events: list[Event]) -> list[dict[str, datetime]]:
        form = site.form()
        wrong = {event.source_key: _wrong(form, event.occurred_at) for event in events}
        return [{key: at} for key, at in wrong.items() if at is not None]

    return _misplace(site, changes)


@planting("unanchored_event", check="unanchored_event", forms=("day_month", "pm_as_am", "zone"))
def plant_unanchored(site: Site) -> Truth:
    """day_month: what can be read the other way round is. pm_as_am: the afternoon reads as the night before it.
    zone: one source's times are whole hours off. Each in one source table of the case (in one file: one event)."""

    def changes(events: list[Event]) -> list[dict[str, datetime]]:
        form, made = site.form(), []
        hours = site.chance.choice((-9, -8, -6, -5, -4, -3, -2, -1, 1, 2, 3, 5, 8)) * _HOUR
        tables = sorted({event.source_table for event in events})
        groups = (
            [[event] for event in events]
            if len(tables) == 1
            else [[event for event in events if event.source_table == table] for table in tables]
        )
        for group in groups:
            change = {}
            for event in group:
                at = event.occurred_at
                if form == "day_month" and at.day <= 12 and at.day != at.month:
                    change[event.source_key] = at.replace(month=at.day, day=at.month)
                elif form == "pm_as_am" and at.hour >= 12:
                    change[event.source_key] = at - 12 * _HOUR
                elif form == "zone" and len(tables) > 1:
                    change[event.source_key] = at + hours
            made.append(change)
        return made

    return _misplace(site, changes)


@planting("collateral_events", check="collateral_events", forms=("auxiliary", "fine_grained"))
def plant_collateral(site: Site) -> Truth:
    """auxiliary: the system fires further events right after one. fine_grained: clicks of one step, second by second."""
    picked = site.pick()
    for events in picked.values():
        beside, form = site.chance.choice(events), site.form()
        names = site.chance.sample(_AUXILIARY, site.chance.randint(2, 5))
        at = beside.occurred_at
        for number, name in enumerate(names):
            at += timedelta(
                milliseconds=site.chance.randint(5, 900) if form == "auxiliary" else site.chance.randint(800, 2000)
            )
            add(site, beside, name if form == "auxiliary" else f"{beside.activity}: {name.lower()}", at, number)
    return Truth(frozenset(picked))
