"""Sequences of activities behind one another in flat arrays, and the neighbours in them that rules ask for."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

NONE = -1


@dataclass(frozen=True)
class Sequences:
    """Sequences (of variants, or of cases) one behind the other. owner: per step the number of its sequence, from 0,
    ascending. activity: per step its key. first, last: per step the place of its sequence's first and last step.
    """

    owner: np.ndarray
    activity: np.ndarray
    first: np.ndarray
    last: np.ndarray

    @classmethod
    def of(cls, owner: np.ndarray, activity: np.ndarray) -> "Sequences":
        """From steps in order. owner: ascending, each of 0 … its highest at least once."""
        sizes = np.bincount(owner)
        ends = np.cumsum(sizes)
        return cls(owner, activity, (ends - sizes)[owner], ends[owner] - 1)

    @property
    def places(self) -> np.ndarray:
        """0, 1, … of all steps."""
        return np.arange(len(self.owner))

    @property
    def position(self) -> np.ndarray:
        """Per step its position in its sequence, from 1."""
        return self.places - self.first + 1

    def has(self, keys: Collection[int]) -> np.ndarray:
        """Per step whether its activity is one of `keys`."""
        return np.isin(self.activity, np.fromiter(keys, dtype=self.activity.dtype, count=len(keys)))

    def following(self, flags: np.ndarray) -> np.ndarray:
        """Per step the place of the next step after it that is flagged, in the same sequence; NONE where there is none."""
        size = len(flags)
        later = np.append(np.where(flags, self.places, size), size)
        nearest = np.minimum.accumulate(later[::-1])[::-1][1:]
        return np.where(nearest <= self.last, nearest, NONE)

    def preceding(self, flags: np.ndarray) -> np.ndarray:
        """Per step the place of the last step before it that is flagged, in the same sequence; NONE where there is none."""
        earlier = np.append(NONE, np.where(flags, self.places, NONE))
        nearest = np.maximum.accumulate(earlier)[:-1]
        return np.where(nearest >= self.first, nearest, NONE)

    def counts(self, flags: np.ndarray) -> np.ndarray:
        """Per sequence how many of its steps are flagged."""
        size = int(self.owner[-1]) + 1 if len(self.owner) else 0
        return np.bincount(self.owner[flags], minlength=size)

    def nth(self, flags: np.ndarray, number: int) -> np.ndarray:
        """The places of each sequence's flagged step number `number` (from 1), for the sequences that have one."""
        so_far = np.cumsum(flags)
        before = so_far[self.first] - flags[self.first]
        return np.flatnonzero(flags & (so_far - before == number))
