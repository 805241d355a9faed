"""Inductive miner: a process tree from a log, by cutting it apart until single activities are left (IM and IMf).

Definitions: Leemans, Fahland and van der Aalst, 2013 (IM) and 2014 (IMf, with a noise threshold); the fall-throughs are
those of Leemans, Robust Process Mining with Guarantees (2022), section 6.1.
"""

from collections.abc import Sequence

import numpy as np

from mining_tasks.inductive_cuts import find_cut
from mining_tasks.inductive_graph import graph_of, graphs_without_each, without_rare_arcs
from mining_tasks.inductive_log import WeightedLog, end_counts, start_counts
from mining_tasks.inductive_splits import split_log
from mining_tasks.process_tree import (
    CONCURRENCY,
    LOOP,
    TAU,
    ProcessTree,
    activity,
    choice,
    reduced,
)


def discover_tree(log: WeightedLog, names: Sequence[str], *, noise_threshold: float = 0.0) -> ProcessTree:
    """The process tree of a log, reduced. names: of the activities, in the order of their codes.

    noise_threshold: 0 finds a tree that every case fits (IM); above 0, where no cut is found, arcs rarer than this
    share of the commonest arc out of the same activity are left out, and so are empty cases rarer than it (IMf).
    ValueError if it is not in [0, 1).

    >>> discover_tree(WeightedLog.of({(0, 1, 2): 5, (0, 2, 1): 4}, 3), ["a", "b", "c"]).text
    "->( 'a', +( 'b', 'c' ) )"
    """
    if not 0 <= noise_threshold < 1:
        raise ValueError(f"noise_threshold: expected 0 or more, below 1; found {noise_threshold}")
    return reduced(_mine(log.merged(), names, noise_threshold))


def _mine(log: WeightedLog, names: Sequence[str], noise: float) -> ProcessTree:
    empty = log.empty_count
    is_optional = empty > noise * log.case_count
    if empty:
        log = log.of_traces(log.lengths > 0)
    if len(log.lengths) == 0:
        return TAU
    if is_optional:
        return choice(TAU, _mine(log, names, noise))
    if len(log.steps) == 1:
        return activity(names[log.steps[0]])
    graph = graph_of(log)
    cut = find_cut(graph)
    if cut is None and noise > 0:
        cut = find_cut(without_rare_arcs(graph, noise))
    if cut is None:
        operator, parts = _fall_through(log)
    else:
        operator, parts = cut.operator, split_log(log, graph, cut)
    children = []
    for part in parts:
        children.append(_mine(part, names, noise))
    return ProcessTree(operator, tuple(children))


def _fall_through(log: WeightedLog) -> tuple[str, list[WeightedLog]]:
    """What to make of a log without a cut."""
    lonely = _once_per_trace(log)
    if lonely is None:
        lonely = _concurrent(log)
    if lonely is not None:
        is_lonely = log.steps == lonely
        return CONCURRENCY, [log.assigned(is_lonely, True), log.assigned(is_lonely, False)]
    starts, ends = start_counts(log) > 0, end_counts(log) > 0
    begins = starts[log.steps] & ~log.is_first
    after_end = np.zeros(len(log.steps), dtype=bool)
    after_end[1:] = ends[log.steps[:-1]]
    nothing = WeightedLog.of({}, log.size)
    for places in (begins & after_end, begins):
        if places.any():
            return LOOP, [log.cut_before(places).merged(), nothing]
    return LOOP, [nothing, WeightedLog.of({(step,): 1 for step in np.unique(log.steps).tolist()}, log.size)]


def _once_per_trace(log: WeightedLog) -> int | None:
    """The first activity that every trace has exactly once."""
    traces = len(log.lengths)
    events = np.bincount(log.steps, minlength=log.size)
    distinct = np.unique(log.traces * log.size + log.steps) % log.size
    candidates = np.flatnonzero((events == traces) & (np.bincount(distinct, minlength=log.size) == traces))
    return int(candidates[0]) if len(candidates) else None


def _concurrent(log: WeightedLog) -> int | None:
    """The first activity without which the rest of the log has a cut."""
    graph = graph_of(log)
    for member, rest in zip(graph.activities.tolist(), graphs_without_each(log, graph), strict=True):
        if find_cut(rest) is not None:
            return member
    return None
