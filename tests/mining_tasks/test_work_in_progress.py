"""Work in progress a second way: minute by minute; and Little's law where it must hold."""

import itertools
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mining_tasks.work_in_progress import check_littles_law, count_in_progress, days_between

MINUTE, DAY = 60_000_000, 86_400_000_000
START = int(datetime(2025, 3, 28, tzinfo=UTC).timestamp()) * 1_000_000


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 6 * 24 * 4), st.integers(0, 5 * 24 * 4), st.booleans()), min_size=1, max_size=12),
    st.sampled_from(["UTC", "Europe/Berlin", "America/New_York"]),
)
def test_every_quarter_of_an_hour_is_counted(stays, zone):
    quarter = 15 * MINUTE
    entered = np.array([START + begin * quarter for begin, _, _ in stays])
    left = np.array([START + (begin + length) * quarter for begin, length, _ in stays])
    is_open = np.array([is_open for _, _, is_open in stays])
    days = days_between(entered.min(), left.max(), zone=zone)
    found = count_in_progress(days, entered, left, is_open)
    known = ZoneInfo(zone)
    end = left.max() + 1

    def wall(us):
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(us))).astimezone(known).date()

    for row in found.iter_rows(named=True):
        assert row["entered_count"] == sum(wall(at) == row["day"] for at in entered)
        closed = [at for at, stays in zip(left, is_open, strict=True) if not stays]
        assert row["left_count"] == sum(wall(at) == row["day"] for at in closed)
        busy = 0
        for begin, until, stays in zip(entered, left, is_open, strict=True):
            until = end if stays else until
            edges = [begin, *range((int(begin) // quarter + 1) * quarter, int(until), quarter), until]
            busy += sum(int(b) - int(a) for a, b in itertools.pairwise(edges) if wall(a) == row["day"])
        assert row["busy_us"] == busy
        assert row["end_count"] == sum(wall(a) <= row["day"] for a in entered) - sum(
            wall(b) <= row["day"] for b in closed
        )
    assert (
        found["day"].to_list()
        == [wall(START) + timedelta(n) for n in range((wall(end) - wall(START)).days + 1)][
            (wall(entered.min()) - wall(START)).days :
        ]
    )


def test_a_day_of_a_change_of_the_clock_has_23_hours():
    days = days_between(START, START + 4 * DAY, zone="Europe/Berlin")
    assert (np.diff(days.bounds_us) / 3_600_000_000).round(6).tolist()[:4] == [24, 24, 23, 24]
    assert days.days[:3] == [date(2025, 3, 28), date(2025, 3, 29), date(2025, 3, 30)]


def test_littles_law_holds_exactly_where_every_case_begins_and_ends_in_the_window():
    chance = np.random.default_rng(5)
    begin = START + chance.integers(0, 50 * DAY, 500)
    end = begin + chance.integers(0, 9 * DAY, 500)
    days = days_between(begin.min(), end.max())
    law = check_littles_law(days, count_in_progress(days, begin, end), end, end - begin)
    whole = law.row(0, named=True)
    assert whole["window_kind"] == "whole" and whole["arrival_count"] == whole["completion_count"] == 500
    assert whole["residual"] == pytest.approx(0, abs=1e-9) and whole["is_consistent"] and whole["is_stable"]
    assert whole["mean_throughput_seconds"] == pytest.approx((end - begin).mean() / 1e6)
    assert law["window_kind"].to_list()[1:] == ["month"] * (len(law) - 1)
    assert law["arrival_count"][1:].sum() == 500 and law["day_count"][1:].sum() == whole["day_count"]


def test_a_stable_process_keeps_the_law_and_a_growing_one_does_not():
    chance = np.random.default_rng(6)
    begin = np.sort(START + chance.integers(0, 365 * DAY, 8000))
    end = begin + chance.exponential(5 * DAY, 8000).astype(np.int64)
    days = days_between(begin.min(), begin.max())
    is_open = end > begin.max()
    until = np.minimum(end, begin.max())
    law = check_littles_law(
        days, count_in_progress(days, begin, until, is_open), end[~is_open], (end - begin)[~is_open]
    )
    months = [row for row in law.iter_rows(named=True) if row["window_kind"] == "month" and row["day_count"] >= 28]
    assert len(months) >= 10 and all(row["is_consistent"] and row["is_stable"] for row in months[2:])

    stuck = is_open | (chance.random(8000) < 0.5)
    law = check_littles_law(days, count_in_progress(days, begin, until, stuck), end[~stuck], (end - begin)[~stuck])
    whole = law.row(0, named=True)
    assert not whole["is_stable"] and not whole["is_consistent"] and whole["residual"] > 500


def test_too_many_days_are_refused():
    with pytest.raises(ValueError, match="days: expected at most"):
        days_between(0, 200 * 366 * DAY)
