"""Splitting a log along a cut: one log per part. Where a case deviates from the cut, as few events as can be are left
out (Leemans, Fahland and van der Aalst 2014, section 3.2).
"""

import numpy as np

from mining_tasks.inductive_cuts import Cut
from mining_tasks.inductive_graph import Graph
from mining_tasks.inductive_log import WeightedLog
from mining_tasks.process_tree import CHOICE, CONCURRENCY, SEQUENCE

_NOWHERE = -1


def split_log(log: WeightedLog, graph: Graph, cut: Cut) -> list[WeightedLog]:
    """The logs of the parts of `cut`, a cut of the log's graph or of a part of its arcs. The log has no empty traces.

    >>> from mining_tasks.inductive_cuts import find_cut
    >>> from mining_tasks.inductive_graph import graph_of
    >>> log = WeightedLog.of({(0, 1): 3}, 2)
    >>> [part.steps.tolist() for part in split_log(log, graph_of(log), find_cut(graph_of(log)))]
    [[0], [1]]
    """
    part_of = np.empty(log.size, dtype=np.int64)
    for number, part in enumerate(cut.parts):
        part_of[graph.activities[part]] = number
    parts, count = part_of[log.steps], len(cut.parts)
    if cut.operator == CHOICE:
        chosen = _most_common(log, parts, count)
        return [log.assigned(parts, number, of=chosen == number) for number in range(count)]
    if cut.operator == SEQUENCE:
        parts = _in_sequence(log, parts, count)
    if cut.operator in (SEQUENCE, CONCURRENCY):
        return [log.assigned(parts, number) for number in range(count)]
    return _body_and_redo(log, parts)


def _most_common(log: WeightedLog, parts: np.ndarray, count: int) -> np.ndarray:
    """Per trace the part with most of its events; of equal ones the last."""
    events = np.bincount(log.traces * count + parts, minlength=len(log.lengths) * count).reshape(-1, count)
    return count - 1 - np.argmax(events[:, ::-1], axis=1)


def _in_sequence(log: WeightedLog, parts: np.ndarray, count: int) -> np.ndarray:
    """Per step the part that it is counted for, `_NOWHERE` for a step that is out of sequence."""
    falls = np.zeros(len(parts), dtype=bool)
    falls[1:] = (parts[1:] < parts[:-1]) & ~log.is_first[1:]
    deviates = np.bincount(log.traces[falls], minlength=len(log.lengths)) > 0
    if not deviates.any():
        return parts
    steps = deviates[log.traces]
    assigned = parts.copy()
    assigned[steps] = _least_deviation(log.lengths[deviates], parts[steps], count)
    return assigned


def _least_deviation(lengths: np.ndarray, parts: np.ndarray, count: int) -> np.ndarray:
    """Part by part, each trace is cut where the part's own events before the cut exceed those of later parts most."""
    starts = np.cumsum(lengths) - lengths
    traces = np.repeat(np.arange(len(lengths)), lengths)
    places = np.arange(len(parts))
    split = starts.copy()  # the first place of each trace that is not given away yet
    assigned = np.full(len(parts), _NOWHERE)
    for number in range(count):
        cost = np.where(parts == number, -1, (parts > number).astype(np.int64))
        cost[places < split[traces]] = 0
        so_far = np.cumsum(cost)
        so_far -= (so_far[starts] - cost[starts])[traces]
        least = np.minimum.reduceat(so_far, starts)
        at_least = np.where(so_far == least[traces], places, len(parts))
        ends = np.where(least < 0, np.minimum.reduceat(at_least, starts) + 1, split)
        own = (places >= split[traces]) & (places < ends[traces]) & (parts == number)
        assigned[own] = number
        split = ends
    return assigned


def _body_and_redo(log: WeightedLog, parts: np.ndarray) -> list[WeightedLog]:
    """Each trace in pieces of body and redo part; one that ends with the redo part ends with an empty body."""
    changes = np.zeros(len(parts), dtype=bool)
    changes[1:] = parts[1:] != parts[:-1]
    pieces = log.cut_before(changes)
    kind = parts[pieces.starts]
    lasts = parts[log.starts + log.lengths - 1] != 0
    body = pieces.of_traces(kind == 0)
    with_empty = WeightedLog(
        body.steps,
        np.concatenate([body.lengths, np.zeros(lasts.sum(), dtype=np.int64)]),
        np.concatenate([body.counts, log.counts[lasts]]),
        log.size,
    )
    return [with_empty.merged(), pieces.of_traces(kind == 1).merged()]
