"""Heuristics miner: measures by hand, by plain loops and as pm4py has them; the dependency graph of the paper."""

import warnings
from collections import Counter
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mining_tasks.eventually_follows import count_eventually_follows
from mining_tasks.heuristics import Thresholds, measure_dependencies, tabulate_dependencies
from tests.mining_tasks import public_logs
from tests.mining_tasks.test_eventually_follows import by_loops
from tests.mining_tasks.trees import coded, real_traces

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pm4py.algo.discovery.heuristics.algorithm import Variants
    from pm4py.algo.discovery.heuristics.algorithm import apply_heu as pm4py_heuristics

logs = st.dictionaries(
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=8).map(tuple), st.integers(1, 30), min_size=1, max_size=6
)


def measured(traces, **thresholds):
    found, _ = coded(traces)
    nexts = count_eventually_follows(found.log).nexts
    measures = measure_dependencies(found.log, nexts, thresholds=Thresholds(**thresholds))
    rows = tabulate_dependencies(found, measures, nexts).iter_rows(named=True)
    return {(found.names[r["source_activity_key"]], found.names[r["target_activity_key"]]): r for r in rows}


def net(rows):
    return {arc for arc, row in rows.items() if row["is_in_net"]}


def test_measures_by_hand():
    rows = measured({("a", "b", "a", "b", "c"): 3, ("b", "b", "c"): 1})
    ab = rows["a", "b"]
    assert (ab["edge_count"], ab["reverse_edge_count"], ab["dependency"]) == (6, 3, 3 / 10)
    assert (ab["two_loop_count"], rows["b", "a"]["two_loop_count"], ab["two_loop_dependency"]) == (3, 3, 6 / 7)
    assert (rows["b", "b"]["edge_count"], rows["b", "b"]["dependency"]) == (1, 1 / 2)
    assert rows["b", "b"]["two_loop_dependency"] is rows["b", "b"]["long_distance_dependency"] is None
    # 6 a and 8 b; after each a comes a b before the next a
    assert (ab["next_count"], ab["long_distance_dependency"]) == (6, (2 * 6 - 2 * 2) / 15)


@settings(max_examples=150, deadline=None)
@given(logs)
def test_measures_by_loops(traces):
    direct, loops = Counter(), Counter()
    for trace, count in traces.items():
        for arc in pairwise(trace):
            direct[arc] += count
        for one, two, three in zip(trace, trace[1:], trace[2:], strict=False):
            loops[one, two] += count * (one == three != two)
    rows = measured(traces)
    assert {*direct, *+loops} <= rows.keys()
    for (a, b), row in rows.items():
        there, back, both = direct[a, b], direct[b, a], loops[a, b] + loops[b, a]
        assert (row["edge_count"], row["reverse_edge_count"], row["two_loop_count"]) == (there, back, loops[a, b])
        assert row["dependency"] == (there / (there + 1) if a == b else (there - back) / (there + back + 1))
        assert row["two_loop_dependency"] == (None if a == b else both / (both + 1))
        assert not row["is_in_net"] or there or both


def net_by_the_paper(traces, *, strong=0.9, relative=0.05):
    """The twelve steps of the paper, word for word, on the log with one task before and one after each case."""
    direct, loops = Counter(), Counter()
    for trace, count in traces.items():
        steps = ("first", *trace, "last")
        for arc in pairwise(steps):
            direct[arc] += count
        for one, two, three in zip(steps, steps[1:], steps[2:], strict=False):
            loops[one, two] += count * (one == three != two)
    tasks = {task for arc in direct for task in arc}
    pairs = [(a, b) for a in tasks for b in tasks if a != b]
    value = {(a, b): (direct[a, b] - direct[b, a]) / (direct[a, b] + direct[b, a] + 1) for a, b in pairs}
    one = {a for a in tasks if direct[a, a] / (direct[a, a] + 1) >= strong}
    both = {(a, b): loops[a, b] + loops[b, a] for a, b in pairs}
    two = {(a, b) for a, b in pairs if {a, b}.isdisjoint(one) and both[a, b] / (both[a, b] + 1) >= strong}
    out = {(a, b) for a, b in pairs if a != "last" and value[a, b] == max(value[a, y] for y in tasks - {a})}
    into = {(a, b) for a, b in pairs if b != "first" and value[a, b] == max(value[x, b] for x in tasks - {b})}
    weak_out = {
        (a, x)
        for a, x in out
        if value[a, x] < strong and any((a, b) in two and value[b, y] - value[a, x] > relative for b, y in out)
    }
    weak_in = {
        (x, a)
        for x, a in into
        if value[x, a] < strong and any((a, b) in two and value[y, b] - value[x, a] > relative for y, b in into)
    }
    out, into = out - weak_out, into - weak_in
    far_out = {
        (a, b)
        for a, b in pairs
        if value[a, b] >= strong or any(c == a and value[c, d] - value[a, b] < relative for c, d in out)
    }
    far_in = {
        (a, b)
        for a, b in pairs
        if value[a, b] >= strong or any(d == b and value[c, d] - value[a, b] < relative for c, d in into)
    }
    arcs = {(a, a) for a in one} | two | {arc for arc in far_out | far_in if value[arc] > 0}
    return {arc for arc in arcs if {"first", "last"}.isdisjoint(arc)}


