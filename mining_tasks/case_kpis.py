"""Figures per case: when it ran, how long, how much of it was rework, which step took longest."""

import narwhals as nw
import numpy as np
from narwhals.typing import Frame, IntoFrame

from mining_tasks.dfg import ARC, successions
from mining_tasks.durations import seconds
from mining_tasks.frames import collected, events_of, neighbour
from mining_tasks.groups import starts_run

COLUMNS = (
    "case_key",
    "started_us",
    "ended_us",
    "duration_us",
    "throughput_seconds",
    "event_count",
    "activity_count",
    "rework_count",
    "self_loop_count",
    "start_activity_key",
    "end_activity_key",
    "longest_wait_seconds",
    "longest_wait_source_activity_key",
    "longest_wait_target_activity_key",
)


def measure_cases(events: IntoFrame) -> nw.DataFrame:
    """One row per case, sorted by `case_key`.

    started_us, ended_us: earliest begin and latest end of its events; duration_us: the time between (throughput time).
    rework_count: events beyond the first of their activity; self_loop_count: events directly after one of the same
    activity. The longest wait is between two neighbours of the order (the first of equal ones); null for one event.
    """
    frame = events_of(events, needs=("case_key", "event_seq", "activity_key", "occurred_us", "started_us"))
    activity = nw.col("activity_key")
    following = neighbour(frame, "activity_key", offset=1)
    marked = frame.with_columns(
        _start=nw.when(neighbour(frame, "event_seq", offset=-1).is_null()).then(activity),
        _end=nw.when(following.is_null()).then(activity),
        _is_loop=nw.when(activity == following).then(1).otherwise(0),
    )
    cases = (
        case_spans(
            marked,
            event_count=nw.len(),
            activity_count=activity.n_unique(),
            self_loop_count=nw.col("_is_loop").sum(),
            start_activity_key=nw.col("_start").max(),
            end_activity_key=nw.col("_end").max(),
        )
        .join(_longest_waits(frame), on="case_key", how="left")
        .with_columns(
            rework_count=nw.col("event_count").cast(nw.Int64()) - nw.col("activity_count").cast(nw.Int64()),
            longest_wait_seconds=seconds("_longest_us"),
            throughput_seconds=seconds("duration_us"),
        )
    )
    return collected(cases.select(*COLUMNS), order=["case_key"])


def case_spans(frame: Frame, **further: nw.Expr) -> Frame:
    """Per case `started_us`, `ended_us` (earliest begin, latest end), `duration_us` between them, and `further`."""
    begin = nw.coalesce("started_us", "occurred_us")
    earlier, later = nw.min_horizontal(begin, "occurred_us"), nw.max_horizontal(begin, "occurred_us")
    return (
        frame.with_columns(_begin_us=earlier, _end_us=later)
        .group_by("case_key")
        .agg(started_us=nw.col("_begin_us").min(), ended_us=nw.col("_end_us").max(), **further)
        .with_columns(duration_us=nw.col("ended_us") - nw.col("started_us"))
    )


def _longest_waits(frame: Frame) -> Frame:
    """Per case of two events or more its longest wait, the first of equal ones: `case_key`, `_longest_us`, the two keys."""
    pairs = successions(frame.to_native())
    if isinstance(pairs, nw.LazyFrame):
        longest = pairs.group_by("case_key").agg(_longest_us=nw.col("duration_us").max())
        as_long = pairs.join(longest, on="case_key").filter(nw.col("duration_us") == nw.col("_longest_us"))
        first = as_long.with_columns(_before=neighbour(as_long, "event_seq", offset=-1))
        first = first.filter(nw.col("_before").is_null())
    else:
        first = pairs[_places_of_longest(pairs["case_key"].to_numpy(), pairs["duration_us"].to_numpy()).tolist()]
        first = first.with_columns(_longest_us=nw.col("duration_us"))
    return first.select(
        "case_key",
        "_longest_us",
        nw.col(ARC[0]).alias("longest_wait_source_activity_key"),
        nw.col(ARC[1]).alias("longest_wait_target_activity_key"),
    )


def _places_of_longest(case_key: np.ndarray, duration_us: np.ndarray) -> np.ndarray:
    """Of each run of equal keys the first place of its greatest duration."""
    if not len(case_key):
        return np.zeros(0, np.int64)
    start = np.flatnonzero(starts_run(case_key))
    longest = np.maximum.reduceat(duration_us, start)
    places = np.flatnonzero(duration_us == np.repeat(longest, np.diff(start, append=len(case_key))))
    return places[starts_run(case_key[places])]
