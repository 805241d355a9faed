"""Heuristics miner: how strongly one activity depends on another, and the dependency graph that follows from it.

Definitions: Weijters and Ribeiro, Flexible Heuristics Miner (CIDM 2011), sections III-A and III-B.
"""

from dataclasses import dataclass

import narwhals as nw
import numpy as np

from mining_tasks.inductive_log import (
    CodedLog,
    WeightedLog,
    direct_counts,
    end_counts,
    event_counts,
    start_counts,
)

_WHOLE, _REAL = nw.Int64(), nw.Float64()
SCHEMA = {
    "source_activity_key": _WHOLE,
    "target_activity_key": _WHOLE,
    "edge_count": _WHOLE,
    "reverse_edge_count": _WHOLE,
    "dependency": _REAL,
    "two_loop_count": _WHOLE,
    "two_loop_dependency": _REAL,
    "next_count": _WHOLE,
    "long_distance_dependency": _REAL,
    "is_in_net": nw.Boolean(),
    "is_long_distance": nw.Boolean(),
}


@dataclass(frozen=True)
class Thresholds:
    """The paper's defaults: dependency, loops of length one and two, long-distance, relative to best."""

    dependency: float = 0.9
    one_loop: float = 0.9
    two_loop: float = 0.9
    long_distance: float = 0.9
    relative_to_best: float = 0.05


@dataclass(frozen=True)
class Dependencies:
    """Matrices, source (row) and target (column): direct: |a > b|. two_loops: |a >> b|, a b a in a row. dependency:
    a => b (of a with itself: the loop of length one). two_loop: a =>2 b; nan on the diagonal. long_distance: a =>l b;
    nan on the diagonal. in_net: arcs of the dependency graph. is_long_distance: further dependencies.
    """

    direct: np.ndarray
    two_loops: np.ndarray
    dependency: np.ndarray
    two_loop: np.ndarray
    long_distance: np.ndarray
    in_net: np.ndarray
    is_long_distance: np.ndarray


def measure_dependencies(log: WeightedLog, nexts: np.ndarray, *, thresholds: Thresholds | None = None) -> Dependencies:
    """The measures of every pair of activities and the dependency graph.

    nexts: |a >>> b|, as `mining_tasks.eventually_follows` counts it.

    >>> log = WeightedLog.of({(0, 1): 9}, 2)
    >>> float(measure_dependencies(log, np.zeros((2, 2))).dependency[0, 1])
    0.9
    """
    limits = thresholds or Thresholds()
    direct, loops = direct_counts(log), _count_two_loops(log)
    size = log.size
    dependency = (direct - direct.T) / (direct + direct.T + 1)
    np.fill_diagonal(dependency, direct.diagonal() / (direct.diagonal() + 1))
    both = loops + loops.T
    two_loop = both / (both + 1)
    events = event_counts(log)
    total = events[:, None] + events[None, :] + 1
    long_distance = (2 * nexts - 2 * np.abs(events[:, None] - events[None, :])) / total
    starts, ends = start_counts(log), end_counts(log)
    in_net = _dependency_graph(dependency, two_loop, starts, ends, limits) & ((direct > 0) | (both > 0))
    further = (long_distance >= limits.long_distance) & ~in_net & ~np.eye(size, dtype=bool)
    for matrix in (two_loop, long_distance):
        np.fill_diagonal(matrix, np.nan)
    return Dependencies(direct, loops, dependency, two_loop, long_distance, in_net, further)


def _count_two_loops(log: WeightedLog) -> np.ndarray:
    """|a >> b|: how often a b a came directly after one another, a and b different."""
    first, second, third = log.steps[:-2], log.steps[1:-1], log.steps[2:]
    traces = log.traces
    found = (traces[:-2] == traces[2:]) & (first == third) & (first != second)
    codes = first[found].astype(np.int64) * log.size + second[found]
    counts = np.bincount(codes, weights=log.weights[:-2][found], minlength=log.size**2)
    return counts.astype(np.int64).reshape(log.size, log.size)


def _dependency_graph(
    dependency: np.ndarray, two_loop: np.ndarray, starts: np.ndarray, ends: np.ndarray, limits: Thresholds
) -> np.ndarray:
    """The paper's twelve steps. The beginning and the end of cases stand for its one first and one last task."""
    size = len(dependency)
    one = dependency.diagonal() >= limits.one_loop
    two = (two_loop >= limits.two_loop) & ~one[:, None] & ~one[None, :] & ~np.eye(size, dtype=bool)
    forward = dependency.copy()
    np.fill_diagonal(forward, -np.inf)
    outgoing = _best_arcs(forward, ends / (ends + 1), two, limits)
    incoming = _best_arcs(forward.T, starts / (starts + 1), two, limits).T
    return outgoing | incoming | two | np.diag(one)


def _best_arcs(forward: np.ndarray, border: np.ndarray, two: np.ndarray, limits: Thresholds) -> np.ndarray:
    """Arcs from each activity (row) that are strong, or nearly as strong as its strongest; border: to the end."""
    best = np.maximum(forward.max(axis=1, initial=-np.inf), border)
    has_best = best > 0
    # of two activities in a loop of length two, the one whose strongest arc out is weak needs none of its own
    weaker = two & (best[:, None] < limits.dependency) & (best[None, :] - best[:, None] > limits.relative_to_best)
    has_best &= ~weaker.any(axis=1)
    near = has_best[:, None] & (best[:, None] - forward < limits.relative_to_best)
    return (forward > 0) & (near | (forward >= limits.dependency))


def tabulate_dependencies(coded: CodedLog, found: Dependencies, nexts: np.ndarray) -> nw.DataFrame:
    """One row per pair with an arc, a loop of length two or a long-distance dependency, sorted by names: the columns
    of mining.dependencies.
    """
    kept = (found.direct > 0) | (found.direct.T > 0) | (found.two_loops > 0) | found.is_long_distance
    kept |= found.two_loops.T > 0
    at = np.nonzero(kept)
    keys = np.array(coded.keys, dtype=np.int64)
    no_nan = {
        name: [None if np.isnan(value) else float(value) for value in matrix[at]]
        for name, matrix in (
            ("two_loop_dependency", found.two_loop),
            ("long_distance_dependency", found.long_distance),
        )
    }
    return nw.from_dict(
        {
            "source_activity_key": keys[at[0]],
            "target_activity_key": keys[at[1]],
            "edge_count": found.direct[at],
            "reverse_edge_count": found.direct.T[at],
            "dependency": found.dependency[at],
            "two_loop_count": found.two_loops[at],
            "two_loop_dependency": no_nan["two_loop_dependency"],
            "next_count": nexts[at].astype(np.int64),
            "long_distance_dependency": no_nan["long_distance_dependency"],
            "is_in_net": found.in_net[at],
            "is_long_distance": found.is_long_distance[at],
        },
        schema=SCHEMA,
        backend="polars",
    )
