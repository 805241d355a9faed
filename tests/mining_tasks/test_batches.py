"""Batches a second way: step by step through each resource's work; and on small examples of each kind."""

from collections import Counter, defaultdict

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mining_tasks import batches
from mining_tasks.batches import find_batches, measure_batches
from mining_tasks.waiting import split_times
from sluice.demo.plants import CLEAN
from sluice.keys import activity_key
from tests.mining_tasks.companies import happened
from tests.mining_tasks.logs import Event, frame_of


@st.composite
def shared_work(draw: st.DrawFn) -> list[Event]:
    """Many cases, few people and moments: everything ties, touches and overlaps."""
    events = []
    for case in range(draw(st.integers(2, 8))):
        at = 0
        for _ in range(draw(st.integers(1, 4))):
            at += draw(st.integers(0, 4))
            lasts = draw(st.sampled_from([None, 0, 1, 2, 5]))
            person = draw(st.sampled_from(["p", "p", "q", None]))
            events.append(
                Event(f"case {case}", draw(st.sampled_from("ab")), at, None if lasts is None else at - lasts, person)
            )
    return events


def by_hand(steps: list[dict], gap: int) -> list[list[dict]]:
    """Lists of the steps of each batch."""
    work = defaultdict(list)
    for step in steps:
        if step["resource_key"] is not None:
            work[step["activity_key"], step["resource_key"]].append(step)
    batches = []
    for row in work.values():
        row.sort(key=lambda step: (step["begin_us"], step["case_key"], step["end_us"], step["event_seq"]))
        run, until = [], None
        for step in row:
            there = step["begin_us"] if step["ready_us"] is None else step["ready_us"]
            if run and step["begin_us"] - until <= gap and there <= run[0]["begin_us"]:
                run.append(step)
            else:
                batches.append(run)
                run = [step]
            until = step["end_us"] if until is None else max(until, step["end_us"])
        batches.append(run)
    return [run for run in batches if len({step["case_key"] for step in run}) > 1]


def kind_of(run: list[dict]) -> str:
    spans = [(step["begin_us"], step["end_us"]) for step in run]
    if len(set(spans)) == 1:
        return "simultaneous"
    return (
        "concurrent" if any(b < max(e for _, e in spans[:n]) for n, (b, _) in enumerate(spans) if n) else "sequential"
    )


@settings(max_examples=200, deadline=None)
@given(shared_work(), st.integers(0, 2))
def test_batches_equal_those_found_step_by_step(events, gap):
    steps = split_times(frame_of(events)).steps
    found = defaultdict(set)
    kinds, ready = {}, {}
    for row in find_batches(steps, gap_us=gap).iter_rows(named=True):
        found[row["batch"]].add((row["case_key"], row["event_seq"]))
        kinds[row["batch"]], ready[row["batch"]] = row["kind"], row["batch_ready_us"]
    expected = by_hand(steps.to_dicts(), gap)
    as_sets = {frozenset((step["case_key"], step["event_seq"]) for step in run): run for run in expected}
    assert {frozenset(rows) for rows in found.values()} == set(as_sets)
    for batch, rows in found.items():
        run = as_sets[frozenset(rows)]
        assert kinds[batch] in (kind_of(run), "concurrent")
        if kinds[batch] != kind_of(run):  # overlaps a step of the resource from before the batch
            assert kind_of(run) == "sequential"
        there = [step["begin_us"] if step["ready_us"] is None else step["ready_us"] for step in run]
        assert ready[batch] == max(there)


@settings(max_examples=40, deadline=None)
@given(shared_work(), st.integers(0, 2))
def test_times_too_far_apart_to_be_packed_make_the_same_batches(events, gap):
    steps = split_times(frame_of(events)).steps
    expected = find_batches(steps, gap_us=gap).rows()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(batches, "PACKED", 1)
        assert find_batches(steps, gap_us=gap).rows() == expected


