"""Cuts: how the activities of a directly-follows graph fall apart into a choice, a sequence, concurrency or a loop.

Definitions: Leemans, Fahland and van der Aalst (2013), section 4; the sequence cut keeps parts that are skipped
together as one, as in Leemans, Robust Process Mining with Guarantees (2022), section 6.1.1.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mining_tasks.inductive_graph import Graph
from mining_tasks.process_tree import CHOICE, CONCURRENCY, LOOP, SEQUENCE


@dataclass(frozen=True)
class Cut:
    """operator: of the process tree. parts: places in the graph's activities; of a loop the body and the redo part."""

    operator: str
    parts: tuple[np.ndarray, ...]


def find_cut(graph: Graph) -> Cut | None:
    """The first cut there is of choice, sequence, concurrency, loop.

    >>> graph = Graph(np.array([0, 1]), np.array([[0, 3], [0, 0]]), np.array([3, 0]), np.array([0, 3]))
    >>> find_cut(graph).operator
    '->'
    """
    if len(graph.activities) == 0:
        return None
    for operator, parts in _cuts(graph):
        if len(parts) > 1:
            return Cut(operator, tuple(np.sort(part) for part in parts))
    return None


def _cuts(graph: Graph) -> Iterator[tuple[str, list[np.ndarray]]]:
    arcs = graph.arcs > 0
    yield CHOICE, _components(arcs | arcs.T)
    yield SEQUENCE, _sequence(graph, arcs)
    yield CONCURRENCY, _concurrency(graph, arcs)
    yield LOOP, _loop(graph, arcs)


def _components(linked: np.ndarray) -> list[np.ndarray]:
    """Connected components of a symmetric relation, in the order of their first members."""
    left = np.ones(len(linked), dtype=bool)
    found = []
    while left.any():
        reached = np.zeros(len(linked), dtype=bool)
        fresh = np.zeros(len(linked), dtype=bool)
        fresh[np.argmax(left)] = True
        while fresh.any():
            reached |= fresh
            fresh = linked[fresh].any(axis=0) & ~reached
        left &= ~reached
        found.append(np.flatnonzero(reached))
    return found


def _reachable(arcs: np.ndarray) -> np.ndarray:
    """Transitive closure."""
    closure = arcs.astype(np.float32)
    while True:
        wider = np.minimum(closure + closure @ closure, 1)
        if (wider == closure).all():
            return closure > 0
        closure = wider


def _sequence(graph: Graph, arcs: np.ndarray) -> list[np.ndarray]:
    """Parts of which each reaches those after it and none before; parts skipped together are one."""
    reach = _reachable(arcs)
    parts = _components(reach == reach.T)  # reach one another, or neither the other
    if len(parts) < 2:
        return parts
    rank = reach.sum(axis=0) - reach.sum(axis=1)
    parts.sort(key=lambda part: int(rank[part[0]]))
    return _skipped_together(graph, arcs, parts)


def _skipped_together(graph: Graph, arcs: np.ndarray, parts: list[np.ndarray]) -> list[np.ndarray]:
    """Around each part that can be skipped: the neighbours that are entered from it, or left to it, only."""
    size = len(parts)
    of = np.empty(len(arcs), dtype=np.int64)
    for number, part in enumerate(parts):
        of[part] = number
    sources, targets = np.nonzero(arcs)
    earliest, latest = np.full(size, size), np.full(size, -1)  # where each is entered from, where it leads to
    np.minimum.at(earliest, of[targets], of[sources])
    np.maximum.at(latest, of[sources], of[targets])
    earliest[of[graph.starts > 0]], latest[of[graph.ends > 0]] = -1, size
    merged: list[list[int]] = [[number] for number in range(size)]
    for pivot in range(size):
        if not _is_skippable(graph, pivot, merged, of, sources, targets):
            continue
        before, after = pivot - 1, pivot + 1
        while before >= 0 and latest[before] <= pivot:
            merged[pivot] += merged[before]
            merged[before] = []
            before -= 1
        while after < size and earliest[after] >= pivot:
            merged[pivot] += merged[after]
            merged[after] = []
            after += 1
    return [np.concatenate([parts[number] for number in group]) for group in merged if group]


def _is_skippable(graph: Graph, pivot: int, merged: list[list[int]], of, sources, targets) -> bool:
    place = np.empty(len(merged), dtype=np.int64)  # of each part among the merged ones
    for number, group in enumerate(merged):
        place[group] = number
    at = place[of]
    passes = (at[sources] < pivot) & (at[targets] > pivot)
    return bool(passes.any() or (at[graph.starts > 0] > pivot).any() or (at[graph.ends > 0] < pivot).any())


def _concurrency(graph: Graph, arcs: np.ndarray) -> list[np.ndarray]:
    """Parts with arcs both ways between all of their activities, each with a start and an end."""
    apart = ~(arcs & arcs.T)
    parts = sorted(_components(apart), key=len)
    place = 0
    while place < len(parts) and len(parts) > 1:
        part = parts[place]
        if (graph.starts[part] > 0).any() and (graph.ends[part] > 0).any():
            place += 1
            continue
        del parts[place]
        other = max(place - 1, 0)
        parts[other] = np.concatenate([parts[other], part])
    return parts


def _loop(graph: Graph, arcs: np.ndarray) -> list[np.ndarray]:
    """The body, with all starts and ends, and the redo part: entered from every end and left to every start only."""
    if not arcs.any():
        return []
    starts, ends = graph.starts > 0, graph.ends > 0
    border = starts | ends
    inner = arcs & ~border[:, None] & ~border[None, :]
    rest = np.flatnonzero(~border)
    body = [np.flatnonzero(border)]
    redo = []
    for component in _components((inner | inner.T)[np.ix_(rest, rest)]):
        part = rest[component]
        enters, leaves = arcs[:, part], arcs[part, :]
        belongs_to_body = (
            enters[starts & ~ends].any()
            or leaves[:, ends & ~starts].any()
            or (enters[ends].any(axis=0) & ~enters[ends].all(axis=0)).any()
            or (leaves[:, starts].any(axis=1) & ~leaves[:, starts].all(axis=1)).any()
        )
        (body if belongs_to_body else redo).append(part)
    return [np.concatenate(body), np.concatenate(redo)] if redo else []
