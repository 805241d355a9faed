"""Business calendars: when a company works, as data, and the working time between any two instants, for whole columns
at once: an instant works exactly if the wall clock of the calendar's zone shows one of its hours at that instant.
"""

from calendar import isleap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from dateutil.easter import easter

from mining_tasks.groups import place_among

SECOND_US = 1_000_000
DAY_SECONDS = 86_400
_EPOCH = date(1970, 1, 1)
_GREGORIAN = range(1583, 4100)  # the years whose Easter is known
_CLOCKS = (
    -2_208_988_800,
    4_102_444_800,
)  # 1900 to 2100: before and after, clocks are taken as they were and will be then
_LIMIT_US = 250_000_000_000_000_000  # 1970 and some 7,900 years: beyond it Python knows no dates

Hours = tuple[tuple[int, int], ...]  # from, until: seconds of the day; until may lie beyond midnight


@dataclass(frozen=True)
class Calendar:
    """When is worked. zone: an IANA name. week: the hours of each weekday, Monday first.

    dates: the hours of single dates, of dates of every year ((month, day)) and of days counted from Easter Sunday
    (an int); no hours: a holiday. A single date decides before a date of every year, and that before Easter.
    """

    name: str
    zone: str
    week: tuple[Hours, ...]
    dates: Mapping[date, Hours] = field(default_factory=dict)
    yearly: Mapping[tuple[int, int], Hours] = field(default_factory=dict)
    from_easter: Mapping[int, Hours] = field(default_factory=dict)

    def exceptions(self, first: date, last: date) -> dict[date, Hours]:
        """The days between two dates whose hours are not those of their weekday."""
        found: dict[date, Hours] = {}
        for year in range(first.year, last.year + 1):
            for shift, hours in sorted(self.from_easter.items()) if year in _GREGORIAN else ():
                found[easter(year) + timedelta(days=shift)] = hours
            for (month, day), hours in sorted(self.yearly.items()):
                if (month, day) != (2, 29) or isleap(year):
                    found[date(year, month, day)] = hours
        found.update(self.dates)
        return {day: hours for day, hours in found.items() if first <= day <= last}


@dataclass(frozen=True)
class WorkingTime:
    """A calendar laid out between two instants: disjoint intervals in order, and the working time before each.

    starts_us, ends_us: microseconds since 1970-01-01 UTC. before_us: working microseconds before each interval.
    """

    starts_us: np.ndarray
    ends_us: np.ndarray
    before_us: np.ndarray

    @classmethod
    def of(cls, starts_us: np.ndarray, ends_us: np.ndarray) -> "WorkingTime":
        """From intervals in any order, which may touch or overlap."""
        lasting = ends_us > starts_us
        starts, ends = starts_us[lasting], ends_us[lasting]
        order = np.argsort(starts, kind="stable")
        starts, ends = starts[order], np.maximum.accumulate(ends[order])
        if len(starts):
            is_first = np.append(True, starts[1:] > ends[:-1])
            starts, ends = starts[is_first], ends[np.append(is_first[1:], True)]
        lengths = ends - starts
        return cls(starts, ends, np.cumsum(lengths) - lengths)

    def elapsed(self, at_us: np.ndarray) -> np.ndarray:
        """Working microseconds from the beginning until each instant: differences are what lies between two of them."""
        at_us = np.asarray(at_us, dtype=np.int64)
        if not len(self.starts_us):
            return np.zeros_like(at_us)
        place = place_among(self.starts_us, at_us) - 1
        known = np.maximum(place, 0)
        found = np.minimum(at_us, self.ends_us[known])
        found += (self.before_us - self.starts_us)[known]
        found[place < 0] = 0
        return found

    def between(self, from_us: np.ndarray, until_us: np.ndarray) -> np.ndarray:
        """Working microseconds between pairs of instants; negative where the second is the earlier."""
        return self.elapsed(until_us) - self.elapsed(from_us)

    def after(self, from_us: np.ndarray, working_us: int) -> tuple[np.ndarray, np.ndarray]:
        """The first instants by which so much working time has passed since others, and whether they are known: not
        where the time that was laid out ends before.
        """
        from_us = np.asarray(from_us, dtype=np.int64)
        if not len(self.starts_us):
            return from_us, np.full(len(from_us), working_us == 0)
        wanted = self.elapsed(from_us) + working_us
        place = np.maximum(np.searchsorted(self.before_us, wanted, side="left") - 1, 0)
        found = self.starts_us[place] + wanted - self.before_us[place]
        return (found, found <= self.ends_us[place]) if working_us else (from_us, np.ones(len(from_us), bool))

    def and_also(self, other: "WorkingTime") -> "WorkingTime":
        """The time that both have."""
        edges = np.unique(np.concatenate([self.starts_us, self.ends_us, other.starts_us, other.ends_us]))
        if len(edges) < 2:
            return WorkingTime.of(edges[:0], edges[:0])
        lengths = np.diff(edges)
        both = (np.diff(self.elapsed(edges)) == lengths) & (np.diff(other.elapsed(edges)) == lengths)
        return WorkingTime.of(edges[:-1][both], edges[1:][both])


