"""Inductive miner on the directly-follows graph alone (IMd): its cost is that of the graph, however long the log is.

Definition: Leemans, Fahland and van der Aalst, Scalable process discovery and conformance checking (2018), section 4.
"""

from collections.abc import Sequence

import numpy as np

from mining_tasks.inductive_cuts import Cut, find_cut
from mining_tasks.inductive_graph import Graph
from mining_tasks.process_tree import (
    CHOICE,
    CONCURRENCY,
    SEQUENCE,
    TAU,
    ProcessTree,
    activity,
    choice,
    loop,
    reduced,
)


def discover_tree_of_graph(graph: Graph, names: Sequence[str]) -> ProcessTree:
    """The process tree of a directly-follows graph, reduced. names: of the activities, in the order of their codes.

    >>> graph = Graph(np.array([0, 1]), np.array([[0, 3], [0, 0]]), np.array([3, 0]), np.array([0, 3]))
    >>> discover_tree_of_graph(graph, ["a", "b"]).text
    "->( 'a', 'b' )"
    """
    return reduced(_mine(graph, names))


def _mine(graph: Graph, names: Sequence[str]) -> ProcessTree:
    if len(graph.activities) == 0:
        return TAU
    if graph.skips:
        return choice(TAU, _mine(Graph(graph.activities, graph.arcs, graph.starts, graph.ends), names))
    leaves = [activity(names[code]) for code in graph.activities]
    if len(leaves) == 1:
        return loop(leaves[0], TAU) if graph.arcs.any() else leaves[0]
    cut = find_cut(graph)
    if cut is None:
        once = _without_repeats(graph)
        return loop(choice(*leaves) if once is None else _mine(once, names), TAU)
    children = []
    for part in _split(graph, cut):
        children.append(_mine(part, names))
    return ProcessTree(cut.operator, tuple(children))


def _without_repeats(graph: Graph) -> Graph | None:
    """The graph without its arcs from ends to starts, which a new beginning explains as well; None if it has none."""
    back = np.where((graph.ends > 0)[:, None] & (graph.starts > 0)[None, :], graph.arcs, 0)
    if not back.any():
        return None
    starts, ends = graph.starts + back.sum(axis=0), graph.ends + back.sum(axis=1)
    return Graph(graph.activities, graph.arcs - back, starts, ends)


def _split(graph: Graph, cut: Cut) -> list[Graph]:
    if cut.operator in (CHOICE, CONCURRENCY):
        return [graph.part(part) for part in cut.parts]
    if cut.operator == SEQUENCE:
        return _in_sequence(graph, cut.parts)
    return [_entered_from(graph, part, other) for part, other in (cut.parts, cut.parts[::-1])]


def _entered_from(graph: Graph, part: np.ndarray, other: np.ndarray) -> Graph:
    """A part of a loop: what comes from the other part starts it, what goes there ends it."""
    own = graph.part(part)
    entering = graph.arcs[np.ix_(other, part)].sum(axis=0)
    leaving = graph.arcs[np.ix_(part, other)].sum(axis=1)
    return Graph(own.activities, own.arcs, own.starts + entering, own.ends + leaving)


def _in_sequence(graph: Graph, parts: Sequence[np.ndarray]) -> list[Graph]:
    found = []
    for number, part in enumerate(parts):
        before = np.concatenate([*parts[:number], np.zeros(0, dtype=np.int64)]).astype(np.int64)
        after = np.concatenate([*parts[number + 1 :], np.zeros(0, dtype=np.int64)]).astype(np.int64)
        own = graph.part(part)
        passing = graph.arcs[np.ix_(before, after)].sum() + graph.starts[after].sum() + graph.ends[before].sum()
        found.append(
            Graph(
                own.activities,
                own.arcs,
                own.starts + graph.arcs[np.ix_(before, part)].sum(axis=0),
                own.ends + graph.arcs[np.ix_(part, after)].sum(axis=1),
                int(passing),
            )
        )
    return found
