"""Waiting, idle and processing time a second way: piece by piece along each case, with no more than a wall clock."""

import itertools
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mining_tasks.calendars import Calendar
from mining_tasks.calendars_declared import Performance
from mining_tasks.case_kpis import measure_cases
from mining_tasks.dfg import discover_dfg
from mining_tasks.waiting import PARTS, WORKING_PARTS, Hours, split_times
from mining_tasks.waiting_results import Facts, measure_performance
from mining_tasks.waiting_times import measure_activity_times, measure_arc_times, measure_process_times
from sluice.keys import activity_key, case_key
from tests.mining_tasks.logs import (
    ENGINES,
    Event,
    frame_of,
    hand_countable,
    log_of,
    on_engine,
    person_key,
    random_events,
)
from tests.mining_tasks.reference import cases_of, durations, percentile
from tests.mining_tasks.test_calendars import CALENDARS, is_worked, us

H = 3600
HALF_HOUR = 1_800_000_000
CHANGE = int(datetime(2025, 3, 29, 12, tzinfo=UTC).timestamp()) * 1_000_000  # Brussels goes forward a night later
OFFICE, NIGHTS, _, MORNINGS = CALENDARS.values()
HOURS = Hours(
    calendars={calendar.name: calendar for calendar in (OFFICE, NIGHTS, MORNINGS)},
    process="office",
    by_case=pl.DataFrame(
        {"case_key": [case_key("test", "case 1"), case_key("test", "case 2")], "calendar": ["mornings", None]},
        schema={"case_key": pl.Int64, "calendar": pl.String},
    ),
    by_activity={activity_key("b"): "nights"},
    by_resource={person_key("p"): "mornings"},
)


@st.composite
def days_of_work(draw: st.DrawFn) -> list[Event]:
    """Cases over the days of a change of the clock, with ties, overlaps, and times that run backwards."""
    events = []
    for case in range(draw(st.integers(1, 4))):
        for _ in range(draw(st.integers(1, 6))):
            at = CHANGE + draw(st.integers(0, 150)) * HALF_HOUR + draw(st.sampled_from([0, 0, 1, 333_333_333]))
            lasts = draw(st.sampled_from([None, None, 0, 1, 7 * HALF_HOUR + 3, 60 * HALF_HOUR, -2 * HALF_HOUR]))
            started = None if lasts is None else at - lasts
            who = draw(st.sampled_from([None, "p", "q"]))
            events.append(Event(f"case {case}", draw(st.sampled_from("abc")), at, started, who))
    return events


def calendars_of(event: Event, hours: Hours) -> tuple[Calendar | None, Calendar | None]:
    """Of the case and of the step, as the declaration says it in words."""
    named = dict(hours.by_case.iter_rows()) if hours.by_case is not None else {}
    of_case = named.get(case_key("test", event.case)) or hours.process
    of_step = (
        hours.by_resource.get(person_key(event.person))
        or hours.by_activity.get(activity_key(event.activity))
        or of_case
    )
    return hours.calendars.get(of_case), hours.calendars.get(of_step)


def works(calendar: Calendar | None, at: int) -> bool:
    if calendar is None:
        return True
    utc = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)
    return is_worked(calendar, utc.astimezone(ZoneInfo(calendar.zone)).replace(tzinfo=None))


def steps_of(row: list[Event]) -> list[tuple[int, int, int, Event]]:
    """(begin, end, place, event) in the order in which they begin."""
    both = [(event.at, event.at if event.started is None else event.started) for event in row]
    return sorted(
        (min(pair), max(pair), place, event) for place, (pair, event) in enumerate(zip(both, row, strict=True))
    )


