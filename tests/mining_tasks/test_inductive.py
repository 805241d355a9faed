"""Inductive miner: generated trees are found again, and what pm4py finds has the same language."""

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
from mining_tasks.process_tree import CHOICE, LOOP, SEQUENCE, TAU, ProcessTree, activity, reduced
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


@pytest.mark.parametrize(
    "name",
    [
        "running-example.xes",
        "helpdesk.xes.gz",
        "BPIC13_closed_problems.xes.gz",
        "08_receipt.xes.gz",
        "Sepsis.xes.gz",
        pytest.param("BPI_2020_DomesticDeclarations.xes.gz", marks=pytest.mark.slow),
    ],
)
def test_of_real_logs_pm4py_finds_the_same_tree(name, real_data):
    found, traces = real_traces(real_data(f"logs/{name}"))
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
