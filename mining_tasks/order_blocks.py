"""Blocks of tied events: what of a log's order its times decide, and what is left open.

The events of a case that an order does not separate form a block; blocks follow one another, within a block every
sequence is a legal order. A case is then a weak order of its events, as in Lu, Fahland and van der Aalst, "Conformance
checking based on partially ordered event data" (BPM workshops 2014), and van der Aa, Leopold and Weidlich, "Partial
order resolution of event logs" (2020).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from mining_tasks.frames import events_of
from mining_tasks.groups import distinct, starts_run

EVENT = ("case_key", "event_seq", "activity_key", "occurred_us", "started_us")
_NO_RANK = -(2**62)


@dataclass(frozen=True)
class Members:
    """The different activities of blocks, a place each: `block`, `activity`, `times` (of its events in the block), `low_wait_us`
    and `high_wait_us` (the least and the greatest time from the block before to the begin of one of them, not below 0;
    meaningless in a case's first block).
    """

    block: np.ndarray
    activity: np.ndarray
    times: np.ndarray
    low_wait_us: np.ndarray
    high_wait_us: np.ndarray


@dataclass(frozen=True)
class Blocks:
    """A log in blocks: arrays of int64 and bool.

    Per event, in the order of the log: `case`, `activity`, `occurred_us`, `begin_us` (of an interval its start), `is_new`
    (begins a block). activity: its place among `activity_keys`, which rise.
    """

    case: np.ndarray
    activity: np.ndarray
    occurred_us: np.ndarray
    begin_us: np.ndarray
    is_new: np.ndarray
    activity_keys: np.ndarray

    @property
    def has_ties(self) -> bool:
        """Whether there is a block of several events."""
        return not self.is_new.all()

    @cached_property
    def first(self) -> np.ndarray:
        """Per block, in the order of the log: the place of its first event."""
        return np.flatnonzero(self.is_new)

    @cached_property
    def size(self) -> np.ndarray:
        """Per block how many events it has."""
        return np.diff(self.first, append=len(self.is_new))

    @cached_property
    def is_first(self) -> np.ndarray:
        """Per block whether it is the first of its case."""
        return starts_run(self.case[self.first])

    @cached_property
    def is_last(self) -> np.ndarray:
        """Per block whether it is the last of its case."""
        return np.append(self.is_first[1:], True)[: len(self.first)]

    @cached_property
    def wait_us(self) -> np.ndarray:
        """Per block the wait of its first event, as in `Members`."""
        return self._waits(self.first, np.arange(len(self.first)))

    @cached_property
    def shared(self) -> np.ndarray:
        """The places of the blocks of several events."""
        return np.flatnonzero(self.size > 1)

    @cached_property
    def members(self) -> Members:
        """Those of `shared` blocks and of the ones beside: first of blocks of one event, then of shared ones by activity."""
        alone = self._beside
        row = self.first[alone]
        ones, waits = np.ones(len(alone), np.int64), self.wait_us[alone]
        several = self._several
        return Members(
            *(
                np.concatenate(parts)
                for parts in zip(
                    (alone, self.activity[row], ones, waits, waits),
                    (several.block, several.activity, several.times, several.low_wait_us, several.high_wait_us),
                    strict=True,
                )
            )
        )

    @cached_property
    def kinds(self) -> np.ndarray:
        """Per block how many different activities it has."""
        kinds = np.ones(len(self.first), np.int64)
        kinds[self.shared] = np.bincount(self._several.block, minlength=len(kinds))[self.shared]
        return kinds

    @cached_property
    def start(self) -> np.ndarray:
        """Per block, where it is a shared one or beside one, the place of its first member."""
        start = np.zeros(len(self.first), np.int64)
        start[self._beside] = np.arange(len(self._beside))
        kinds = self.kinds[self.shared]
        start[self.shared] = np.cumsum(kinds) - kinds + len(self._beside)
        return start

    @cached_property
    def tied_cases(self) -> np.ndarray:
        """The cases whose sequence of activities is not decided."""
        cases = self.case[self.first[self.kinds > 1]]
        return cases[starts_run(cases)]

    def pairs(self, source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Each member of the blocks `source` with each one of the blocks `target`, block by block: the place of the two
        blocks in the arrays, those of the members.
        """
        others = self.kinds[target]
        count = self.kinds[source] * others
        place = np.repeat(np.arange(len(count)), count)
        within = np.arange(len(place)) - np.repeat(np.cumsum(count) - count, count)
        one, other = np.divmod(within, others[place])
        return place, self.start[source][place] + one, self.start[target][place] + other

    @cached_property
    def one_of_each(self) -> tuple["Blocks", pl.DataFrame]:
        """Of the cases that have shared blocks: (one case for all that are the same in blocks and activities; `case_key` and
        `cases`: how many it stands for, by case).

        Times aside: what only the order decides is the same for all of them.
        """
        begins = np.flatnonzero(self.is_first)
        length = np.diff(self.first[begins], append=len(self.case))
        is_open = np.logical_or.reduceat(self.size > 1, begins) if len(begins) else np.zeros(0, bool)
        rows = np.flatnonzero(np.repeat(is_open, length))
        coded = pl.LazyFrame({"case_key": self.case[rows], "_code": self.activity[rows] * 2 + self.is_new[rows]})
        cases = coded.group_by("case_key", maintain_order=True).agg("_code").group_by("_code")
        kept = (
            cases.agg(pl.col("case_key").min(), cases=pl.len().cast(pl.Int64)).drop("_code").sort("case_key").collect()
        )
        rows = rows[np.isin(self.case[rows], kept["case_key"].to_numpy())]
        parts = (self.case, self.activity, self.occurred_us, self.begin_us, self.is_new)
        return Blocks(*(part[rows] for part in parts), self.activity_keys), kept

    @cached_property
    def _beside(self) -> np.ndarray:
        """The places of the blocks of one event that stand beside a shared one in their case."""
        is_shared = self.size > 1
        is_beside = np.zeros(len(is_shared), bool)
        is_beside[1:] |= is_shared[:-1] & ~self.is_first[1:]
        is_beside[:-1] |= is_shared[1:] & ~self.is_last[:-1]
        return np.flatnonzero(is_beside & ~is_shared)

    @cached_property
    def _several(self) -> Members:
        """The members of shared blocks."""
        size = self.size[self.shared]
        place = np.repeat(np.arange(len(size)), size)
        rows = self.first[self.shared][place] + np.arange(len(place)) - (np.cumsum(size) - size)[place]
        waits = self._waits(rows, self.shared[place])
        code = place * max(len(self.activity_keys), 1) + self.activity[rows]
        order = np.argsort(code)
        begins = np.flatnonzero(starts_run(code[order]))
        row = rows[order[begins]]
        waits = waits[order]
        return Members(
            block=self.shared[place[order[begins]]],
            activity=self.activity[row],
            times=np.diff(begins, append=len(order)),
            low_wait_us=np.minimum.reduceat(waits, begins) if len(begins) else waits,
            high_wait_us=np.maximum.reduceat(waits, begins) if len(begins) else waits,
        )

    def _waits(self, rows: np.ndarray, blocks: np.ndarray) -> np.ndarray:
        """The waits of events, which are in these blocks."""
        before = self.occurred_us[self.first[np.maximum(blocks - 1, 0)]]
        return np.maximum(self.begin_us[rows] - before, 0)


def find_blocks(events: pl.DataFrame, *, ranks: Mapping[int, int | None] | None = None) -> Blocks:
    """The blocks of a log ordered by time: equal `occurred_us` and, where `ranks` are given, equal rank of the activity.

    events: as `mining_tasks.frames` has them, in the order of the log. ranks: activity_key -> declared rank, None for
    an activity without one.
    """
    frame = events_of(events, needs=EVENT).to_native()
    case, occurred = frame["case_key"].to_numpy(), frame["occurred_us"].to_numpy()
    keys, activity = distinct(frame["activity_key"].cast(pl.Int64).to_numpy())
    is_new = starts_run(case) | starts_run(occurred)
    if ranks is not None:
        known = [ranks.get(key) for key in keys.tolist()]
        is_new |= starts_run(np.array([_NO_RANK if rank is None else rank for rank in known], np.int64)[activity])
    begin = frame.select(pl.coalesce("started_us", "occurred_us")).to_series().to_numpy()
    return Blocks(case, activity, occurred, begin, is_new, keys)
