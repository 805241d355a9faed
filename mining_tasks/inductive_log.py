"""A log as its variants: activities as small integers in one array, each variant with the number of its cases.

What works on it costs what the variants cost, however many cases there are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mining_tasks.variants import Variants


@dataclass(frozen=True)
class WeightedLog:
    """steps: the activities of all traces, one trace after the other. lengths: of each trace (0: an empty one).
    counts: cases of each trace. size: how many activities there are; a step is in [0, size).
    """

    steps: np.ndarray
    lengths: np.ndarray
    counts: np.ndarray
    size: int

    @cached_property
    def starts(self) -> np.ndarray:
        """Where each trace begins in `steps`."""
        return np.cumsum(self.lengths) - self.lengths

    @cached_property
    def traces(self) -> np.ndarray:
        """The trace of each step."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    @cached_property
    def weights(self) -> np.ndarray:
        """The cases of each step's trace."""
        return np.repeat(self.counts, self.lengths)

    @property
    def is_first(self) -> np.ndarray:
        """Whether a step is the first of its trace."""
        first = np.zeros(len(self.steps), dtype=bool)
        first[self.starts[self.lengths > 0]] = True
        return first

    @property
    def empty_count(self) -> int:
        """Cases without any step."""
        return int(self.counts[self.lengths == 0].sum())

    @property
    def case_count(self) -> int:
        """All cases."""
        return int(self.counts.sum())

    @classmethod
    def of(cls, traces: Mapping[Sequence[int], int], size: int) -> "WeightedLog":
        """From trace -> cases.

        >>> WeightedLog.of({(0, 1): 3, (): 1}, 2).empty_count
        1
        """
        steps = np.array([step for trace in traces for step in trace], dtype=np.int32)
        lengths = np.array([len(trace) for trace in traces], dtype=np.int64)
        return cls(steps, lengths, np.array(list(traces.values()), dtype=np.int64), size)

    def assigned(self, parts: np.ndarray, part: int, *, of: np.ndarray | None = None) -> "WeightedLog":
        """The log of the steps whose entry in `parts` is `part`; of: which traces are in it (None: all)."""
        kept = parts == part
        lengths = np.bincount(self.traces[kept], minlength=len(self.lengths))
        if of is None:
            return WeightedLog(self.steps[kept], lengths, self.counts, self.size).merged()
        kept &= of[self.traces]
        return WeightedLog(self.steps[kept], lengths[of], self.counts[of], self.size).merged()

    def cut_before(self, places: np.ndarray) -> "WeightedLog":
        """Each trace cut before the steps where `places` is true; the pieces count as traces, empty traces stay."""
        begins = places | self.is_first
        pieces = np.flatnonzero(begins)
        lengths = np.diff(np.append(pieces, len(self.steps)))
        empty = self.lengths == 0
        return WeightedLog(
            self.steps,
            np.concatenate([lengths, np.zeros(empty.sum(), dtype=np.int64)]),
            np.concatenate([self.weights[pieces], self.counts[empty]]),
            self.size,
        )

    def of_traces(self, kept: np.ndarray) -> "WeightedLog":
        """The log of the traces where `kept` is true."""
        return WeightedLog(self.steps[kept[self.traces]], self.lengths[kept], self.counts[kept], self.size)

    def merged(self) -> "WeightedLog":
        """Equal traces as one, with their cases together."""
        numbers: dict[bytes, int] = {}
        raw, width = self.steps.tobytes(), self.steps.itemsize
        ends = (self.starts + self.lengths) * width
        places = zip((self.starts * width).tolist(), ends.tolist(), strict=True)
        number = np.array([numbers.setdefault(raw[start:end], len(numbers)) for start, end in places], dtype=np.int64)
        if len(numbers) == len(self.lengths):
            return self
        _, first = np.unique(number, return_index=True)
        counts = np.bincount(number, weights=self.counts).astype(np.int64)
        kept = np.zeros(len(self.lengths), dtype=bool)
        kept[first] = True
        return WeightedLog(self.steps[kept[self.traces]], self.lengths[kept], counts, self.size)

    def without(self, activities: np.ndarray) -> "WeightedLog":
        """The log without the events of some activities."""
        return self.assigned(np.isin(self.steps, activities), False)


@dataclass(frozen=True)
class CodedLog:
    """A log whose activity `code` is `keys[code]`, called `names[code]`; the codes are in the order of the names."""

    log: WeightedLog
    keys: tuple[int, ...]
    names: tuple[str, ...]


def code_variants(variants: Variants, names: Mapping[int, str]) -> CodedLog:
    """The variants of a log with their cases. names: activity_key -> activity; codes follow the names' code points."""
    steps = variants.steps.sort("variant_id", "position")["activity_key"].to_numpy()
    counted = variants.variants.sort("variant_id")
    keys = sorted(np.unique(steps).tolist(), key=lambda key: (names[key], key))
    code = {key: number for number, key in enumerate(keys)}
    ordered = np.array(sorted(keys), dtype=np.int64)
    codes = np.array([code[key] for key in ordered.tolist()], dtype=np.int32)
    return CodedLog(
        WeightedLog(
            codes[np.searchsorted(ordered, steps)] if len(keys) else np.zeros(0, dtype=np.int32),
            counted["activity_count"].to_numpy().astype(np.int64),
            counted["case_count"].to_numpy().astype(np.int64),
            len(keys),
        ),
        tuple(keys),
        tuple(names[key] for key in keys),
    )


def most_frequent(coded: CodedLog, limit: int) -> CodedLog:
    """The log of its `limit` most frequent activities (equal ones in the order of their names), if it has more."""
    if len(coded.keys) <= limit:
        return coded
    counts = event_counts(coded.log)
    kept = np.sort(np.lexsort((np.arange(len(counts)), -counts))[:limit])
    smaller = coded.log.assigned(np.isin(coded.log.steps, kept), True)
    steps = np.searchsorted(kept, smaller.steps).astype(np.int32)
    log = WeightedLog(steps, smaller.lengths, smaller.counts, limit)
    return CodedLog(log, tuple(coded.keys[code] for code in kept), tuple(coded.names[code] for code in kept))


def event_counts(log: WeightedLog) -> np.ndarray:
    """Events of each activity."""
    return np.bincount(log.steps, weights=log.weights, minlength=log.size).astype(np.int64)


def direct_counts(log: WeightedLog) -> np.ndarray:
    """Matrix: how often an activity (column) came directly after another (row)."""
    follows = ~log.is_first
    after = np.flatnonzero(follows)
    codes = log.steps[after - 1].astype(np.int64) * log.size + log.steps[after]
    counts = np.bincount(codes, weights=log.weights[after], minlength=log.size**2)
    return counts.astype(np.int64).reshape(log.size, log.size)


def start_counts(log: WeightedLog) -> np.ndarray:
    """Cases that begin with each activity."""
    some = log.lengths > 0
    return np.bincount(log.steps[log.starts[some]], weights=log.counts[some], minlength=log.size).astype(np.int64)


def end_counts(log: WeightedLog) -> np.ndarray:
    """Cases that end with each activity."""
    some = log.lengths > 0
    last = (log.starts + log.lengths)[some] - 1
    return np.bincount(log.steps[last], weights=log.counts[some], minlength=log.size).astype(np.int64)
