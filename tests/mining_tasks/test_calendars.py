"""Working time equals a count of minutes on the wall clock, whatever daylight saving and holidays do."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mining_tasks.calendars import Calendar, WorkingTime, always, lay_out
from mining_tasks.calendars_declared import load_calendar
from sluice.demo.calendar import WorkCalendar

MINUTE = 60_000_000
H = 3600
OFFICE, LATE = ((8 * H, 12 * H), (13 * H, 17 * H)), ((22 * H, 30 * H),)
CALENDARS = {
    "office in Brussels, with holidays": Calendar(
        "office",
        "Europe/Brussels",
        (OFFICE,) * 5 + ((), ()),
        dates={date(2025, 4, 18): (), date(2025, 12, 24): ((9 * H, 12 * H),)},
        yearly={(1, 1): (), (5, 1): (), (12, 25): ()},
        from_easter={1: (), 39: (), 50: ()},
    ),
    "nights in New York, over midnight and the change of the clock": Calendar(
        "nights", "America/New_York", (LATE,) * 7
    ),
    "around the clock in Lord Howe, whose clocks change by half an hour": Calendar(
        "always", "Australia/Lord_Howe", (((0, 24 * H),),) * 7, yearly={(12, 25): ()}
    ),
    "early mornings in Kathmandu, a quarter of an hour aside": Calendar(
        "mornings", "Asia/Kathmandu", (((5 * H + 900, 9 * H + 2700),),) * 6 + ((),)
    ),
}
SPRING, AUTUMN = (
    (datetime(2025, 3, 5, tzinfo=UTC), datetime(2025, 4, 23, tzinfo=UTC)),
    (
        datetime(2025, 9, 30, tzinfo=UTC),
        datetime(2025, 11, 6, tzinfo=UTC),
    ),
)


def us(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def is_worked(calendar: Calendar, wall: datetime) -> bool:
    """Whether a wall clock's reading lies in the hours of its day, or in those of the day before that run on."""
    for back in (0, 1):
        day = wall.date() - timedelta(days=back)
        shift = {1: date(2025, 4, 21), 39: date(2025, 5, 29), 50: date(2025, 6, 9)}  # from Easter, 20 April 2025
        hours = calendar.week[day.weekday()]
        for of_day in (
            next((hours for n, hours in calendar.from_easter.items() if shift[n] == day), None),
            calendar.yearly.get((day.month, day.day)),
            calendar.dates.get(day),
        ):
            hours = hours if of_day is None else of_day
        second = (wall - datetime(day.year, day.month, day.day)).total_seconds()
        if any(opens <= second < closes for opens, closes in hours):
            return True
    return False


def minutes(calendar: Calendar, begin: datetime, end: datetime) -> np.ndarray:
    """For each minute from `begin` the number of worked minutes before it, counted one by one."""
    zone = ZoneInfo(calendar.zone)
    count = int((end - begin) / timedelta(minutes=1))
    worked = [
        is_worked(calendar, (begin + timedelta(minutes=n)).astimezone(zone).replace(tzinfo=None)) for n in range(count)
    ]
    return np.concatenate([[0], np.cumsum(worked)])


@pytest.mark.parametrize("period", [SPRING, AUTUMN], ids=["spring", "autumn"])
@pytest.mark.parametrize("name", CALENDARS)
def test_ten_thousand_intervals_equal_a_count_of_minutes(name, period):
    calendar, (begin, end) = CALENDARS[name], period
    counted = minutes(calendar, begin, end)
    chance = np.random.default_rng(13)
    first, second = chance.integers(0, len(counted), (2, 10_000))
    laid = lay_out(calendar, us(begin), us(end))
    found = laid.between(us(begin) + first * MINUTE, us(begin) + second * MINUTE)
    assert (found == (counted[second] - counted[first]) * MINUTE).all()
    assert abs(found).max() > 40 * 60 * MINUTE


def test_clock_that_goes_forward_and_back():
    nights = Calendar("n", "Europe/Berlin", (((0, 6 * H),),) * 7)
    for day, hours in ((datetime(2025, 3, 30), 5), (datetime(2025, 3, 29), 6), (datetime(2025, 10, 26), 7)):
        begin = us(day.replace(tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC))
        laid = lay_out(nights, begin - 10**12, begin + 10**12)
        assert laid.between(np.array([begin]), np.array([begin + 12 * 60 * MINUTE])).tolist() == [hours * 60 * MINUTE]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-60, 60), st.integers(0, 9)), max_size=8),
    st.lists(st.tuples(st.integers(-60, 60), st.integers(0, 9)), max_size=8),
    st.integers(-80, 80),
    st.integers(0, 99),
)
def test_intervals_are_sets_of_moments(one, other, first, length):
    def laid(spans):
        starts = np.array([begin for begin, _ in spans], np.int64)
        return WorkingTime.of(starts, starts + np.array([n for _, n in spans], np.int64))

    def moments(spans):
        return {moment for begin, n in spans for moment in range(begin, begin + n)}

    span = np.array([first]), np.array([first + length])
    within = set(range(first, first + length))
    assert laid(one).between(*span) == len(moments(one) & within)
    assert laid(one).and_also(laid(other)).between(*span) == len(moments(one) & moments(other) & within)
    assert laid(one).between(*span[::-1]) == -len(moments(one) & within)


def test_around_the_clock_is_the_clock():
    at = np.array([-5, 0, 7, 1000], np.int64)
    assert always(-5, 1000).elapsed(at).tolist() == [0, 5, 12, 1005]


def test_years_before_1970_and_a_calendar_without_hours():
    free = Calendar("free", "Europe/Paris", ((),) * 7)
    assert lay_out(free, -(10**15), 10**15).elapsed(np.array([0, 10**15])).tolist() == [0, 0]
    office = Calendar("office", "Europe/Paris", (((9 * H, 17 * H),),) * 7)
    week = lay_out(office, us(datetime(1912, 1, 1, tzinfo=UTC)), us(datetime(1912, 1, 8, tzinfo=UTC)))
    assert int(week.ends_us[-1] - week.starts_us[-1] + week.before_us[-1]) == 7 * 8 * 60 * MINUTE


def test_the_demo_companys_calendar_is_the_one_that_it_lives_by():
    lived = WorkCalendar()
    laid = lay_out(
        load_calendar("demo_company"), us(datetime(2025, 1, 1, tzinfo=UTC)), us(datetime(2029, 12, 31, tzinfo=UTC))
    )
    first = lived.work(date(2025, 1, 2))
    work = np.sort(np.random.default_rng(3).integers(first, lived.work(date(2029, 12, 28)), 500))
    at = np.array([lived.time(second) for second in work.tolist()]) * 1_000_000
    assert (laid.elapsed(at) == (work - first) * 1_000_000).all()
