"""Drift: planted changes are found first, in their week and of their size; where there is none, next to nothing is."""

import math
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from statistics import median

import numpy as np
import polars as pl
import pytest

from mining_tasks.drift import FEWEST_WEEKS, FIGURES, Change, Series, find_changes, pettitt, series_of, week_start
from sluice.demo.plants import CLEAN, DRIFT_DAY
from tests.mining_tasks.companies import CLOSING, as_log, truth

P2P = "purchase_to_pay"


def changes_of(cases: dict[str, list[tuple]]) -> tuple[list[Change], dict[str, int]]:
    """The changes in a process of a simulated company, by figure and falling impact."""
    by_case, events, keys = as_log(cases, CLOSING[P2P])
    found = find_changes(series_of(by_case, steps_of(events), last_us=events["occurred_us"].max()))
    return sorted(found.changes, key=lambda one: (list(FIGURES).index(one.series.figure), -one.impact)), keys


def steps_of(events: pl.DataFrame) -> pl.DataFrame:
    following = (
        pl.col("activity_key", "occurred_us").shift(-1).over("case_key", order_by="event_seq").name.prefix("next_")
    )
    pairs = events.with_columns(following).drop_nulls("next_activity_key")
    return pairs.select(
        "activity_key",
        "next_activity_key",
        occurred_us="next_occurred_us",
        duration_us=pl.col("next_occurred_us") - pl.col("occurred_us"),
    )


def monday(change: Change) -> date:
    return date(1970, 1, 1) + timedelta(days=week_start(change.week))


def day(at: int) -> date:
    return datetime.fromtimestamp(at, UTC).date()


@pytest.mark.parametrize("seed", [1, 4])
def test_what_was_planted_is_found_first_in_its_week_and_of_its_size(seed):
    cases = truth(seed, cases=2000, plant=CLEAN | {"drift": True})[P2P]
    changes, keys = changes_of(cases)
    first = {figure: next((one for one in changes if one.series.figure == figure), None) for figure in FIGURES}
    asked, paid = first["share_of_next"], first["step_seconds"]
    assert (asked.series.activity_key, asked.series.next_activity_key) == (keys["Create RFQ"], keys["Send RFQ"])
    assert (paid.series.activity_key, paid.series.next_activity_key) == (
        keys["Post Vendor Bill"],
        keys["Register Payment"],
    )
    assert first["throughput_seconds"] is not None
    assert abs(monday(asked) - DRIFT_DAY) <= timedelta(days=7)
    assert timedelta(0) <= monday(paid) - DRIFT_DAY <= timedelta(days=14), (
        "bills posted since then are paid a week later"
    )
    for after, level in ((False, asked.level_before), (True, asked.level_after)):
        steps = [
            events[:2] for events in cases.values() if (day(events[0][0]) >= DRIFT_DAY) is after and len(events) > 1
        ]
        share = sum(step[1][1] == "Send RFQ" for step in steps) / len(steps)
        assert level == pytest.approx(share, rel=0.1)
    for after, level in ((False, paid.level_before), (True, paid.level_after)):
        seconds = [
            payment[0] - bill[0]
            for events in cases.values()
            for bill, payment in pairwise(events)
            if (bill[1], payment[1]) == ("Post Vendor Bill", "Register Payment")
            and (day(bill[0]) >= DRIFT_DAY) is after
            and day(bill[0]) < date(2025, 6, 9)
        ]
        assert level == pytest.approx(median(seconds), rel=0.1)


@pytest.mark.parametrize("companies", [pytest.param(10), pytest.param(100, marks=pytest.mark.slow)])
def test_where_nothing_changed_few_companies_have_a_drift(companies):
    found = [changes_of(truth(seed)[P2P])[0] for seed in range(companies)]
    print(f"{sum(map(bool, found))} of {companies} companies")
    assert sum(map(bool, found)) <= companies / 10


def test_independent_weeks_have_few_changes():
    found = 0
    for seed in range(100):
        chance = np.random.default_rng(seed)
        values = chance.lognormal(0, 0.5, (30, 60))
        weeks, counts = tuple(range(60)), (10,) * 60
        series = [Series("step_seconds", weeks, tuple(row), counts, number) for number, row in enumerate(values)]
        found += bool(find_changes(series).changes)
    print(f"{found} of 100")
    assert found <= 10


