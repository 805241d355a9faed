"""The order certificate against every legal order written out and mined, one by one."""

from collections import Counter, defaultdict
from itertools import combinations, permutations, product
from math import prod
from random import Random

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mining_tasks.durations import MEDIAN, P90
from mining_tasks.order_blocks import find_blocks
from mining_tasks.order_bounds import Figures, bound_figures
from mining_tasks.order_statistics import extreme_mean, extreme_quantiles
from mining_tasks.order_variants import admits, bound_variants, intersection, linearisation_count, write_out
from mining_tasks.results import compute
from sluice.keys import activity_key
from tests.mining_tasks.logs import Event, log_of

ORDER = ("occurred_at", "rank", "source_seq", "event_id")
RANKS = {"a": 1, "b": 2, "c": 2, "d": None}
SECOND = 1_000_000


@st.composite
def tied_events(draw: st.DrawFn) -> list[list[Event]]:
    """Cases whose events share few times; some with a start of their own."""
    cases = []
    for number in range(draw(st.integers(1, 4))):
        times = sorted(draw(st.lists(st.integers(0, 2), min_size=1, max_size=5)))
        events = []
        for at in times:
            lasts = draw(st.sampled_from([None, None, None, 1, 2]))
            activity = draw(st.sampled_from("abcd"))
            started = None if lasts is None else (at * 3 - lasts) * SECOND
            events.append(Event(f"case {number}", activity, at * 3 * SECOND, started))
        cases.append(events)
    return cases


def legal_orders(case: list[Event], *, ranked: bool) -> list[tuple[Event, ...]]:
    blocks: dict[tuple, list[Event]] = {}
    for event in case:
        rank = RANKS[event.activity] if ranked else 0
        blocks.setdefault((event.at, -1 if rank is None else rank), []).append(event)
    ordered = [sorted(set(permutations(blocks[key])), key=repr) for key in sorted(blocks)]
    return [tuple(event for part in parts for event in part) for parts in product(*ordered)]


def values_of(cases: tuple[tuple[Event, ...], ...]) -> dict[tuple, float]:
    """All figures of one order, in plain Python, by (result, kpi, activity, next activity, sequence)."""
    arcs, arc_cases, waits = defaultdict(list), defaultdict(set), defaultdict(list)
    counts, sequences = Counter(), Counter()
    for number, case in enumerate(cases):
        keys = [activity_key(event.activity) for event in case]
        sequences[tuple(keys)] += 1
        counts["start", keys[0]] += 1
        counts["end", keys[-1]] += 1
        for before, event, source, target in zip(case, case[1:], keys, keys[1:], strict=False):
            begin = event.at if event.started is None else event.started
            arcs[source, target].append(max(0, begin - before.at) / SECOND)
            arc_cases[source, target].add(number)
            waits[target].append(max(0, begin - before.at) / SECOND)
    values: dict[tuple, float] = {
        ("process_kpis", "variant_count", None, None, ""): len(sequences),
        ("process_kpis", "edge_count", None, None, ""): len(arcs),
    }
    for arc, seconds in arcs.items():
        figures = {"edge_count": len(seconds), "case_count": len(arc_cases[arc]), "total_seconds": sum(seconds)}
        figures |= {"min_seconds": min(seconds), "max_seconds": max(seconds)} | middle("", seconds)
        values |= {("dfg", kpi, *arc, ""): figure for kpi, figure in figures.items()}
        if arc[0] == arc[1]:
            values["rework", "self_loop_count", arc[0], None, ""] = len(seconds)
    for activity, seconds in waits.items():
        for kpi, figure in middle("wait_", seconds).items():
            values["activity_kpis", kpi, activity, None, ""] = figure
    for (end, activity), count in counts.items():
        values["activity_kpis", f"{end}_count", activity, None, ""] = count
        values[f"{end}_activities", "case_count", activity, None, ""] = count
    for sequence, count in sequences.items():
        values["variants", "case_count", None, None, sequence] = count
    return values


