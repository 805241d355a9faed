"""How low and how high a mean or a percentile can be when some of its values are sure and others only possible.

A percentile is Hyndman and Fan's definition 7, as in `mining_tasks.durations`.
"""

from fractions import Fraction

import numpy as np


def extreme_quantile(sure: np.ndarray, possible: np.ndarray, share: Fraction, *, lowest: bool) -> float | None:
    """The least (or greatest) percentile of `sure` with any part of `possible`; None where there is no value at all.

    sure, possible: int64 microseconds. Returns microseconds. Of parts of equal size the one with the smallest values
    has the smallest percentile, so one part of each size is looked at: all of them at once, O(n log n), and O(n) where
    both are sorted already.

    >>> extreme_quantile(np.array([4, 6]), np.array([0, 0, 9]), Fraction(1, 2), lowest=True)
    2.0
    """
    if not lowest:
        highest = extreme_quantile(-sure[::-1], -possible[::-1], 1 - share, lowest=True)
        return None if highest is None else -highest
    if not len(sure) and not len(possible):
        return None
    sure, possible = np.sort(sure, kind="stable"), np.sort(possible, kind="stable")  # which sees that nothing is to do
    taken = np.arange(0 if len(sure) else 1, len(possible) + 1)
    place = (len(sure) + taken - 1) * share.numerator
    low, rest = place // share.denominator, place % share.denominator
    at_low = _kth(sure, possible, taken, low)
    at_high = _kth(sure, possible, taken, low + (rest > 0))
    return float(np.min(at_low + (at_high - at_low) * rest / share.denominator))


def extreme_mean(sure: np.ndarray, possible: np.ndarray, *, lowest: bool) -> float | None:
    """The least (or greatest) mean of `sure` with any part of `possible`; None where there is no value at all."""
    if not lowest:
        highest = extreme_mean(-sure, -possible[::-1], lowest=True)
        return None if highest is None else -highest
    if not len(sure) and not len(possible):
        return None
    taken = np.arange(0 if len(sure) else 1, len(possible) + 1)
    sums = np.concatenate([[0.0], np.cumsum(np.sort(possible, kind="stable").astype(np.float64))]) + float(sure.sum())
    return float(np.min(sums[taken] / (len(sure) + taken)))


def _kth(left: np.ndarray, right: np.ndarray, taken: np.ndarray, k: np.ndarray) -> np.ndarray:
    """The element at place `k` (from 0) of the sorted union of `left` and the first `taken` of `right`, for each taken.

    Bisection over how many of the k come from `left` (both sorted).
    """
    top = np.iinfo(np.int64).max // 4
    padded_left = np.concatenate([left, [top]]).astype(np.int64)
    padded_right = np.concatenate([right, [top]]).astype(np.int64)
    low, high = np.maximum(0, k - taken), np.minimum(k, len(left))
    while True:  # the least count of `left` below place k: left[i] >= right[k - i - 1]
        is_open = low < high
        if not is_open.any():
            break
        middle = (low + high) // 2
        before = k - middle - 1
        is_more = is_open & (before >= 0) & (padded_left[middle] < padded_right[np.clip(before, 0, len(right))])
        low = np.where(is_more, middle + 1, low)
        high = np.where(is_open & ~is_more, middle, high)
    from_right = k - low
    next_right = np.where(from_right < taken, padded_right[np.clip(from_right, 0, len(right))], top)
    return np.minimum(padded_left[low], next_right)
