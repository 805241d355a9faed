"""Performance against what others know: pm4py's business hours, and the truth of the demo company."""

import warnings
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np
import pandas as pd
import polars as pl
import pytest

from mining_tasks.calendars import Calendar, lay_out
from mining_tasks.calendars_declared import load_performance
from mining_tasks.waiting import PARTS, WORKING_PARTS, Hours, split_times
from mining_tasks.waiting_results import Facts, measure_performance
from sluice.demo.calendar import HOUR, TODAY
from sluice.demo.plants import CLEAN
from sluice.demo.simulation import days, quick
from sluice.demo.world import World
from sluice.keys import activity_key, case_key
from tests.mining_tasks.companies import open_orders, order_events, orders
from tests.mining_tasks.logs import Event, log_of

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pm4py
    from pm4py.util import business_hours

H = 3600
WEEK = Calendar("week", "UTC", (((7 * H, 12 * H), (13 * H, 17 * H)),) * 5 + ((), ()))
SLOTS = [(day * 86_400 + begin * H, day * 86_400 + end * H) for day in range(5) for begin, end in ((7, 12), (13, 17))]


def test_working_time_equals_pm4pys_business_hours():
    chance = np.random.default_rng(17)
    start = int(datetime(2025, 2, 1, tzinfo=UTC).timestamp())
    pairs = np.sort(start + chance.integers(0, 60 * 86_400, (300, 2)), axis=1)
    laid = lay_out(WEEK, start * 1_000_000, (start + 61 * 86_400) * 1_000_000)
    found = laid.between(pairs[:, 0] * 1_000_000, pairs[:, 1] * 1_000_000) / 1_000_000
    expected = [
        business_hours.soj_time_business_hours_diff(
            datetime.fromtimestamp(first, UTC), datetime.fromtimestamp(second, UTC), SLOTS
        )
        for first, second in pairs.tolist()
    ]
    assert found.tolist() == pytest.approx(expected, abs=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["Sepsis.xes.gz", "BPI_2020_DomesticDeclarations.xes.gz"])
def test_throughput_of_real_cases_equals_pm4pys_in_clock_and_in_business_hours(real_data, name):
    log = pm4py.read_xes(str(real_data(f"logs/{name}")))
    times = log["time:timestamp"].dt.tz_convert("UTC")
    frame = pl.DataFrame(
        {
            "case": log["case:concept:name"].astype(str).to_list(),
            "activity_key": pd.factorize(log["concept:name"])[0].astype("int32"),
            "occurred_us": times.astype("datetime64[us, UTC]").astype("int64").to_numpy(),
        }
    )
    frame = frame.with_columns(
        case_key=pl.col("case").rank("dense").cast(pl.Int64),
        event_seq=pl.int_range(pl.len()).over("case").cast(pl.Int32) + 1,
        started_us=pl.lit(None, pl.Int64),
        resource_key=pl.lit(None, pl.Int64),
    ).sort("case_key", "event_seq")
    cases = split_times(frame, hours=Hours(calendars={"week": WEEK}, process="week")).cases
    assert (cases["throughput_us"] == cases.select(pl.sum_horizontal(PARTS)).to_series()).all()
    assert (cases["working_throughput_us"] == cases.select(pl.sum_horizontal(WORKING_PARTS)).to_series()).all()
    log["time:timestamp"] = times
    for column, options in (
        ("throughput_us", {}),
        ("working_throughput_us", {"business_hours": True, "business_hour_slots": SLOTS}),
    ):
        expected = sorted(pm4py.get_all_case_durations(log, **options))
        assert sorted(cases[column].cast(pl.Float64) / 1_000_000) == pytest.approx(expected, abs=1e-3)


@cache
def company(is_clean: bool) -> tuple[World, list[Event]]:
    world = World(cases=400, seed=5, plant=CLEAN if is_clean else {"bad_rows": 0})
    with quick():
        for _ in days(world, TODAY):
            world.batch.clear()
    events = order_events((at, process, case, what, login) for at, process, case, _, what, login in world.truth)
    return world, events


def tables_of(events: list[Event]) -> dict:
    declared = load_performance("purchase_to_pay")
    declared = replace(declared, due=tuple(rule for rule in declared.due if rule.attribute is None))
    tables, _ = measure_performance(log_of(events, open_cases=open_orders(events)), Facts(declared=declared), k=5)
    return tables


