"""Inductive miner: generated trees are found again, and what pm4py finds has the same language."""

import itertools
import random
import warnings
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mining_tasks.inductive import discover_tree
from mining_tasks.inductive_directly_follows import discover_tree_of_graph
from mining_tasks.inductive_graph import graph_of, graphs_without_each
from mining_tasks.inductive_log import WeightedLog, direct_counts, end_counts, start_counts
from mining_tasks.process_tree import (
    CHOICE,
    CONCURRENCY,
    LOOP,
    SEQUENCE,
    TAU,
    ProcessTree,
    activity,
    can_be_empty,
    reduced,
)
from tests.mining_tasks import public_logs
from tests.mining_tasks.trees import (
    activities,
    allows,
    coded,
    log_of_tree,
    random_tree,
    real_traces,
    same_language,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pm4py.algo.discovery.inductive.dtypes.im_ds import IMDataStructureUVCL
    from pm4py.algo.discovery.inductive.variants.im import IMUVCL
    from pm4py.algo.discovery.inductive.variants.imf import IMFUVCL

logs = st.dictionaries(
    st.lists(st.sampled_from("abcde"), max_size=7).map(tuple), st.integers(1, 9), min_size=1, max_size=7
)


def as_ours(theirs) -> ProcessTree:
    """pm4py's tree as one of ours (of its text the names may not be told from the rest)."""
    if theirs.operator is None:
        return TAU if theirs.label is None else activity(theirs.label)
    return ProcessTree(str(theirs.operator), tuple(map(as_ours, theirs.children)))


def pm4py_tree(traces, noise):
    options = {"noise_threshold": noise, "multiprocessing": False}
    miner = (IMFUVCL if noise else IMUVCL)(options)
    return as_ours(miner.apply(IMDataStructureUVCL(Counter(traces)), options))


def assert_as_pm4py(traces):
    found, _ = coded(traces)
    for noise in (0.0, 0.2):
        ours, theirs = discover_tree(found.log, found.names, noise_threshold=noise), pm4py_tree(traces, noise)
        assert ours == reduced(theirs) or same_language(ours, theirs), (noise, ours.text, theirs.text)


def can_be_found_again(tree: ProcessTree) -> bool:
    """The class of Leemans et al. (2013), theorem 14: nothing silent, and no activity that both starts and ends the body
    of a loop.
    """
    if tree.operator == LOOP:
        body = {name for name in activities(tree.children[0]) if allows_start(tree.children[0], name)}
        if body & {name for name in activities(tree.children[0]) if allows_end(tree.children[0], name)}:
            return False
    return all(can_be_found_again(child) for child in tree.children)


def allows_start(tree: ProcessTree, name: str) -> bool:
    if tree.operator is None:
        return tree.label == name
    if tree.operator in (SEQUENCE, LOOP):
        return allows_start(tree.children[0], name)
    return any(allows_start(child, name) for child in tree.children)


def allows_end(tree: ProcessTree, name: str) -> bool:
    if tree.operator is None:
        return tree.label == name
    if tree.operator == SEQUENCE:
        return allows_end(tree.children[-1], name)
    if tree.operator == LOOP:
        return allows_end(tree.children[0], name)
    return any(allows_end(child, name) for child in tree.children)


SEEDS = [*range(40), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(40, 200))]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_generated_tree_is_found_again(seed):
    chance = random.Random(seed)
    tree = random_tree(chance, chance.randint(2, 9))
    while not can_be_found_again(tree):
        tree = random_tree(chance, chance.randint(2, 9))
    found, _ = coded(log_of_tree(tree, chance, 4000))
    assert discover_tree(found.log, found.names) == reduced(tree)
    assert discover_tree_of_graph(graph_of(found.log), found.names) == reduced(tree)


@pytest.mark.parametrize("seed", SEEDS)
def test_of_generated_trees_pm4py_finds_the_same_language(seed):
    chance = random.Random(1000 + seed)
    tree = random_tree(chance, chance.randint(2, 9), silent=0.2)
    assert_as_pm4py(log_of_tree(tree, chance, chance.choice([20, 300])))


@settings(max_examples=100, deadline=None)
@given(logs)
def test_of_random_logs_pm4py_finds_the_same_language(traces):
    assert_as_pm4py(traces)


@settings(max_examples=100, deadline=None)
@given(logs)
def test_every_case_fits_the_tree_without_noise(traces):
    found, _ = coded(traces)
    tree = discover_tree(found.log, found.names)
    assert all(allows(tree, trace) for trace in traces)


@settings(max_examples=50, deadline=None)
@given(logs, st.randoms(use_true_random=False))
def test_order_of_variants_changes_nothing(traces, chance):
    shuffled = list(traces.items())
    chance.shuffle(shuffled)
    one, other = coded(traces)[0], coded(dict(shuffled))[0]
    for noise in (0.0, 0.2):
        found = discover_tree(one.log, one.names, noise_threshold=noise)
        assert discover_tree(other.log, other.names, noise_threshold=noise).text == found.text