def middle(of: str, seconds: list[float]) -> dict[str, float]:
    return {
        f"mean_{of}seconds": float(np.mean(seconds)),
        f"median_{of}seconds": float(np.quantile(seconds, 0.5)),
        f"p90_{of}seconds": float(np.quantile(seconds, 0.9)),
    }


COUNTS = {"edge_count", "case_count", "start_count", "end_count", "self_loop_count", "total_seconds"}


@settings(max_examples=60, deadline=None)
@given(cases=tied_events(), ranked=st.booleans())
def test_bounds_hold_over_all_legal_orders_and_are_reached_where_they_say_so(cases, ranked):
    orders = [legal_orders(case, ranked=ranked) for case in cases]
    assume(1 < prod(map(len, orders)) <= 60)
    everything = [values_of(chosen) for chosen in product(*orders)]
    values = everything[0]
    ranks = {activity_key(name): rank for name, rank in RANKS.items()}
    log = log_of([event for chosen in (one[0] for one in orders) for event in chosen])
    figures = Figures.of(compute(log, k=1))
    bounds = bound_figures(log.events, figures, order=ORDER, ranks=ranks)
    found = {}
    for row in bounds.filter(trusted_order="occurred_at, rank" if ranked else "occurred_at").iter_rows():
        sequence = figures.sequences[row[5]] if row[5] else ""
        found[*row[1:5], sequence] = row[6:]
    for key, value in values.items():
        seen = [0 if key[1] in COUNTS and other.get(key) is None else other.get(key) for other in everything]
        seen = [one for one in seen if one is not None]
        if not seen or min(seen) == max(seen):
            if key in found and seen:
                shown, lowest, highest, is_exact = found[key]
                assert lowest <= seen[0] <= highest and not is_exact
            continue
        shown, lowest, highest, is_exact = found[key]
        assert shown == pytest.approx(value)
        assert lowest <= min(seen) + 1e-9 and max(seen) - 1e-9 <= highest, key
        if is_exact:
            assert (lowest, highest) == pytest.approx((min(seen), max(seen))), key
    assert {key for key, (value, *_) in found.items() if value} <= values.keys()


values = st.lists(st.integers(-5, 9), max_size=5).map(lambda numbers: np.array(sorted(numbers), dtype=np.int64))


@settings(max_examples=200, deadline=None)
@given(sure=values, possible=values, share=st.sampled_from([MEDIAN, P90]))
def test_extremes_are_those_of_all_parts(sure, possible, share):
    parts = [list(part) for size in range(len(possible) + 1) for part in combinations(possible, size)]
    samples = [np.concatenate([sure, np.array(part, dtype=np.int64)]) for part in parts]
    samples = [sample for sample in samples if len(sample)]
    for of, figure in (
        (
            lambda low: extreme_quantiles(sure, possible, [share], lowest=low)[0],
            lambda x: np.quantile(x, float(share)),
        ),
        (lambda low: extreme_mean(sure, possible, lowest=low), np.mean),
    ):
        if not samples:
            assert of(True) is None and of(False) is None
            continue
        figures = [figure(sample) for sample in samples]
        assert of(True) == pytest.approx(min(figures))
        assert of(False) == pytest.approx(max(figures))


signatures = st.lists(
    st.lists(st.integers(1, 3), min_size=1, max_size=3).map(lambda b: tuple(sorted(b))), max_size=3
).map(tuple)


@settings(max_examples=200, deadline=None)
@given(left=signatures, right=signatures)
def test_what_two_signatures_share_is_one_signature(left, right):
    ours, theirs = set(write_out(left)), set(write_out(right))
    assert len(ours) == linearisation_count(left)
    assert all(admits(left, sequence) == (sequence in ours) for sequence in ours | theirs)
    common = intersection(left, right)
    assert (set(write_out(common)) if common is not None else set()) == ours & theirs


