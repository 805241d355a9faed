"""The directly-follows graph of a part of a log, small and dense, as the inductive miner cuts it."""

from dataclasses import dataclass

import numpy as np

from mining_tasks.inductive_log import WeightedLog, direct_counts, end_counts, event_counts, start_counts


@dataclass(frozen=True)
class Graph:
    """activities: codes, ascending. arcs: how often the activity of a column came directly after that of a row.
    starts, ends: cases that begin and end with each. skips: cases without any activity.
    """

    activities: np.ndarray
    arcs: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    skips: int = 0

    def part(self, members: np.ndarray) -> "Graph":
        """What lies within some of the activities (places in `activities`)."""
        return Graph(
            self.activities[members],
            self.arcs[np.ix_(members, members)],
            self.starts[members],
            self.ends[members],
        )


def graph_of(log: WeightedLog) -> Graph:
    """The graph of the activities that occur in the log."""
    members = np.flatnonzero(event_counts(log))
    return Graph(
        members,
        direct_counts(log)[np.ix_(members, members)],
        start_counts(log)[members],
        end_counts(log)[members],
        log.empty_count,
    )


def without_rare_arcs(graph: Graph, noise_threshold: float) -> Graph:
    """The graph without arcs that are rare beside the commonest way on from the same activity.

    An arc stays if it is seen more often than `noise_threshold` times the commonest arc out of its source (the end of
    cases counts as one), a start if at least so often as that times the commonest start; ends stay.
    """
    most = np.maximum(graph.arcs.max(axis=1, initial=0), graph.ends)
    arcs = np.where(graph.arcs > noise_threshold * most[:, None], graph.arcs, 0)
    starts = np.where(graph.starts >= noise_threshold * graph.starts.max(initial=0), graph.starts, 0)
    return Graph(graph.activities, arcs, starts, graph.ends, graph.skips)


def graphs_without_each(log: WeightedLog, graph: Graph) -> list[Graph]:
    """For each activity the graph of the log without its events, arcs and ends only as seen (1) or not (0)."""
    size = len(graph.activities)
    border = size  # stands for the beginning and the end of a case
    steps = np.searchsorted(graph.activities, log.steps)
    is_first = log.is_first
    run = is_first.copy()
    run[1:] |= steps[1:] != steps[:-1]  # the first of a run of one activity
    begins = np.flatnonzero(run)
    ends = np.append(begins[1:], len(steps)) - 1
    is_last = np.append(is_first[1:], True)
    before = np.where(is_first[begins], border, steps[begins - 1])
    after = np.where(is_last[ends], border, steps[np.minimum(ends + 1, len(steps) - 1)])
    wide = size + 1
    bypasses = np.unique((steps[begins].astype(np.int64) * wide + before) * wide + after)
    skipped, before, after = bypasses // wide**2, bypasses // wide % wide, bypasses % wide
    bounds = np.searchsorted(skipped, np.arange(size + 1))
    seen = np.zeros((wide, wide), dtype=np.int64)
    seen[:size, :size] = graph.arcs > 0
    seen[border, :size], seen[:size, border] = graph.starts > 0, graph.ends > 0
    graphs = []
    for one in range(size):
        own = slice(bounds[one], bounds[one + 1])
        with_bypass = seen.copy()
        with_bypass[before[own], after[own]] = 1
        rest = np.delete(np.arange(size), one)
        graphs.append(
            Graph(
                graph.activities[rest],
                with_bypass[np.ix_(rest, rest)],
                with_bypass[border, rest],
                with_bypass[rest, border],
            )
        )
    return graphs