def test_the_demo_companys_working_time_is_what_it_was_simulated_with():
    """Approvals are measured by the simulation itself, in working hours; what is late is what took longer than eight."""
    world, events = company(False)
    took = [hours for name in ("slow", "others") for hours in world.measures.values[f"approval_hours_{name}"]]
    tables = tables_of(events)
    (kpis,) = tables["due_date_kpis"].iter_rows(named=True)
    assert kpis["rule"] == "approval"
    assert (kpis["done_count"], kpis["late_count"]) == (len(took), sum(hours > 8 for hours in took))
    steps = split_times(
        log_of(events).events,
        hours=Hours(calendars=load_performance("purchase_to_pay").calendars, process="demo_company"),
    )
    since = steps.steps.filter(pl.col("activity_key") == activity_key("Request Approval")).select(
        "case_key", "begin_us"
    )
    done = steps.steps.filter(pl.col("activity_key") == activity_key("Approve PO")).select("case_key", "end_us")
    pairs = since.join(done, on="case_key")
    worked = steps.laid[0].between(pairs["begin_us"].to_numpy(), pairs["end_us"].to_numpy()) / 1_000_000 / HOUR
    assert sorted(worked) == pytest.approx(sorted(took), abs=1e-9)


def excesses(tables: dict) -> list[tuple[float, int, int]]:
    """What part of the time lost lies beyond the median, and the arc; largest first, of arcs that cases mostly lie on."""
    lost = tables["bottlenecks"].to_native().filter((pl.col("kind") == "arc") & (pl.col("wait_count") >= 30))
    typical = (
        tables["arc_times"]
        .to_native()
        .select("source_activity_key", "target_activity_key", "median_working_wait_seconds")
    )
    lost = lost.join(typical, on=["source_activity_key", "target_activity_key"])
    lost = lost.filter(pl.col("median_working_wait_seconds") > 0)
    share = pl.col("excess_seconds") / pl.col("working_lost_seconds")
    return sorted(lost.select(share, "source_activity_key", "target_activity_key").iter_rows(), reverse=True)


def test_the_slow_approver_shows_as_the_place_with_the_largest_excess_and_only_where_planted():
    approval = activity_key("Request Approval"), activity_key("Approve PO")
    (first, *arc), (second, *_), *_ = excesses(tables_of(company(False)[1]))
    assert tuple(arc) == approval and first > 0.65 and second < first - 0.1
    clean = {tuple(arc): share for share, *arc in excesses(tables_of(company(True)[1]))}
    assert clean[approval] < 0.35 < max(clean.values())


@pytest.mark.parametrize("companies", [10, pytest.param(100, marks=pytest.mark.slow)])
def test_where_no_approver_is_slow_the_approval_is_hardly_ever_first(companies):
    approval = activity_key("Request Approval"), activity_key("Approve PO")
    found = [seed for seed in range(companies) if tuple(excesses(tables_of(orders(seed)))[0][1:]) == approval]
    print(f"{len(found)} of {companies} companies")
    assert len(found) <= companies / 10, found


def test_work_lies_in_working_hours_only_and_processing_is_not_invented():
    tables = tables_of(company(False)[1])
    (process,) = tables["process_times"].iter_rows(named=True)
    assert process["total_working_idle_seconds"] == process["total_processing_seconds"] == 0
    assert process["total_waiting_seconds"] == process["total_working_waiting_seconds"]
    # five days of nine hours of a week's 168
    assert process["total_waiting_seconds"] / process["total_throughput_seconds"] == pytest.approx(45 / 168, rel=0.05)


def test_open_cases_are_longer_than_closed_ones_tell():
    tables = tables_of(company(False)[1])
    rows = {row["completed_share"]: row for row in tables["throughput_quantiles"].iter_rows(named=True)}
    for share in (0.25, 0.5, 0.75):
        assert rows[share]["survival_seconds"] > rows[share]["closed_seconds"] > rows[share]["all_seconds"]
        assert rows[share]["lower_seconds"] <= rows[share]["survival_seconds"] <= rows[share]["upper_seconds"]


def test_arrivals_of_the_demo_company_are_its_orders():
    _, events = company(False)
    first = {}
    for event in events:
        first.setdefault(event.case, event.at)
    tables = tables_of(events)
    per_day = dict(tables["work_in_progress"].select("day", "arrival_count").iter_rows())
    expected = defaultdict(int)
    for at in first.values():
        expected[(datetime(1970, 1, 1) + timedelta(microseconds=at)).date()] += 1
    assert {day: count for day, count in per_day.items() if count} == dict(expected)
    assert case_key("test", next(iter(first))) in set(tables["case_times"]["case_key"])