@settings(max_examples=200, deadline=None)
@given(logs)
def test_dependency_graph_is_that_of_the_papers_steps(traces):
    assert net(measured(traces)) == net_by_the_paper(traces)


@settings(max_examples=100, deadline=None)
@given(logs)
def test_long_distance_by_loops(traces):
    _, nexts, _ = by_loops(traces)
    events = Counter()
    for trace, count in traces.items():
        for name in trace:
            events[name] += count
    for (a, b), row in measured(traces).items():
        assert row["next_count"] == nexts[a, b]
        if a != b:
            total = events[a] + events[b] + 1
            value = (2 * nexts[a, b] - 2 * abs(events[a] - events[b])) / total
            assert row["long_distance_dependency"] == value
            assert row["is_long_distance"] == (value >= 0.9 and not row["is_in_net"])


@pytest.mark.parametrize("name", public_logs.every())
def test_dependencies_equal_pm4py(name, real_data):
    log = public_logs.read(name, real_data)
    found, traces = real_traces(log)
    rows = measured(traces)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # it sorts by time: the order of the file as times; and leaves rare arcs out before it measures: none
        log["time:timestamp"] = pd.Timestamp("2020-01-01", tz="UTC") + pd.to_timedelta(range(len(log)), unit="s")
        options = {"dfg_pre_cleaning_noise_thresh": 0.0}
        theirs = pm4py_heuristics(log, variant=Variants.CLASSIC, parameters=options)
    expected = {(a, b): value for a, targets in theirs.dependency_matrix.items() for b, value in targets.items()}
    found_values = {arc: row["dependency"] for arc, row in rows.items() if row["edge_count"]}
    assert found_values == pytest.approx({arc: expected[arc] for arc in found_values}, abs=1e-12)
    assert all(value <= 0 for arc, value in expected.items() if arc not in found_values)
    assert len(found.names) == len(theirs.activities)


def test_every_activity_of_the_net_is_connected():
    """Between start and end every activity has its strongest cause and its strongest follower, weak as they are."""
    rows = measured({("a", "b", "d"): 1, ("a", "c", "d"): 1})
    assert net(rows) == {("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")}
    assert max(row["dependency"] for row in rows.values()) < 0.9


def test_noise_stays_out_and_loops_are_found():
    rows = measured({("a", "a", "b", "c", "b", "c", "d"): 40, ("a", "b", "c", "d"): 40, ("b", "a", "c", "d"): 1})
    assert ("a", "a") in net(rows) and ("b", "a") not in net(rows) and ("b", "a") in rows
    assert rows["c", "b"]["dependency"] < 0 and ("c", "b") in net(rows)  # b c b, c b c: a loop of length two


def test_long_distance_dependency_is_found_beside_the_net():
    """What was chosen first decides what comes last."""
    rows = measured({("a", "c", "d"): 50, ("b", "c", "e"): 50})
    assert rows["a", "d"]["is_long_distance"] and rows["b", "e"]["is_long_distance"]
    assert rows["a", "d"]["long_distance_dependency"] == pytest.approx(100 / 101)
    assert ("a", "e") not in rows and not rows["a", "c"]["is_long_distance"]


def test_empty_log_has_none():
    assert measured({}) == {}
    assert np.isfinite(measured({("a",): 1}).get(("a", "a"), {"dependency": 0})["dependency"])
