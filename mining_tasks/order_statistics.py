"""How low and how high a mean or a percentile can be when some of its values are sure and others only possible.

A percentile is Hyndman and Fan's definition 7, as in `mining_tasks.durations`.
"""

from collections.abc import Iterable
from fractions import Fraction

import numpy as np


def extreme_quantiles(
    sure: np.ndarray, possible: np.ndarray, shares: Iterable[Fraction], *, lowest: bool
) -> list[float | None]:
    """The least (or greatest) percentile of `sure` with any part of `possible`, of each share; None where there is no value
    at all.

    sure, possible: int64 microseconds, from the least. Returns microseconds. Of parts of equal size the one with the smallest
    values has the smallest percentile, so one part of each size is looked at: all of them at once, O(n log n).

    >>> extreme_quantiles(np.array([4, 6]), np.array([0, 0, 9]), [Fraction(1, 2)], lowest=True)
    [2.0]
    """
    shares = list(shares)
    if not len(sure) and not len(possible):
        return [None] * len(shares)
    if not len(possible):
        return [_quantile(sure, share) for share in shares]
    if not lowest:
        opposite = [1 - share for share in shares]
        return [-highest for highest in extreme_quantiles(-sure[::-1], -possible[::-1], opposite, lowest=True)]
    taken = np.arange(0 if len(sure) else 1, len(possible) + 1)
    union = np.concatenate([sure, possible])
    union.sort(kind="stable")  # which merges what is sorted
    # how many of the sure ones lie below the last of those that are taken
    below = np.searchsorted(sure, possible[np.maximum(taken - 1, 0)])
    below[taken == 0] = 0
    found = []
    for share in shares:
        place, rest = np.divmod((len(sure) + taken - 1) * share.numerator, share.denominator)
        at_low = _kth(sure, union, taken, below, place)
        at_high = _kth(sure, union, taken, below, place + (rest > 0))
        found.append(float(np.min(at_low + (at_high - at_low) * rest / share.denominator)))
    return found


def _quantile(values: np.ndarray, share: Fraction) -> float:
    place, rest = divmod((len(values) - 1) * share.numerator, share.denominator)
    low, high = int(values[place]), int(values[place + (rest > 0)])
    return float(low + (high - low) * rest / share.denominator)


def extreme_mean(sure: np.ndarray, possible: np.ndarray, *, lowest: bool) -> float | None:
    """The least (or greatest) mean of `sure` with any part of `possible` (from the least); None where there is no value."""
    if not lowest:
        highest = extreme_mean(-sure, -possible[::-1], lowest=True)
        return None if highest is None else -highest
    if not len(sure) and not len(possible):
        return None
    taken = np.arange(0 if len(sure) else 1, len(possible) + 1)
    sums = np.concatenate([[0.0], np.cumsum(possible.astype(np.float64))]) + float(sure.sum())
    return float(np.min(sums[taken] / (len(sure) + taken)))


def _kth(sure: np.ndarray, union: np.ndarray, taken: np.ndarray, below: np.ndarray, k: np.ndarray) -> np.ndarray:
    """The element at place `k` (from 0) of the sorted union of `sure` and the first `taken` of the possible values, for each
    taken. union: of all, sorted. below: how many of `sure` are less than the last one taken (0: none is).

    Up to the place of the last one taken the union with some is the union with all; beyond it come sure ones alone.
    """
    is_beyond = k - taken >= below
    return np.where(is_beyond, sure[np.clip(k - taken, 0, len(sure) - 1)] if len(sure) else 0, union[k])
