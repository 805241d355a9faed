"""Groups of rows in memory: small numbers for their keys, and how many different values each has.

A frame's library groups by hashing rows; integers need no hashing: they are made small, and packed into one they sort several
times faster.
"""

from collections.abc import Sequence

import narwhals as nw
import numpy as np
from narwhals.typing import Frame

PACKED = 2**62  # below it several numbers fit into one
_HALF = 32  # bits
_GREATEST = 2**63 - 1
_GAPS = 65_536  # numbers without a group that are worth their place
_ROOM = 62  # bits of a number and its place
_ROOM_PER_NUMBER = 16  # bytes of a table in which numbers are ticked off


def numbered(frame: nw.DataFrame, by: Sequence[str]) -> tuple[nw.DataFrame, np.ndarray, nw.DataFrame]:
    """(the rows, but for those that have a null among the keys `by`; the place of each one's group; the groups).

    Where all keys are integers the rows stay as they are and the groups are in the order of their keys.
    """
    codes = _packed(frame, by)
    if codes is None:
        groups = frame.select(*by).drop_nulls().unique().with_row_index("_group")
        frame = frame.join(groups, on=list(by))
        return frame.drop("_group"), frame["_group"].to_numpy().astype(np.int64), groups.select(*by)
    is_there = np.bincount(codes) > 0
    row = np.zeros(len(is_there), np.int64)
    row[codes] = np.arange(len(codes))  # one row of each group
    places = np.cumsum(is_there) - 1
    return frame, places[codes], frame.select(*by)[row[is_there].tolist()]


def _packed(frame: nw.DataFrame, by: Sequence[str]) -> np.ndarray | None:
    """One small number for each group, rising with its keys, where these are integers; None where they are not."""
    if not len(frame) or any(not frame[name].dtype.is_integer() or frame[name].null_count() for name in by):
        return None
    room = 4 * len(frame) + _GAPS
    codes, size = _small(frame[by[0]].to_numpy(), room)
    for name in by[1:]:
        own, count = _small(frame[name].to_numpy(), room)
        codes, size = codes * count + own, size * count
        if size > room:
            codes, size = _small(codes, room)
    return codes


def _small(keys: np.ndarray, room: int) -> tuple[np.ndarray, int]:
    """Numbers below the second one, at most `room`, that rise with the keys: the distance from the least, or where keys lie
    too far apart the place among the different ones.
    """
    low, high = int(keys.min()), int(keys.max())
    if high - low < room:
        return keys.astype(np.int64, copy=False) - low, high - low + 1
    different, places = distinct(keys)
    return places, len(different)