def batch_of(*spans: tuple[int, int], person: str = "p") -> list[Event]:
    """Cases that are all there at 0 and have "work" in the spans."""
    events = []
    for number, (begin, end) in enumerate(spans):
        events += [Event(f"c{number}", "ask", number // 100), Event(f"c{number}", "work", end, begin, person)]
    return events


@pytest.mark.parametrize(
    ("spans", "kind"),
    [
        (((10, 20), (10, 20), (10, 20)), "simultaneous"),
        (((10, 20), (20, 25), (27, 30)), "sequential"),
        (((10, 20), (15, 25), (25, 30)), "concurrent"),
    ],
)
def test_each_kind(spans, kind):
    steps = split_times(frame_of(batch_of(*spans))).steps
    found = find_batches(steps, gap_us=2)
    assert found["kind"].to_list() == [kind] * 3 and found["batch"].n_unique() == 1


def test_work_in_the_order_of_arrival_is_no_batch():
    events = []
    for number in range(5):
        events += [
            Event(f"c{number}", "ask", number * 10),
            Event(f"c{number}", "work", number * 10 + 10, number * 10, "p"),
        ]
    assert find_batches(split_times(frame_of(events)).steps).is_empty()


def test_figures_rest_on_k_persons():
    events = [event for n in range(3) for event in batch_of((10, 20), (10, 20), person=f"p{n}")]
    events = [
        Event(f"{event.case} {n // 4}", event.activity, event.at, event.started, event.person)
        for n, event in enumerate(events)
    ]
    steps = split_times(frame_of(events)).steps
    table, left_out = measure_batches(find_batches(steps), steps, k=3)
    assert left_out == 0
    assert table.row(0, named=True) == {
        "activity_key": activity_key("work"),
        "kind": "simultaneous",
        "batch_count": 3,
        "event_count": 6,
        "case_count": 6,
        "event_share": 1.0,
        "mean_size": 2.0,
        "max_size": 2,
        "total_batch_wait_seconds": 0.0,
        "resource_count": 3,
    }
    table, left_out = measure_batches(find_batches(steps), steps, k=4)
    assert table.is_empty() and left_out == 1


P2P, POSTING = "purchase_to_pay", "Post Vendor Bill"
MINUTE = 60_000_000


def bought(seed: int, cases: int, **plant: bool) -> list[tuple]:
    """What happened to the purchase orders of a simulated company, in the order of time."""
    return sorted(one for one in happened(seed, cases=cases, plant=CLEAN | plant) if one[1] == P2P)


def published(rows: list[tuple]) -> pl.DataFrame:
    """The batches that are shown where five persons must stand behind each row, as the demo declares them."""
    events = [Event(case, activity, at * 1_000_000, None, login) for at, _, case, activity, login in rows]
    steps = split_times(frame_of(events)).steps
    return measure_batches(find_batches(steps, gap_us=MINUTE), steps, k=5)[0]


@pytest.mark.parametrize("seed", [1, 4])
def test_planted_batches_are_found_alone_and_of_their_size(seed):
    rows = bought(seed, 1500, batched_posting=True)
    (found,) = published(rows).to_dicts()
    before, there = {}, defaultdict(list)  # of each posting: since when its case was there
    for at, _, case, activity, login in rows:
        if activity == POSTING:
            there[login, at].append(before[case])
        before[case] = at
    batches = [since for since in there.values() if len(since) > 1]
    sizes = Counter(map(len, batches))
    events = sum(size * count for size, count in sizes.items())
    assert len(batches) > 100
    assert found == {
        "activity_key": activity_key(POSTING),
        "kind": "simultaneous",
        "batch_count": len(batches),
        "event_count": events,
        "case_count": events,
        "event_share": events / sum(map(len, there.values())),
        "mean_size": events / len(batches),
        "max_size": max(sizes),
        "total_batch_wait_seconds": float(sum(max(since) - one for since in batches for one in since)),
        "resource_count": len({login for (login, _), since in there.items() if len(since) > 1}),
    }


@pytest.mark.parametrize("companies", [20, pytest.param(100, marks=pytest.mark.slow)])
def test_where_nobody_works_in_batches_next_to_none_are_found(companies):
    found = [seed for seed in range(1, companies + 1) if len(published(bought(seed, 400)))]
    assert len(found) <= companies // 10, found