def by_piece(events: list[Event], hours: Hours) -> dict[tuple[str, int], dict[str, int]]:
    """(case, place of the step in its case) -> the parts of time that end with it or are its own."""
    found = {}
    for case, row in cases_of(events).items():
        steps = steps_of(row)
        edges = {edge for begin, end, _, _ in steps for edge in (begin, end)}
        first, last = min(edges), max(edges)
        quarter = HALF_HOUR // 2
        edges = sorted(edges | set(range((first // quarter + 1) * quarter, last, quarter)))
        for _, _, place, _ in steps:
            found[case, place] = dict.fromkeys((*PARTS, *WORKING_PARTS), 0)
        for left, right in itertools.pairwise(edges):
            running = [step for step in steps if step[0] <= left and step[1] >= right]
            part = "processing_us"
            step = running[0] if running else next(step for step in steps if step[0] >= right)
            of_case, of_step = calendars_of(step[3], hours)
            if not running:
                part = "waiting_us" if works(of_step, left) else "idle_us"
            found[case, step[2]][part] += right - left
            if works(of_case, left):
                found[case, step[2]][f"working_{part}"] += right - left
    return found


@settings(max_examples=25, deadline=None)
@given(days_of_work())
def test_every_moment_of_a_case_is_counted_once(events):
    times = split_times(frame_of(events), hours=HOURS)
    expected = by_piece(events, HOURS)
    for step in times.steps.iter_rows(named=True):
        case = next(case for case, _ in expected if case_key("test", case) == step["case_key"])
        assert {name: step[name] for name in (*PARTS, *WORKING_PARTS)} == expected[case, step["event_seq"] - 1]
    spans = durations(events)
    for case in times.cases.iter_rows(named=True):
        name = next(name for name in spans if case_key("test", name) == case["case_key"])
        assert sum(case[part] for part in PARTS) == case["throughput_us"] == spans[name]
        assert sum(case[part] for part in WORKING_PARTS) == case["working_throughput_us"]
        assert case["calendar"] == ("mornings" if name == "case 1" else "office")


@settings(max_examples=25, deadline=None)
@given(random_events())
@example(hand_countable())
def test_around_the_clock_nothing_is_idle_and_working_time_is_clock_time(events):
    cases = split_times(frame_of(events)).cases
    assert cases.select("throughput_us", *PARTS).rows() == cases.select("working_throughput_us", *WORKING_PARTS).rows()
    assert cases["idle_us"].sum() == 0 and cases["calendar"].null_count() == len(cases)
    spans = measure_cases(frame_of(events))
    assert cases["throughput_us"].to_list() == spans["duration_us"].to_list()


@settings(max_examples=25, deadline=None)
@given(days_of_work())
def test_activities_arcs_and_the_process_add_up_to_the_cases(events):
    times, pieces = split_times(frame_of(events), hours=HOURS), by_piece(events, HOURS)
    activities = {row["activity_key"]: row for row in measure_activity_times(times).iter_rows(named=True)}
    rows = cases_of(events)
    for activity in {event.activity for event in events}:
        mine = {
            (case, place): parts for (case, place), parts in pieces.items() if rows[case][place].activity == activity
        }
        found = activities[activity_key(activity)]
        assert found["event_count"] == len(mine)
        assert found["timed_count"] == sum(rows[case][place].started is not None for case, place in mine)
        for part in (*PARTS, *WORKING_PARTS):
            assert found[f"total_{part[:-3]}_seconds"] == sum(parts[part] for parts in mine.values()) / 1_000_000
        first = {(case, steps_of(row)[0][2]) for case, row in rows.items()}
        waits = [p["working_waiting_us"] + p["working_idle_us"] for key, p in mine.items() if key not in first]
        for name, share in (("median", Fraction(1, 2)), ("p90", Fraction(9, 10))):
            expected = float(percentile(waits, share) / 1_000_000) if waits else None
            assert found[f"{name}_working_wait_seconds"] == expected
    arcs = measure_arc_times(times).to_native()
    totals = measure_process_times(times).to_native().row(0, named=True)
    for part in PARTS:
        everything = sum(parts[part] for parts in pieces.values()) / 1_000_000
        assert totals[f"total_{part[:-3]}_seconds"] == everything
        assert sum(row[f"total_{part[:-3]}_seconds"] for row in activities.values()) == pytest.approx(
            everything, abs=1e-6
        )
        if part != "processing_us":
            assert sum(arcs[f"total_{part[:-3]}_seconds"]) == pytest.approx(everything, abs=1e-6)
    assert totals["total_throughput_seconds"] == sum(durations(events).values()) / 1_000_000
    assert sum(arcs["wait_count"]) == len(events) - len(rows)


@settings(max_examples=25, deadline=None)
@given(random_events())
def test_arcs_are_those_of_the_graph_where_times_follow_the_order(events):
    orderly = []
    for row in cases_of(events).values():
        orderly += sorted(
            (Event(event.case, event.activity, event.at, None, event.person) for event in row),
            key=lambda event: event.at,
        )
    graph = discover_dfg(frame_of(orderly)).edges.to_native()
    arcs = measure_arc_times(split_times(frame_of(orderly))).to_native()
    shared = ["source_activity_key", "target_activity_key"]
    assert graph.select(
        *shared, "edge_count", "case_count", "total_seconds", "mean_seconds", "median_seconds"
    ).rows() == (
        arcs.select(
            *shared,
            "wait_count",
            "case_count",
            "total_working_wait_seconds",
            "mean_working_wait_seconds",
            "median_working_wait_seconds",
        ).rows()
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_engine_and_order_of_rows_change_nothing(engine):
    frame = frame_of(hand_countable())
    expected = split_times(frame)
    found = split_times(on_engine(frame.sample(fraction=1, shuffle=True, seed=5), engine))
    assert found.cases.rows() == expected.cases.rows() and found.steps.rows() == expected.steps.rows()


def test_an_overlap_counts_once_and_the_longest_hands_over():
    """a 0-10, b 2-4 within it, c waits from 10 to 12: the arc is a -> c, though b came last before c."""
    events = [Event("A", "a", 10, 0), Event("A", "b", 4, 2), Event("A", "c", 20, 12)]
    times = split_times(frame_of(events))
    assert times.cases.select("throughput_us", *PARTS).row(0) == (20, 2, 0, 18)
    arcs = measure_arc_times(times).select("source_activity_key", "target_activity_key", "total_waiting_seconds").rows()
    a, b, c = (activity_key(name) for name in "abc")
    assert sorted(arcs) == sorted([(a, b, 0.0), (a, c, 2e-6)])


def test_tables_of_an_empty_log_are_empty():
    assert measure_performance(log_of([]), Facts(), k=5) == ({}, {})


def test_calendar_of_a_case_comes_from_its_attribute():
    log = log_of(hand_countable())
    attributes = pl.DataFrame({"case_key": log.cases["case_key"], "country": ["BE", "XX", None, "BE", "BE"]})
    declared = Performance(
        calendar="mornings",
        by_attribute=("country", {"BE": "office"}),
        calendars={calendar.name: calendar for calendar in (OFFICE, MORNINGS)},
    )
    tables, _ = measure_performance(log, Facts(declared=declared, attributes=attributes), k=5)
    found = dict(tables["case_times"].select("case_key", "calendar").iter_rows())
    assert [found[key] for key in log.cases["case_key"]] == ["office", "mornings", "mornings", "office", "office"]


def test_times_that_cannot_be_true_break_nothing():
    """A year typed wrongly, and the first day that a database knows: everything adds up, days are left out."""
    office = Performance(calendar="office", calendars={"office": OFFICE}, batch_gap_us=60_000_000)
    years = {"early": 1, "old": 1500, "now": 2025, "late": 5000, "last": 9999}
    events = []
    for case, year in years.items():
        at = us(datetime(year, 12, 31, 23, 30, tzinfo=UTC))
        events += [Event(case, "a", CHANGE, None, "p"), Event(case, "b", at, at - 3_600_000_000, "p")]
    tables, _ = measure_performance(log_of(events, open_cases={"now"}), Facts(declared=office), k=1)
    assert "work_in_progress" not in tables and len(tables["waiting_causes"]) == 2
    spans = durations(events)
    for row in tables["case_times"].iter_rows(named=True):
        parts = (row[f"{part[:-3]}_microseconds"] for part in PARTS)
        assert sum(parts) == row["throughput_microseconds"] == spans[row["case_id"]]
