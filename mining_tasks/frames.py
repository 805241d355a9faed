"""What the algorithms take: an event log as integers, in any engine (Polars, DuckDB, PyArrow; pandas, with Arrow
types, is converted).

Events: one row per event, columns
    case_key      int64   the case
    event_seq     int     the event's position in its case; the order of everything, unique within the case
    activity_key  int     the activity
    occurred_us   int64   when it happened (an interval: when it ended), microseconds since 1970-01-01 UTC
    started_us    int64   start of an interval, else null
    resource_key  int64   the person, else null
Results never depend on the order of the input's rows, on the number of threads or on the engine.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import narwhals as nw
import polars as pl
from narwhals.typing import Frame, IntoFrame

EVENT_COLUMNS = ("case_key", "event_seq", "activity_key", "occurred_us", "started_us", "resource_key")
MICROSECONDS = 1_000_000
_KNOWN: list[tuple] = []  # of frames that `in_order` keeps alive


def ratio(numerator: str, denominator: int) -> nw.Expr:
    """An integer column divided by a constant, rounded once, as IEEE 754 says, on every engine.

    The constant is made a column: Polars multiplies by the reciprocal of a scalar, which differs in the last bit.
    """
    column = nw.col(numerator).cast(nw.Int64())
    return column.cast(nw.Float64()) / (column * 0 + denominator).cast(nw.Float64())


def remainder(column: str, divisor: int) -> nw.Expr:
    """`column` modulo `divisor`, for numbers that are not negative (pandas has no modulo of Arrow integers)."""
    return nw.col(column) - (nw.col(column) // divisor) * divisor


def events_of(events: IntoFrame, *, needs: Sequence[str] = EVENT_COLUMNS) -> Frame:
    """The columns `needs` of an event log, in the order (case_key, event_seq). ValueError names a missing column."""
    frame = nw.from_native(events)
    if frame.implementation.is_pandas_like():  # at the edge only: its joins turn integers with nulls into floats
        frame = nw.from_native(frame.to_arrow())
    missing = [name for name in needs if name not in frame.collect_schema().names()]
    if missing:
        raise ValueError(f"events: expected the columns {', '.join(needs)}; missing: {', '.join(missing)}")
    frame = frame.select(*needs)
    if isinstance(frame, nw.LazyFrame) or _is_known(frame) or _is_in_order(frame):
        return frame  # a lazy engine orders within each window
    return frame.sort("case_key", "event_seq")


@contextmanager
def in_order(events: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Events in memory in the order (case_key, event_seq), of which, within the block, nobody looks again whether they are."""
    events = events_of(events, needs=events.columns).to_native().rechunk()
    known = _places(events)  # of memory that the block keeps alive: one piece, without nulls, is not copied
    _KNOWN.append(known)
    try:
        yield events
    finally:
        _KNOWN.remove(known)


def _places(events: pl.DataFrame) -> tuple:
    """Where in memory the columns lie that say what the order is: of frames that are alive at once no two are the same. Empty
    where they do not lie there as they are.
    """
    columns = [events[name] for name in ("case_key", "event_seq")]
    if any(column.n_chunks() > 1 or column.null_count() for column in columns):
        return ()
    return tuple((column.to_numpy().__array_interface__["data"][0], len(column)) for column in columns)


def _is_known(frame: nw.DataFrame) -> bool:
    native = frame.to_native()
    return bool(_KNOWN) and isinstance(native, pl.DataFrame) and (_places(native) or None) in _KNOWN


def _is_in_order(frame: nw.DataFrame) -> bool:
    case, seq = (frame[name].to_numpy() for name in ("case_key", "event_seq"))
    is_later = (case[1:] > case[:-1]) | ((case[1:] == case[:-1]) & (seq[1:] > seq[:-1]))
    return bool(is_later.all())


def neighbour(frame: Frame, column: str, *, offset: int, order: str = "event_seq") -> nw.Expr:
    """`column` of the event `offset` places later in the same case (earlier if negative), null where there is none."""
    if isinstance(frame, nw.LazyFrame):
        return nw.col(column).shift(-offset).over("case_key", order_by=order)
    same_case = nw.col("case_key") == nw.col("case_key").shift(-offset)
    return nw.when(same_case).then(nw.col(column).shift(-offset))


def collected(frame: Frame, *, order: Sequence[str]) -> nw.DataFrame:
    """The result in memory, sorted by `order` (which must be a key), counts as int64."""
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    counts = [name for name, kind in frame.schema.items() if name.endswith("_count") and kind != nw.Int64()]
    if counts:
        frame = frame.with_columns(nw.col(*counts).cast(nw.Int64()))
    return frame.sort(*order)