def reach(working_us: int) -> int:
    """How long after an instant working time is laid out for so much of it to fit in, microseconds: calendars of few hours,
    holidays in a row."""
    return working_us * 40 + 400 * DAY_SECONDS * SECOND_US


def always(first_us: int, last_us: int) -> WorkingTime:
    """Every microsecond between two instants: what holds where no calendar is declared."""
    return WorkingTime.of(np.array([first_us], np.int64), np.array([last_us], np.int64))


def lay_out(calendar: Calendar, first_us: int, last_us: int) -> WorkingTime:
    """The working time of a calendar from `first_us` to `last_us` (microseconds since 1970-01-01 UTC).

    Daylight saving: where a clock is put forward the hours that it leaves out are not worked; where it is put back the
    hours that come twice are worked twice. Hours that run over midnight belong to the day on which they begin.

    >>> office = Calendar("office", "Europe/Berlin", week=(((9 * 3600, 17 * 3600),),) * 5 + ((),) * 2)
    >>> week = lay_out(office, 0, 7 * 86_400 * 1_000_000)
    >>> int(week.elapsed(np.array([7 * 86_400 * 1_000_000]))[0]) // 3_600_000_000
    40
    """
    first_us, last_us = max(first_us, -_LIMIT_US // 5), min(last_us, _LIMIT_US)
    if last_us <= first_us:
        return WorkingTime.of(np.empty(0, np.int64), np.empty(0, np.int64))
    starts, ends = [], []
    for from_s, until_s, offset in _offsets(calendar.zone, first_us // SECOND_US - 1, last_us // SECOND_US + 1):
        first_day = (from_s + offset) // DAY_SECONDS - 1  # hours that began the day before may run over midnight
        last_day = (until_s + offset) // DAY_SECONDS
        days = np.arange(first_day, last_day + 1, dtype=np.int64)
        for day, hours in _hours(calendar, days):
            for opens, closes in hours:
                starts.append(np.maximum(day * DAY_SECONDS + opens - offset, from_s))
                ends.append(np.minimum(day * DAY_SECONDS + closes - offset, until_s))
    if not starts:
        return WorkingTime.of(np.empty(0, np.int64), np.empty(0, np.int64))
    starts_us, ends_us = np.concatenate(starts) * SECOND_US, np.concatenate(ends) * SECOND_US
    return WorkingTime.of(np.maximum(starts_us, first_us), np.minimum(ends_us, last_us))


def _hours(calendar: Calendar, days: np.ndarray) -> Iterator[tuple[np.ndarray, Hours]]:
    """Days (since 1970-01-01) that have the same hours, with these."""
    first, last = (_EPOCH + timedelta(days=int(day)) for day in (days[0], days[-1]))
    special = calendar.exceptions(first, last)
    numbers = np.array(sorted((day - _EPOCH).days for day in special), dtype=np.int64)
    usual = days[~np.isin(days, numbers)]
    weekdays = (usual + 3) % 7  # 1970-01-01 was a Thursday
    for weekday, hours in enumerate(calendar.week):
        yield usual[weekdays == weekday], hours
    for day, hours in special.items():
        yield np.array([(day - _EPOCH).days], dtype=np.int64), hours


def _offsets(zone: str, first: int, last: int) -> Iterator[tuple[int, int, int]]:
    """Pieces (from, until, seconds ahead of UTC) of constant offset that cover `first` to `last`, seconds since 1970."""
    known = ZoneInfo(zone)
    begin, at = first, min(max(first, _CLOCKS[0]), last)
    until, offset = min(last, max(at, _CLOCKS[1])), _offset(known, at)
    while at < until:
        later = min(at + DAY_SECONDS, until)
        if _offset(known, later) != offset:
            low, high = at, later  # the change lies in (low, high]
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if _offset(known, middle) == offset else (low, middle)
            yield begin, high, offset
            begin = later = high
            offset = _offset(known, high)
        at = later
    yield begin, last, offset


def _offset(zone: ZoneInfo, at: int) -> int:
    shift = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=at)).astimezone(zone).utcoffset()
    return int(shift.total_seconds())
