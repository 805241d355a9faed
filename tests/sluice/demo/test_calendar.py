"""Working time: the company works on working days only, and the two directions agree."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sluice.demo.calendar import CLOSES, OPENS, WORKDAY, Stamps, WorkCalendar, day_of, easter

CALENDAR = WorkCalendar()


@pytest.mark.parametrize("day", [date(2024, 3, 31), date(2025, 4, 20), date(2026, 4, 5), date(2027, 3, 28)])
def test_easter_falls_where_it_does(day: date) -> None:
    assert easter(day.year) == day


@pytest.mark.parametrize(
    "day", [date(2025, 4, 18), date(2025, 4, 21), date(2025, 5, 29), date(2025, 6, 9), date(2025, 6, 28)]
)
def test_holidays_and_weekends_are_free(day: date) -> None:
    assert not CALENDAR.is_workday(day)


@given(st.integers(0, 1200 * WORKDAY), st.integers(0, 200 * WORKDAY))
def test_work_happens_in_working_hours_and_in_order(work: int, more: int) -> None:
    time = CALENDAR.time(work)
    assert OPENS <= time % 86400 < CLOSES
    assert CALENDAR.is_workday(day_of(time))
    assert CALENDAR.work(day_of(time)) <= work
    assert CALENDAR.time(work + more) - time >= more


@given(st.lists(st.integers(0, 4_200_000_000), min_size=1))
def test_stamps_are_iso_times_in_utc(times: list[int]) -> None:
    stamps = Stamps()
    for time in times:
        assert stamps.stamp(time) == datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S")
