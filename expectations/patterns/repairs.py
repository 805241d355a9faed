"""What explains events in an impossible order: the proximity error or the misread format that, undone, restores it.

Pure: the events of one case in, explanations out. Nothing here reads the warehouse.
"""

import calendar
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

TIME_TRAVEL, UNANCHORED = "inadvertent time travel", "unanchored event"
MAX_EVENTS = 300  # pairs are compared: longer cases are not explained
_ZONE_HOURS = tuple(hours for hours in range(-14, 15) if hours not in (0, -12, 12))
_HALF_DAY = timedelta(hours=12)


@dataclass(frozen=True)
class Placed:
    """An event of a case: its time, and where its source recorded it (None: the source has no positions)."""

    activity: str
    occurred_at: datetime
    source_table: str
    source_seq: int | None


@dataclass(frozen=True)
class Explanation:
    """A repair that leaves nothing out of order: the pattern, the position of the (first) event, what was done."""

    pattern: str
    position: int
    repair: str


def explain(events: Sequence[Placed], order: Sequence[Sequence[str]]) -> list[Explanation]:
    """For each pattern the first repair that puts the case's events in an order without contradiction.

    order: chains of activities, each of which comes before the later ones. A source's own positions say which of two
    of its rows was recorded first. Nothing where there is no contradiction, or none that a standard error explains:
    that is an impossible order, or work that deviates. Suriadi et al. (2017), patterns 2 and 3: repair by standard
    proximity errors, and look whether that fixes the order.
    """
    if len(events) > MAX_EVENTS:
        return []
    before = _before(events, order)
    times = [event.occurred_at for event in events]
    wrong = {place for pair in _contradictions(times, before) for place in pair}
    if not wrong:
        return []
    found: dict[str, Explanation] = {}
    for pattern, repair, changed in _repairs(events, sorted(wrong)):
        if pattern not in found:
            repaired = [changed.get(place, at) for place, at in enumerate(times)]
            if next(_contradictions(repaired, before), None) is None:
                found[pattern] = Explanation(pattern, min(changed), repair)
    return [found[pattern] for pattern in (TIME_TRAVEL, UNANCHORED) if pattern in found]


def _before(events: Sequence[Placed], order: Sequence[Sequence[str]]) -> list[tuple[int, int]]:
    """Pairs of positions of which the first must not be later than the second."""
    ranks = [{activity: rank for rank, activity in enumerate(chain)} for chain in order]
    pairs = []
    for one, first in enumerate(events):
        for other, second in enumerate(events):
            is_recorded = (
                first.source_table == second.source_table
                and first.source_seq is not None
                and second.source_seq is not None
                and first.source_seq < second.source_seq
            )
            if is_recorded or any(
                first.activity in chain and chain[first.activity] < chain.get(second.activity, -1) for chain in ranks
            ):
                pairs.append((one, other))
    return pairs


def _contradictions(times: Sequence[datetime], before: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    return ((one, other) for one, other in before if times[one] > times[other])


def _repairs(events: Sequence[Placed], wrong: Sequence[int]) -> Iterator[tuple[str, str, Mapping[int, datetime]]]:
    """Repairs to try, the likelier first: one event's date; then formats, of one event or of a source table."""
    for name, repair in _ENTERED.items():
        for place in wrong:
            at = repair(events[place].occurred_at)
            if at is not None:
                yield TIME_TRAVEL, name, {place: at}
    tables = sorted({events[place].source_table for place in wrong})
    of_table = {table: [place for place, event in enumerate(events) if event.source_table == table] for table in tables}
    groups = [*of_table.values(), *([place] for place in wrong)]
    for group in groups:
        swapped = {place: at for place in group if (at := swap_day_and_month(events[place].occurred_at)) is not None}
        if swapped:
            yield UNANCHORED, "day and month were swapped", swapped
    for group in groups:
        hours = sorted({events[place].occurred_at.hour for place in group if events[place].occurred_at.hour < 12})
        for last in hours:
            yield (
                UNANCHORED,
                "the afternoon was read as the morning (AM for PM)",
                {
                    place: events[place].occurred_at + _HALF_DAY
                    for place in group
                    if events[place].occurred_at.hour <= last
                },
            )
    if len({event.source_table for event in events}) > 1:
        for group in sorted(of_table.values(), key=len):
            for hours in sorted(_ZONE_HOURS, key=abs):
                yield (
                    UNANCHORED,
                    f"the zone was misread by {abs(hours)} h",
                    {place: events[place].occurred_at + timedelta(hours=hours) for place in group},
                )


def swap_day_and_month(at: datetime) -> datetime | None:
    """The date read the other way round; None where that is no date or the same one."""
    return at.replace(month=at.day, day=at.month) if at.day <= 12 and at.day != at.month else None


def _days(number: int) -> Callable[[datetime], datetime]:
    return lambda at: at + timedelta(days=number)


def _months(number: int) -> Callable[[datetime], datetime | None]:
    def shift(at: datetime) -> datetime | None:
        year, month = divmod(at.year * 12 + at.month - 1 + number, 12)
        if not 1 <= year <= 9999 or at.day > calendar.monthrange(year, month + 1)[1]:
            return None
        return at.replace(year=year, month=month + 1)

    return shift


def _transpose_day(at: datetime) -> datetime | None:
    day = at.day % 10 * 10 + at.day // 10
    if day == at.day or not 1 <= day <= calendar.monthrange(at.year, at.month)[1]:
        return None
    return at.replace(day=day)


_ENTERED: dict[str, Callable[[datetime], datetime | None]] = {
    "a day too early": _days(1),
    "a day too late": _days(-1),
    "with the digits of the day swapped": _transpose_day,
    "a month too early": _months(1),
    "a month too late": _months(-1),
    "a year too early": _months(12),
    "a year too late": _months(-12),
}
