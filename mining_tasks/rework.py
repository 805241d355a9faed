"""Rework: which activities happen more than once in a case, and how often.

Definition as in pm4py's rework statistics: an activity is reworked in a case in which it occurs at least twice.
"""

import narwhals as nw
import numpy as np
from narwhals.typing import IntoFrame

from mining_tasks.frames import collected, events_of, neighbour
from mining_tasks.groups import numbered, starts_run


def measure_rework(events: IntoFrame) -> nw.DataFrame:
    """One row per activity, sorted by `activity_key`: `case_count` (cases that have it), `repeat_case_count` (at least
    twice), `repeat_case_share`, `repeat_count` (events beyond the first of their case), `self_loop_count` (events
    directly after one of the same activity), `max_per_case`.
    """
    frame = events_of(events, needs=("case_key", "event_seq", "activity_key"))
    found = _by_windows(frame) if isinstance(frame, nw.LazyFrame) else _by_runs(frame)
    activities = found.with_columns(
        repeat_case_share=nw.col("repeat_case_count").cast(nw.Float64()) / nw.col("case_count").cast(nw.Float64())
    )
    columns = (
        "activity_key",
        "case_count",
        "repeat_case_count",
        "repeat_case_share",
        "repeat_count",
        "self_loop_count",
        "max_per_case",
    )
    return collected(activities.select(*columns), order=["activity_key"])


def _by_windows(frame: nw.LazyFrame) -> nw.LazyFrame:
    """Per activity all that is counted."""
    per_case = frame.group_by("case_key", "activity_key").agg(nw.len().alias("_times"))
    per_case = per_case.with_columns(nw.col("_times").cast(nw.Int64())).with_columns(
        _repeats=nw.col("_times") - 1, _is_repeated=(nw.col("_times") > 1).cast(nw.Int64())
    )
    activities = per_case.group_by("activity_key").agg(
        nw.len().alias("case_count"),
        repeat_case_count=nw.col("_is_repeated").sum(),
        repeat_count=nw.col("_repeats").sum(),
        max_per_case=nw.col("_times").max(),
    )
    loops = (
        frame.select("activity_key", _next=neighbour(frame, "activity_key", offset=1))
        .filter(nw.col("activity_key") == nw.col("_next"))
        .group_by("activity_key")
        .agg(nw.len().alias("self_loop_count"))
    )
    return activities.join(loops, on="activity_key", how="left").with_columns(
        nw.col("self_loop_count").fill_null(0), nw.col("case_count", "repeat_case_count").cast(nw.Int64())
    )


def _by_runs(frame: nw.DataFrame) -> nw.DataFrame:
    """The same in memory: case and activity are packed into one integer and sorted."""
    _, codes, activities = numbered(frame.select("activity_key"), ["activity_key"])
    size = len(activities)
    starts = starts_run(frame["case_key"].to_numpy())
    packed = np.cumsum(starts) * size + codes
    packed.sort()
    first = np.flatnonzero(starts_run(packed))
    times, code = np.diff(first, append=len(packed)), packed[first] % max(size, 1)
    case_count, most = np.bincount(code, minlength=size), np.zeros(size, np.int64)
    np.maximum.at(most, code, times)
    is_loop = ~starts_run(codes) & ~starts
    counts = {
        "case_count": case_count,
        "repeat_case_count": np.bincount(code[times > 1], minlength=size),
        "repeat_count": np.bincount(codes, minlength=size) - case_count,
        "self_loop_count": np.bincount(codes[is_loop], minlength=size),
        "max_per_case": most,
    }
    return activities.with_columns(
        nw.new_series(name, found, nw.Int64(), backend=frame.implementation) for name, found in counts.items()
    )
