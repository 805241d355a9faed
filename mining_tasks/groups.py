"""Groups of rows in memory: small numbers for their keys, and how many different values each has.

A frame's library groups by hashing rows; integers that lie close together need no hashing, and packed into one they sort
several times faster.
"""

from collections.abc import Sequence

import narwhals as nw
import numpy as np
from narwhals.typing import Frame

PACKED = 2**62  # below it several numbers fit into one
_GAPS = 65_536  # numbers without a group that are worth their place


def numbered(frame: nw.DataFrame, by: Sequence[str]) -> tuple[nw.DataFrame, np.ndarray, nw.DataFrame]:
    """(the rows, whose order may be another, but for those that have a null among the keys `by`; the place of each one's
    group; the groups)."""
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
    """One number for each group, where the keys are integers not far apart; None where they are not."""
    codes, size = np.zeros(len(frame), np.int64), 1
    if not len(frame):
        return None
    for name in by:
        keys = frame[name]
        if not keys.dtype.is_integer() or keys.null_count():
            return None
        low, high = int(keys.min()), int(keys.max())
        size *= high - low + 1
        if size > 4 * len(frame) + _GAPS:
            return None
        codes = codes * (high - low + 1) + (keys.to_numpy().astype(np.int64) - low)
    return codes


def count_different(frame: Frame, *, by: Sequence[str], column: str, name: str) -> Frame:
    """How many different values of `column` each group `by` (keys without nulls) has, as `name`; one row per group.

    >>> import polars as pl
    >>> frame = nw.from_native(pl.DataFrame({"arc": [1, 1, 1, 2], "case_key": [5, 5, 6, 6]}))
    >>> count_different(frame, by=["arc"], column="case_key", name="case_count").sort("arc").rows()
    [(1, 2), (2, 1)]
    """
    if isinstance(frame, nw.DataFrame) and (runs := _runs(frame[column])) is not None:
        rows, codes, groups = numbered(frame.select(*by, nw.new_series("_run", runs, backend=frame.implementation)), by)
        span = int(runs[-1]) + 1
        if len(groups) * span < PACKED:
            pairs = np.sort(codes * span + rows["_run"].to_numpy())
            different = pairs[starts_run(pairs)] // span
            counts = np.bincount(different, minlength=len(groups)).astype(np.int64)
            return groups.with_columns(nw.new_series(name, counts, nw.Int64(), backend=groups.implementation))
    found = frame.group_by(*by).agg(nw.col(column).n_unique().alias(name))
    return found.with_columns(nw.col(name).cast(nw.Int64()))


def _runs(values: nw.Series) -> np.ndarray | None:
    """The number of each value's run, where the values are integers that rise; None where they are not."""
    if not len(values) or not values.dtype.is_integer() or values.null_count():
        return None
    known = values.to_numpy()
    return None if (known[1:] < known[:-1]).any() else np.cumsum(starts_run(known)) - 1


def starts_run(values: np.ndarray) -> np.ndarray:
    """Whether each value differs from the one before it."""
    return np.append(np.ones(min(len(values), 1), bool), values[1:] != values[:-1])