def frame_of_blocks(cases: list[tuple[tuple[int, ...], ...]]) -> pl.DataFrame:
    rows = []
    for case, blocks in enumerate(cases):
        seq = 0
        for at, block in enumerate(blocks):
            for activity in block:
                seq += 1
                rows.append((case, seq, activity, at, None, None))
    schema = ("case_key", "event_seq", "activity_key", "occurred_us", "started_us", "resource_key")
    return pl.DataFrame(rows, schema=dict.fromkeys(schema, pl.Int64), orient="row")


@settings(max_examples=150, deadline=None)
@given(cases=st.lists(signatures.filter(bool), min_size=1, max_size=7))
def test_the_fewest_and_the_most_variants_are_those_of_all_choices(cases):
    options = [sorted(write_out(case)) for case in cases]
    assume(prod(map(len, options)) <= 3000)
    chosen = [tuple(key for block in case for key in block) for case in cases]
    bounds = bound_variants(find_blocks(frame_of_blocks(cases)), Counter(chosen))
    counts = [len(set(choice)) for choice in product(*options)]
    assert (bounds.lowest_count, bounds.highest_count) == (min(counts), max(counts))
    assert bounds.is_lowest_exact and bounds.is_highest_exact
    for sequence, (fewest, most) in bounds.cases.items():
        assert fewest == sum(case == [sequence] for case in options)
        assert most == sum(sequence in case for case in options)


def test_many_ties_are_bounded_and_said_to_be():
    """Twelve events at once have 479,001,600 orders: nothing is written out, and forty cases can all differ."""
    cases = [(tuple(range(12)),)] * 40
    bounds = bound_variants(find_blocks(frame_of_blocks(cases)), {tuple(range(12)): 40})
    assert (bounds.lowest_count, bounds.highest_count) == (1, 40)
    assert bounds.is_lowest_exact and bounds.is_highest_exact


def test_an_order_that_does_not_begin_with_time_leaves_nothing_open():
    log = log_of([Event("one", "a", 0), Event("one", "b", 0)])
    figures = Figures.of(compute(log, k=1))
    assert len(bound_figures(log.events, figures, order=("source_seq",), ranks={})) == 0
    assert len(bound_figures(log.events, figures, order=("occurred_at", "source_seq"), ranks={})) > 0


def test_ranks_that_are_declared_decide_ties():
    log = log_of([Event("one", "a", 0), Event("one", "b", 0), Event("one", "c", 5)])
    figures = Figures.of(compute(log, k=1))
    ranks = {activity_key("a"): 1, activity_key("b"): 2, activity_key("c"): 3}
    bounds = bound_figures(log.events, figures, order=ORDER, ranks=ranks)
    assert set(bounds["trusted_order"].to_list()) == {"occurred_at"}


def test_no_shuffle_of_the_ties_of_a_public_log_leaves_its_bounds(real_data):
    """Sepsis: ties decide whether it has 662 or 882 variants."""
    import pm4py

    frame = pm4py.read_xes(str(real_data("logs/Sepsis.xes.gz")))
    cases: dict[str, list[Event]] = {}
    for case, activity, at in zip(
        frame["case:concept:name"], frame["concept:name"], frame["time:timestamp"], strict=True
    ):
        cases.setdefault(case, []).append(Event(case, activity, int(at.timestamp()) * SECOND))
    ordered = [sorted(case, key=lambda event: event.at) for _, case in sorted(cases.items())]
    log = log_of([event for case in ordered for event in case])
    figures = Figures.of(compute(log, k=1))
    bounds = bound_figures(log.events, figures, order=("occurred_at", "source_seq"), ranks={})
    found = {(*row[1:5], figures.sequences[row[5]] if row[5] else ""): row[6:] for row in bounds.iter_rows()}
    assert found["process_kpis", "variant_count", None, None, ""] == (846, 662, 882, True)
    shuffle = Random(7)
    for _ in range(10):
        legal = tuple(tuple(sorted(case, key=lambda event: (event.at, shuffle.random()))) for case in ordered)
        for key, value in values_of(legal).items():
            if key in found:
                assert found[key][1] - 1e-6 <= value <= found[key][2] + 1e-6, key
