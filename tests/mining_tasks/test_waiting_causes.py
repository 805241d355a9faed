"""Causes of waiting a second way: moment by moment of every wait."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mining_tasks import waiting_causes
from mining_tasks.batches import find_batches
from mining_tasks.calendars import Calendar
from mining_tasks.waiting import Hours, split_times
from mining_tasks.waiting_causes import CAUSES, explain_waiting, measure_causes
from sluice.keys import activity_key
from tests.mining_tasks.logs import Event, frame_of
from tests.mining_tasks.test_batches import shared_work

SECOND = 1_000_000
HALF = Calendar("half", "UTC", (tuple((second, second + 2) for second in range(1, 100, 3)),) * 7)


def by_moment(steps: list[dict], batched: dict, works) -> dict:
    """(case, seq) -> seconds of each cause."""
    found = {}
    known = [step for step in steps if step["resource_key"] is not None]
    for step in known:
        if step["ready_us"] is None or step["ready_us"] >= step["begin_us"]:
            continue
        causes = dict.fromkeys(CAUSES, 0)
        for moment in range(step["ready_us"], step["begin_us"], SECOND):
            running = [
                other
                for other in known
                if other["resource_key"] == step["resource_key"] and other["begin_us"] <= moment < other["end_us"]
            ]
            if moment < batched.get((step["case_key"], step["event_seq"]), moment):
                cause = "batching_us"
            elif not works(moment // SECOND):
                cause = "unavailability_us"
            elif running:
                order = ("begin_us", "end_us", "case_key", "event_seq")
                who = min(running, key=lambda other: tuple(other[name] for name in order))
                there = who["begin_us"] if who["ready_us"] is None else who["ready_us"]
                cause = "contention_us" if there <= step["ready_us"] else "prioritisation_us"
            else:
                cause = "extraneous_us"
            causes[cause] += SECOND
        found[step["case_key"], step["event_seq"]] = causes
    return found


@settings(max_examples=150, deadline=None)
@given(shared_work(), st.booleans(), st.integers(0, 2))
def test_every_second_of_a_wait_has_one_cause(events, has_hours, gap):
    events = [
        Event(e.case, e.activity, e.at * SECOND, None if e.started is None else e.started * SECOND, e.person)
        for e in events
        if e.at >= 5 or e.started is None
    ]
    hours = Hours(calendars={"half": HALF}, process="half") if has_hours else Hours()
    times = split_times(frame_of(events), hours=hours)
    batched = find_batches(times.steps, gap_us=gap * SECOND)
    ready = {(row["case_key"], row["event_seq"]): row["batch_ready_us"] for row in batched.iter_rows(named=True)}
    found = {
        (row["case_key"], row["event_seq"]): {cause: row[cause] for cause in CAUSES}
        for row in explain_waiting(times.steps, batched, times.laid).iter_rows(named=True)
    }
    works = (lambda second: second % 3 != 0) if has_hours else (lambda second: True)
    assert found == by_moment(times.steps.to_dicts(), ready, works)
    lost = {
        (step["case_key"], step["event_seq"]): step["waiting_us"] + step["idle_us"] for step in times.steps.to_dicts()
    }
    assert all(sum(causes.values()) == lost[key] for key, causes in found.items())


def test_first_come_first_served_is_contention_and_queue_jumping_prioritisation():
    """p works 0-10 on x; A is there at 2, B at 4; p takes B (10-29), then A (30-35), then nobody until C at 50 (there at 40)."""
    minute = 60 * SECOND
    events = [
        Event("x", "work", 10 * minute, 0, "p"),
        Event("A", "ask", 2 * minute),
        Event("A", "work", 35 * minute, 30 * minute, "p"),
        Event("B", "ask", 4 * minute),
        Event("B", "work", 29 * minute, 10 * minute, "p"),
        Event("C", "ask", 40 * minute),
        Event("C", "work", 60 * minute, 50 * minute, "p"),
    ]
    times = split_times(frame_of(events))
    explained = explain_waiting(times.steps, find_batches(times.steps), times.laid)
    total = {cause: explained[cause].sum() / minute for cause in CAUSES}
    assert total == {
        "batching_us": 0,
        "unavailability_us": 0,
        "contention_us": 8 + 6,  # x, for A and B
        "prioritisation_us": 19,  # B, for A
        "extraneous_us": 1 + 10,  # a minute of A, C
    }


@settings(max_examples=40, deadline=None)
@given(shared_work())
def test_however_many_resources_fit_on_an_axis(events):
    times = split_times(frame_of(events))
    batched = find_batches(times.steps)
    expected = explain_waiting(times.steps, batched, times.laid).rows()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(waiting_causes, "_AXIS", 1)
        assert explain_waiting(times.steps, batched, times.laid).rows() == expected


def test_shares_add_up_and_rest_on_k_persons():
    events = []
    for n in range(6):
        events += [Event(f"c{n}", "ask", 0), Event(f"c{n}", "work", 10 * SECOND, 5 * SECOND, f"p{n % 5}")]
    times = split_times(frame_of(events))
    explained = explain_waiting(times.steps, find_batches(times.steps), times.laid)
    table, left_out = measure_causes(explained, k=5)
    row = table.row(0, named=True)
    assert (row["activity_key"], row["wait_count"], row["total_wait_seconds"]) == (activity_key("work"), 6, 30.0)
    assert sum(row[f"{cause[:-3]}_share"] for cause in CAUSES) == pytest.approx(1) and left_out == 0
    assert measure_causes(explained, k=6)[1] == 1 and measure_causes(explained, k=6)[0].is_empty()