@pytest.mark.parametrize("name", public_logs.every())
def test_of_real_logs_pm4py_finds_the_same_tree(name, real_data):
    found, traces = real_traces(public_logs.read(name, real_data))
    for noise in (0.0, 0.2):
        ours = discover_tree(found.log, found.names, noise_threshold=noise)
        assert ours == reduced(pm4py_tree(traces, noise))


@settings(max_examples=100, deadline=None)
@given(logs)
def test_graphs_without_each_activity_are_those_of_the_log_without_it(traces):
    found, _ = coded({trace: count for trace, count in traces.items() if trace} or {("a",): 1})
    log = found.log
    for code, graph in enumerate(graphs_without_each(log, graph_of(log))):
        rest = log.assigned(log.steps == code, False)
        keep = [other for other in range(log.size) if other != code]
        assert ((direct_counts(rest) > 0)[keep][:, keep] == (graph.arcs > 0)).all()
        assert ((start_counts(rest) > 0)[keep] == (graph.starts > 0)).all()
        assert ((end_counts(rest) > 0)[keep] == (graph.ends > 0)).all()


def graph_of_tree(tree: ProcessTree) -> tuple[set, set, set]:
    """(arcs, starts, ends) of the directly-follows graph of all that a tree allows."""
    if tree.operator is None:
        return set(), {tree.label} - {None}, {tree.label} - {None}
    parts = [graph_of_tree(child) for child in tree.children]
    arcs = set().union(*(part[0] for part in parts))
    starts, ends = (set().union(*(part[place] for part in parts)) for place in (1, 2))
    if tree.operator == CHOICE:
        return arcs, starts, ends
    if tree.operator == CONCURRENCY:
        for one, other in itertools.permutations(parts, 2):
            names = [{name for arc in part[0] for name in arc} | part[1] | part[2] for part in (one, other)]
            arcs |= set(itertools.product(*names))
        return arcs, starts, ends
    if tree.operator == SEQUENCE:
        follows = list(itertools.combinations(range(len(parts)), 2))
    else:
        parts = [parts[place % 2] for place in range(5)]  # body redo body redo body: all there is to a loop
        follows = list(itertools.combinations(range(5), 2))
    children = tree.children if tree.operator == SEQUENCE else [tree.children[place % 2] for place in range(5)]
    for one, other in follows:
        if all(map(can_be_empty, children[one + 1 : other])):
            arcs |= set(itertools.product(parts[one][2], parts[other][1]))
    skips = [can_be_empty(child) for child in children]
    starts = set().union(*(part[1] for place, part in enumerate(parts) if all(skips[:place])))
    ends = set().union(*(part[2] for place, part in enumerate(parts) if all(skips[place + 1 :])))
    return arcs, starts, ends


@settings(max_examples=300, deadline=None)
@given(logs)
def test_tree_of_the_graph_allows_the_whole_graph(traces):
    found, _ = coded(traces)
    tree = discover_tree_of_graph(graph_of(found.log), found.names)
    arcs, starts, ends = graph_of_tree(tree)
    assert {arc for trace in traces for arc in itertools.pairwise(trace)} <= arcs
    assert {trace[0] for trace in traces if trace} <= starts and {trace[-1] for trace in traces if trace} <= ends
    assert () not in traces or can_be_empty(tree)


@pytest.mark.parametrize(
    ("traces", "noise", "text"),
    [
        ({}, 0.0, "tau"),
        ({(): 4}, 0.0, "tau"),
        ({("a",): 4}, 0.0, "'a'"),
        ({("a",): 4, (): 1}, 0.0, "X( 'a', tau )"),
        ({("a",): 9, (): 1}, 0.2, "'a'"),
        ({("a",): 2, ("a", "a"): 1}, 0.0, "*( 'a', tau )"),
        ({("a", "b"): 1, ("b", "a"): 1}, 0.0, "+( 'a', 'b' )"),
        ({("a", "b", "c"): 20, ("c", "a", "b"): 1}, 0.0, "+( 'a', 'b', 'c' )"),
        ({("a", "b", "c"): 20, ("c", "a", "b"): 1}, 0.2, "->( 'a', 'b', 'c' )"),
        ({("a", "b", "c"): 1, ("c",): 1}, 0.0, "->( X( ->( 'a', 'b' ), tau ), 'c' )"),
        ({("a", "b", "a"): 1, ("a",): 3}, 0.0, "*( 'a', 'b' )"),
    ],
)
def test_small_logs(traces, noise, text):
    found, _ = coded(traces)
    assert discover_tree(found.log, found.names, noise_threshold=noise).text == text


def test_noise_threshold_out_of_range_says_so():
    with pytest.raises(ValueError, match="below 1; found 1"):
        discover_tree(WeightedLog.of({}, 0), [], noise_threshold=1.0)


def test_a_deep_log_is_no_matter():
    """A hundred activities that come off one by one."""
    names = [f"a{number:03}" for number in range(100)]
    chance = random.Random(7)
    traces = {tuple(chance.choices(names, k=60)): 1 for _ in range(300)}
    found, _ = coded(traces)
    tree = discover_tree(found.log, found.names)
    assert all(allows(tree, trace) for trace in list(traces)[:3])
    assert CHOICE in tree.text and TAU.text in tree.text
