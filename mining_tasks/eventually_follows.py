"""Eventually-follows: how often one activity came some time after another in the same case, counted per variant.

Definition: van der Aalst, Process Mining (2nd ed., 2016), section 6.2 calls the direct relation a > b; here anything
may lie between. `pair_count` is that of pm4py's eventually-follows graph.
"""

from dataclasses import dataclass

import narwhals as nw
import numpy as np

from mining_tasks.inductive_log import CodedLog, WeightedLog


@dataclass(frozen=True)
class EventuallyFollows:
    """Matrices of counts, source (row) and target (column), codes as in the log.

    pairs: pairs of events. nexts: events of the source after which the target came before the source came again.
    cases: cases with a pair. case_counts: cases that have the activity.
    """

    pairs: np.ndarray
    nexts: np.ndarray
    cases: np.ndarray
    case_counts: np.ndarray


def count_eventually_follows(log: WeightedLog) -> EventuallyFollows:
    """Count every pair of activities of a log: work of (length times activities) per variant.

    >>> found = count_eventually_follows(WeightedLog.of({(0, 1, 1): 2}, 2))
    >>> found.pairs[0, 1], found.nexts[0, 1], found.cases[0, 1]
    (np.int64(4), np.int64(2), np.int64(2))
    """
    size = log.size
    by_activity = np.argsort(log.steps, kind="stable")
    bounds = np.searchsorted(log.steps[by_activity], np.arange(size + 1))
    again, is_first = _neighbours_of_same(log, by_activity)
    pairs, nexts, cases = (np.zeros((size, size), dtype=np.int64) for _ in range(3))
    case_counts = np.bincount(log.steps[is_first], weights=log.weights[is_first], minlength=size).astype(np.int64)
    for target in range(size):
        traces = np.unique(log.traces[by_activity[bounds[target] : bounds[target + 1]]])
        lengths = log.lengths[traces]
        begins = np.cumsum(lengths) - lengths
        rows = np.arange(lengths.sum()) + np.repeat(log.starts[traces] - begins, lengths)
        steps, weights = log.steps[rows], np.repeat(log.counts[traces], lengths)
        so_far = np.cumsum(steps == target)
        after = np.repeat(so_far[begins + lengths - 1], lengths) - so_far
        pairs[:, target] = np.bincount(steps, weights=after * weights, minlength=size)
        seen = is_first[rows] & (after > 0)
        cases[:, target] = np.bincount(steps[seen], weights=weights[seen], minlength=size)
        later = again[rows]
        shift = np.repeat(begins - log.starts[traces], lengths)
        after_again = np.where(later >= 0, after[np.where(later >= 0, later + shift, 0)], 0)
        comes = after > after_again
        nexts[:, target] = np.bincount(steps[comes], weights=weights[comes], minlength=size)
    return EventuallyFollows(pairs, nexts, cases, case_counts)


def _neighbours_of_same(log: WeightedLog, by_activity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Per step: where its activity comes again in its trace (-1: not), and whether it is the trace's first of it."""
    again = np.full(len(log.steps), -1, dtype=np.int64)
    is_first = np.ones(len(log.steps), dtype=bool)
    one, next_one = by_activity[:-1], by_activity[1:]
    same = (log.steps[one] == log.steps[next_one]) & (log.traces[one] == log.traces[next_one])
    again[one[same]] = next_one[same]
    is_first[next_one[same]] = False
    return again, is_first


def tabulate_eventually_follows(coded: CodedLog, found: EventuallyFollows) -> nw.DataFrame:
    """One row per pair that occurs, sorted by the activities' names: the columns of mining.eventually_follows."""
    sources, targets = np.nonzero(found.pairs)
    keys = np.array(coded.keys, dtype=np.int64)
    cases = found.cases[sources, targets]
    return nw.from_dict(
        {
            "source_activity_key": keys[sources],
            "target_activity_key": keys[targets],
            "pair_count": found.pairs[sources, targets],
            "next_count": found.nexts[sources, targets],
            "case_count": cases,
            "source_case_share": cases / found.case_counts[sources],
            "target_case_share": cases / found.case_counts[targets],
        },
        backend="polars",
    )