@pytest.mark.parametrize("seed", range(20))
def test_pettitt_compares_every_week_before_a_cut_with_every_week_after_it(seed):
    chance = np.random.default_rng(seed)
    values = chance.integers(0, 6, chance.integers(12, 60))
    values[len(values) // 2 :] += chance.integers(0, 4)
    count = len(values)
    statistics = [
        sum(int(np.sign(other - one)) for one in values[:t] for other in values[t:])
        for t in range(FEWEST_WEEKS, count - FEWEST_WEEKS + 1)
    ]
    place, p_value = pettitt(values)
    largest = max(map(abs, statistics))
    assert abs(statistics[place - FEWEST_WEEKS]) == largest
    assert p_value == pytest.approx(min(1.0, 2 * math.exp(-6 * largest**2 / (count**3 + count**2))))


def test_several_changes_of_one_series_are_told_with_the_levels_between_them():
    chance = np.random.default_rng(1)
    level = np.repeat([100.0, 200.0, 50.0], 15)
    values = np.rint(level + chance.normal(0, 5, 45))
    counts = tuple(int(value) for value in values)
    found = find_changes([Series("started_cases", tuple(range(45)), tuple(values), counts)])
    assert [one.week for one in found.changes] == [15, 30]
    assert [(one.weeks_before, one.weeks_after) for one in found.changes] == [(15, 15), (15, 15)]
    first, second = found.changes
    assert (first.level_before, first.level_after) == (values[:15].mean(), values[15:30].mean())
    assert (second.level_before, second.level_after) == (values[15:30].mean(), values[30:].mean())
    assert (second.observations_before, second.observations_after) == (sum(counts[15:30]), sum(counts[30:]))
    assert second.impact == second.level_before - second.level_after
    assert found.tested_counts == {"started_cases": 5}, "the whole, both sides, and both sides of the second cut"


def test_a_week_without_any_case_counts_none():
    day_us, start = 86_400_000_000, 20_000 * 86_400_000_000
    starts = [start + number * day_us for number in range(300) if not 140 <= number < 168]
    cases = pl.DataFrame({"started_us": starts, "ended_us": starts}).with_columns(
        is_open=pl.lit(False), throughput_us=pl.lit(0, pl.Int64)
    )
    steps = pl.DataFrame(
        schema=dict.fromkeys(("activity_key", "next_activity_key", "occurred_us", "duration_us"), pl.Int64)
    )
    series = {one.figure: one for one in series_of(cases, steps, last_us=max(starts))}
    assert set(series) == {"started_cases", "ended_cases"}
    started = series["started_cases"]
    assert list(np.diff(started.weeks)) == [1] * (len(started.weeks) - 1)
    assert started.values.count(0.0) == 3 and started.values.count(7.0) == len(started.values) - 5


def test_times_that_cannot_be_true_cost_no_more_than_their_weeks():
    by_case, events, _ = as_log(truth(2)[P2P], CLOSING[P2P])
    whole = series_of(by_case, steps_of(events), last_us=events["occurred_us"].max())
    year_1, year_9999 = -62_135_596_800_000_000, 253_402_300_000_000_000
    stray = by_case[:1].with_columns(started_us=pl.lit(year_1), ended_us=pl.lit(year_1))
    series = series_of(pl.concat([by_case, stray]), steps_of(events), last_us=year_9999)
    assert max(len(one.values) for one in series) > 500_000 and len(series) >= len(whole)
    assert find_changes(series).tested_counts["started_cases"] >= 1


def test_the_order_of_rows_changes_nothing():
    by_case, events, _ = as_log(truth(2, plant=CLEAN | {"drift": True})[P2P], CLOSING[P2P])
    steps, last = steps_of(events), events["occurred_us"].max()
    whole = series_of(by_case, steps, last_us=last)
    cases, shuffled_steps = (frame.sample(fraction=1, shuffle=True, seed=1) for frame in (by_case, steps))
    shuffled = series_of(cases, shuffled_steps, last_us=last)
    assert shuffled == whole and len(whole) > 15
    assert find_changes(shuffled) == find_changes(whole)


def test_a_log_that_is_too_short_or_never_ends_a_case_has_no_series():
    by_case, events, _ = as_log(truth(2)[P2P], CLOSING[P2P])
    steps = steps_of(events)
    assert series_of(by_case.with_columns(is_open=pl.lit(True)), steps, last_us=events["occurred_us"].max()) == []
    assert series_of(by_case, steps, last_us=by_case["started_us"].min() + 12 * 7 * 86_400_000_000) == []
    assert series_of(by_case.clear(), steps.clear(), last_us=0) == []
    assert find_changes([]).changes == ()