def distinct(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(the different integers, rising; the place of each of `values` among them)."""
    if not len(values):
        return values, np.zeros(0, np.int64)
    low = int(values.min())
    if int(values.max()) - low < 4 * len(values) + _GAPS:
        is_there = np.bincount(values - low) > 0
        return np.flatnonzero(is_there) + low, (np.cumsum(is_there) - 1)[values - low]
    if (values[1:] >= values[:-1]).all():
        is_new = starts_run(values)
        return values[is_new], np.cumsum(is_new) - 1
    different = np.sort(values)
    different = different[starts_run(different)]
    return different, place_among(different, values) - 1


def count_different(frame: Frame, *, by: Sequence[str], column: str, name: str) -> Frame:
    """How many different values of `column` each group `by` (keys without nulls) has, as `name`; one row per group.

    >>> import polars as pl
    >>> frame = nw.from_native(pl.DataFrame({"arc": [1, 1, 1, 2], "case_key": [5, 5, 6, 6]}))
    >>> count_different(frame, by=["arc"], column="case_key", name="case_count").sort("arc").rows()
    [(1, 2), (2, 1)]
    """
    if isinstance(frame, nw.DataFrame) and (runs := _runs(frame[column])) is not None:
        rows, codes, groups = numbered(frame.select(*by, nw.new_series("_run", runs, backend=frame.implementation)), by)
        counts = count_pairs(codes, rows["_run"].to_numpy(), len(groups))
        return groups.with_columns(nw.new_series(name, counts, nw.Int64(), backend=groups.implementation))
    found = frame.group_by(*by).agg(nw.col(column).n_unique().alias(name))
    return found.with_columns(nw.col(name).cast(nw.Int64()))


def different_pairs(frame: Frame, one: str, other: str) -> nw.DataFrame:
    """Each pair of values of two columns without nulls once, in any order.

    >>> import polars as pl
    >>> frame = nw.from_native(pl.DataFrame({"case_key": [5, 5, 5, 6], "person": [2, 1, 2, 2]}))
    >>> different_pairs(frame, "case_key", "person").rows()
    [(5, 1), (5, 2), (6, 2)]
    """
    frame = frame.select(one, other)
    if isinstance(frame, nw.DataFrame) and len(frame) and all(frame[name].dtype.is_integer() for name in (one, other)):
        (ones, first), (others, second) = (distinct(frame[name].to_numpy()) for name in (one, other))
        if len(ones) * len(others) < PACKED:
            first, second = np.divmod(_different(first * len(others) + second, len(ones) * len(others)), len(others))
            values, backend = {one: ones[first], other: others[second]}, frame.implementation
            columns = [nw.new_series(name, found, frame[name].dtype, backend=backend) for name, found in values.items()]
            return columns[0].to_frame().with_columns(columns[1])
    found = frame.unique()
    return found.collect() if isinstance(found, nw.LazyFrame) else found


def count_pairs(codes: np.ndarray, values: np.ndarray, size: int) -> np.ndarray:
    """How many different small numbers `values` each of the groups 0 to `size` - 1 has."""
    span = int(values.max(initial=0)) + 1
    size = max(size, int(codes.max(initial=-1)) + 1)
    pairs = codes * span + values
    if _has_room(size * span, pairs):
        return np.count_nonzero(_ticked_off(pairs, size * span).reshape(size, span), axis=1)
    return np.bincount(_different(pairs, size * span) // span, minlength=size)


def _different(numbers: np.ndarray, size: int) -> np.ndarray:
    """The different ones of numbers below `size`, rising; their array may be sorted."""
    if _has_room(size, numbers):
        return np.flatnonzero(_ticked_off(numbers, size))
    numbers.sort()
    return numbers[starts_run(numbers)]


def _has_room(size: int, numbers: np.ndarray) -> bool:
    return size <= _ROOM_PER_NUMBER * len(numbers)


def _ticked_off(numbers: np.ndarray, size: int) -> np.ndarray:
    """Whether each number below `size` is among these: several times faster than sorting them."""
    is_there = np.zeros(size, bool)
    is_there[numbers] = True
    return is_there


def place_among(bounds: np.ndarray, at: np.ndarray) -> np.ndarray:
    """How many of the bounds, which rise, each integer is not below: `np.searchsorted` from the right. Many are not looked up
    one by one: pieces of equal length, of which few hold more than one bound, tell most places.
    """
    low, high = (int(at.min()), int(at.max())) if len(at) else (0, 0)
    if len(at) < 16 * len(bounds) or high == _GREATEST:
        return np.searchsorted(bounds, at, side="right")
    width = ((high - low) // (16 * len(bounds) + 4096)).bit_length()  # in bits
    pieces = np.arange(((high - low) >> width) + 1, dtype=np.uint64)
    begins = (pieces << width).view(np.int64) + low
    piece = (at.astype(np.int64, copy=False) - low).view(np.uint64) >> width  # unsigned: what spans all integers fits
    until = np.searchsorted(bounds, begins, side="right")
    following = np.append(bounds, _GREATEST)
    found = until[piece]
    found += following[found] <= at
    if (np.diff(until, append=len(bounds)) > 1).any():
        beyond = following[found] <= at
        found[beyond] = np.searchsorted(bounds, at[beyond], side="right")
    return found


def exact_sums(codes: np.ndarray, values: np.ndarray, size: int) -> list[int]:
    """The sum of the integers of each of the groups 0 to `size` - 1, however large: the halves of all numbers are summed
    apart, which cannot overflow.
    """
    if not values.any():
        return [0] * size
    high, low = np.zeros(size, np.int64), np.zeros(size, np.int64)
    np.add.at(high, codes, values >> _HALF)
    np.add.at(low, codes, values & ((1 << _HALF) - 1))
    return [(above << _HALF) + below for above, below in zip(high.tolist(), low.tolist(), strict=True)]


def stable_order(keys: np.ndarray) -> np.ndarray:
    """The places of integers from the least, those of equal ones as they lie. NumPy sorts numbers several times faster than
    places: so each place is put behind its number; what of a number has no room beside it is looked at afterwards.
    """
    if not len(keys):
        return np.zeros(0, np.int64)
    low, bits = int(keys.min()), (len(keys) - 1).bit_length()
    span = int(keys.max()) - low
    if span > _GREATEST:
        return np.argsort(keys, kind="stable")
    left_out = max(span.bit_length() + bits - _ROOM, 0)
    packed = keys - low
    packed >>= left_out
    packed <<= bits
    packed += np.arange(len(keys))
    packed.sort()
    order = packed & ((1 << bits) - 1)
    if left_out:
        found = keys[order]
        is_late = found[1:] < found[:-1]
        if is_late.any():
            packed >>= bits
            run = np.cumsum(starts_run(packed))
            wrong = np.zeros(run[-1] + 1, bool)
            wrong[run[1:][is_late]] = True
            rows = np.flatnonzero(wrong[run])
            order[rows] = order[rows][np.lexsort((found[rows], run[rows]))]  # which is stable
    return order


def by_group(codes: np.ndarray, size: int) -> np.ndarray:
    """The places of rows by their groups 0 to `size` - 1, those of a group as they lie. NumPy sorts short integers by digits."""
    return np.argsort(codes.astype(np.min_scalar_type(size)), kind="stable")


def _runs(values: nw.Series) -> np.ndarray | None:
    """The number of each value's run, where the values are integers that rise; None where they are not."""
    if not len(values) or not values.dtype.is_integer() or values.null_count():
        return None
    known = values.to_numpy()
    return None if (known[1:] < known[:-1]).any() else np.cumsum(starts_run(known)) - 1


def starts_run(values: np.ndarray) -> np.ndarray:
    """Whether each value differs from the one before it."""
    return np.append(np.ones(min(len(values), 1), bool), values[1:] != values[:-1])
