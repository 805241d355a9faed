"""What ties can move of an activity's own figures: how long cases wait for it, how many begin and end with it.

All exact: of a block that is not the first, one event waits for all of it and the others not at all; which one is free,
block by block.
"""

from collections.abc import Iterator

import numpy as np

from mining_tasks.durations import Ordered
from mining_tasks.order_blocks import Blocks


def bound_ends(log: Blocks) -> Iterator[tuple[int, str, int, int]]:
    """activity_key, end ('start' or 'end'), lowest, highest: cases that begin or end with the activity; by key.

    Only activities that ties can move.
    """
    size, members, found = len(log.activity_keys), log.members, {}
    for end, is_end in (("start", log.is_first), ("end", log.is_last)):
        alone = log.activity[log.first[is_end & (log.size == 1)]]
        several = is_end[members.block] & (log.size[members.block] > 1)
        sure = several & (log.kinds[members.block] == 1)
        lowest, highest = (
            np.bincount(alone, minlength=size) + np.bincount(members.activity[which], minlength=size)
            for which in (sure, several)
        )
        found[end] = lowest.tolist(), highest.tolist()
    for place, key in enumerate(log.activity_keys.tolist()):
        for end in sorted(found):
            lowest, highest = (counts[place] for counts in found[end])
            if lowest < highest:
                yield key, end, lowest, highest


def bound_waits(log: Blocks) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """activity_key, the waiting times that make its figures lowest, and those that make them highest, from the least; by key.

    Only activities that ties can move and that somebody waits for. Any figure that does not fall when a value grows (mean,
    percentiles) is lowest on the first and highest on the second.
    """
    size, members = len(log.activity_keys), log.members
    kinds, is_first = log.kinds[members.block], log.is_first[members.block]
    is_several = log.size[members.block] > 1
    is_moved = np.zeros(size, bool)
    is_moved[members.activity[is_several & (kinds > 1)]] = True
    is_moved[members.activity[is_several & ~is_first & (members.low_wait_us < members.high_wait_us)]] = True
    if not is_moved.any():
        return
    activity = log.activity[log.first]
    alone = np.flatnonzero((log.size == 1) & ~log.is_first & is_moved[activity])
    own = Ordered.of(activity[alone], log.wait_us[alone], size).apart()
    # in a case's first block one event waits for nothing: it is of the activity, or another one is
    others = _counted(members.activity[is_several], members.times[is_several] - 1, size)
    first = np.bincount(members.activity[is_several & is_first & (kinds > 1)], minlength=size)
    chosen = np.flatnonzero(is_several & ~is_first)
    low = np.where(kinds[chosen] == 1, members.low_wait_us[chosen], 0)
    lows = Ordered.of(members.activity[chosen], low, size).apart()
    highs = Ordered.of(members.activity[chosen], members.high_wait_us[chosen], size).apart()
    for place in np.flatnonzero(is_moved).tolist():
        lowest = _merged(int(others[place] + first[place]), own[place], lows[place])
        highest = _merged(int(others[place]), own[place], highs[place])
        if len(lowest) and len(highest):
            yield int(log.activity_keys[place]), lowest, highest


def _counted(places: np.ndarray, counts: np.ndarray, size: int) -> np.ndarray:
    found = np.zeros(size, np.int64)
    np.add.at(found, places, counts)
    return found


def _merged(zeros: int, *parts: np.ndarray) -> np.ndarray:
    """So many zeros and parts that are sorted, sorted."""
    return np.sort(np.concatenate([np.zeros(zeros, np.int64), *parts]), kind="stable")
