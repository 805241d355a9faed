"""Rework: which activities happen more than once in a case, and how often.

Definition as in pm4py's rework statistics: an activity is reworked in a case in which it occurs at least twice.
"""

import narwhals as nw
import numpy as np
from narwhals.typing import Frame, IntoFrame

from mining_tasks.frames import collected, events_of, neighbour
from mining_tasks.groups import numbered, starts_run


def measure_rework(events: IntoFrame) -> nw.DataFrame:
    """One row per activity, sorted by `activity_key`: `case_count` (cases that have it), `repeat_case_count` (at least
    twice), `repeat_case_share`, `repeat_count` (events beyond the first of their case), `self_loop_count` (events
    directly after one of the same activity), `max_per_case`.
    """
    frame = events_of(events, needs=("case_key", "event_seq", "activity_key"))
    per_case = _times_per_case(frame).with_columns(
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
    activities = (
        activities.join(loops, on="activity_key", how="left")
        .with_columns(
            nw.col("self_loop_count").fill_null(0),
            nw.col("case_count", "repeat_case_count").cast(nw.Int64()),
        )
        .with_columns(
            repeat_case_share=nw.col("repeat_case_count").cast(nw.Float64()) / nw.col("case_count").cast(nw.Float64())
        )
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


def _times_per_case(frame: Frame) -> Frame:
    """`activity_key`, `_times`: a row per case and activity of it. In memory the two are packed into one integer and sorted,
    which takes half as long as to group by both.
    """
    if isinstance(frame, nw.LazyFrame):
        by = ["case_key", "activity_key"]
        return frame.group_by(*by).agg(nw.len().alias("_times")).with_columns(nw.col("_times").cast(nw.Int64()))
    _, codes, groups = numbered(frame.select("activity_key"), ["activity_key"])
    case = np.cumsum(starts_run(frame["case_key"].to_numpy()))
    packed = np.sort(case * len(groups) + codes)
    start = np.flatnonzero(starts_run(packed))
    keys = groups["activity_key"].to_numpy()[packed[start] % max(len(groups), 1)]
    times = np.diff(start, append=len(packed))
    return nw.from_dict(
        {"activity_key": keys, "_times": times},
        schema={"activity_key": frame.schema["activity_key"], "_times": nw.Int64()},
        backend=frame.implementation,
    )
