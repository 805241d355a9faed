"""What a frequency slider of a process map needs: for each activity and arc the share above which it is not shown.

An element is shown up to its own share of the greatest of its kind. So that at every share each activity shown lies on
a way from the start of cases to their end, the elements of its widest ways there and on stay as long as it does.
"""

import narwhals as nw
import numpy as np

from mining_tasks.inductive_graph import graph_of
from mining_tasks.inductive_log import CodedLog, event_counts

_WHOLE, _REAL, _TEXT = nw.Int64(), nw.Float64(), nw.String()
SCHEMA = {
    "element": _TEXT,
    "source_activity_key": _WHOLE,
    "target_activity_key": _WHOLE,
    "element_count": _WHOLE,
    "own_share": _REAL,
    "vanishes_at_share": _REAL,
}


def measure_levels(coded: CodedLog) -> nw.DataFrame:
    """One row per activity and arc, the starts and ends of cases among the arcs (source or target null)."""
    graph, size = graph_of(coded.log), len(coded.keys)
    counts = event_counts(coded.log)
    widths = np.zeros((size + 1, size + 1), dtype=np.int64)  # the last: the start as a source, the end as a target
    widths[:size, :size], widths[size, :size], widths[:size, size] = graph.arcs, graph.starts, graph.ends
    rows = []
    if size:
        levels, arcs = _levels(counts, widths)
        most = counts.max()
        keys = [*coded.keys, None]
        rows = [("activity", keys[one], None, counts[one], counts[one] / most, levels[one]) for one in range(size)]
        for source, target in zip(*np.nonzero(widths), strict=True):
            count = widths[source, target]
            own = count / widths.max()
            rows.append(("arc", keys[source], keys[target], count, own, arcs[source, target]))
    columns = {name: [row[place] for row in rows] for place, name in enumerate(SCHEMA)}
    return nw.from_dict(columns, schema=SCHEMA, backend="polars")


def _levels(counts: np.ndarray, widths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Per activity, per arc: the share up to which it is shown."""
    size = len(counts)
    before, after = _widest_ways(widths), _widest_ways(widths.T)
    levels = np.append(counts / counts.max(), np.inf)
    waiting = list(range(size))
    while waiting:
        one = waiting.pop()
        for other in (before[one], after[one]):
            if levels[other] < levels[one]:
                levels[other] = levels[one]
                waiting.append(other)
    arcs = np.minimum(widths / widths.max(), np.minimum(levels[:, None], levels[None, :]))
    for one in range(size):
        for source, target in ((before[one], one), (one, after[one])):
            arcs[source, target] = max(arcs[source, target], levels[one])
    return levels, arcs


def _widest_ways(widths: np.ndarray) -> np.ndarray:
    """Per activity the node before it on its widest way from the last node: whose narrowest arc is widest."""
    size = len(widths) - 1
    reached = np.where(np.arange(size + 1) == size, np.iinfo(np.int64).max, 0)
    before = np.full(size + 1, size)
    left = np.ones(size + 1, dtype=bool)
    for _ in range(size + 1):
        one = int(np.argmax(np.where(left, reached, -1)))
        left[one] = False
        through = np.minimum(widths[one], reached[one])
        wider = left & (through > reached)
        reached[wider], before[wider] = through[wider], one
    return before
