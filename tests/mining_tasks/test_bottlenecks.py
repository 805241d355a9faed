"""Bottlenecks a second way: plain sums over what each step waited."""

from collections import defaultdict
from fractions import Fraction

import pytest
from hypothesis import given, settings

from mining_tasks.bottlenecks import rank_bottlenecks
from mining_tasks.calendars_declared import Rates
from mining_tasks.waiting import split_times
from sluice.keys import activity_key
from tests.mining_tasks.logs import Event, frame_of
from tests.mining_tasks.reference import percentile
from tests.mining_tasks.test_waiting import HOURS, days_of_work


@settings(max_examples=25, deadline=None)
@given(days_of_work())
def test_places_are_ranked_by_the_time_lost_and_by_its_cost(events):
    times = split_times(frame_of(events), hours=HOURS)
    special = {activity_key("b"): Rates(processing=90.5, waiting=7.25)}
    rates = Rates(processing=40, waiting=0.1)
    found = list(rank_bottlenecks(times, rates=rates, activity_rates=special).iter_rows(named=True))
    for kind in ("activity", "arc"):
        waits, runs = defaultdict(list), defaultdict(int)
        for step in times.steps.iter_rows(named=True):
            place = (step["source_activity_key"] if kind == "arc" else None, step["activity_key"])
            if kind == "activity":
                runs[place] += step["processing_us"]
                waits.setdefault(place, [])
            if step["ready_us"] is not None:
                waits[place].append(step["working_waiting_us"] + step["working_idle_us"])
        mine = [row for row in found if row["kind"] == kind]
        assert {(row["source_activity_key"], row["target_activity_key"]) for row in mine} == set(waits)
        everything = sum(map(sum, waits.values()))
        for row in mine:
            place = (row["source_activity_key"], row["target_activity_key"])
            rate = special.get(place[1], rates)
            lost, run = sum(waits[place]), runs[place]
            assert row["wait_count"] == len(waits[place]) and row["working_lost_seconds"] == lost / 1_000_000
            typical = int(percentile(waits[place], Fraction(1, 2))) if waits[place] else 0
            assert row["excess_seconds"] == sum(max(0, wait - typical) for wait in waits[place]) / 1_000_000
            assert row["working_lost_share"] == pytest.approx(lost / everything if everything else 0)
            assert row["waiting_cost"] == pytest.approx(lost / 3.6e9 * rate.waiting)
            assert row["processing_cost"] == pytest.approx(run / 3.6e9 * rate.processing)
            assert row["cost"] == pytest.approx(row["waiting_cost"] + row["processing_cost"])
        assert [row["time_rank"] for row in mine] == list(range(1, len(mine) + 1))
        lost = [row["working_lost_seconds"] for row in mine]
        assert lost == sorted(lost, reverse=True)
        by_cost = [row["cost"] for row in sorted(mine, key=lambda row: row["cost_rank"])]
        assert by_cost == sorted(by_cost, reverse=True)
        if everything and mine:
            assert mine[-1]["cumulative_share"] == 1.0


def test_without_rates_nothing_costs_anything():
    events = [Event("A", "a", 0), Event("A", "b", 3_600_000_000)]
    (first, *_) = rank_bottlenecks(split_times(frame_of(events))).iter_rows(named=True)
    assert (first["cost"], first["cost_rank"], first["working_lost_seconds"]) == (None, None, 3600.0)


def test_an_hour_costs_its_rate():
    events = [Event("A", "a", 0), Event("A", "b", 5_400_000_000, 3_600_000_000)]
    rows = rank_bottlenecks(split_times(frame_of(events)), rates=Rates(processing=48, waiting=0.1)).iter_rows(
        named=True
    )
    costs = {(row["kind"], row["target_activity_key"]): (row["waiting_cost"], row["processing_cost"]) for row in rows}
    assert costs["activity", activity_key("b")] == (0.1, 24.0) and costs["arc", activity_key("b")] == (0.1, 0.0)
