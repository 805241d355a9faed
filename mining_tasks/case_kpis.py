"""Figures per case: when it ran, how long, how much of it was rework, which step took longest."""

import narwhals as nw
import numpy as np
from narwhals.typing import Frame, IntoFrame

from mining_tasks.dfg import ARC, successions
from mining_tasks.durations import seconds
from mining_tasks.frames import collected, events_of, neighbour
from mining_tasks.groups import count_pairs, numbered, starts_run

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
    found = _by_windows(frame) if isinstance(frame, nw.LazyFrame) else _by_runs(frame)
    cases = found.with_columns(
        rework_count=nw.col("event_count").cast(nw.Int64()) - nw.col("activity_count").cast(nw.Int64()),
        longest_wait_seconds=seconds("_longest_us"),
        throughput_seconds=seconds("duration_us"),
    )
    return collected(cases.select(*COLUMNS), order=["case_key"])


def _by_windows(frame: nw.LazyFrame) -> nw.LazyFrame:
    """Per case what `measure_cases` counts and finds, `_longest_us` being the longest wait."""
    activity = nw.col("activity_key")
    following = neighbour(frame, "activity_key", offset=1)
    marked = frame.with_columns(
        _start=nw.when(neighbour(frame, "event_seq", offset=-1).is_null()).then(activity),
        _end=nw.when(following.is_null()).then(activity),
        _is_loop=nw.when(activity == following).then(1).otherwise(0),
    )
    cases = _grouped(
        marked,
        event_count=nw.len(),
        activity_count=activity.n_unique(),
        self_loop_count=nw.col("_is_loop").sum(),
        start_activity_key=nw.col("_start").max(),
        end_activity_key=nw.col("_end").max(),
    )
    pairs = successions(frame.to_native())
    longest = pairs.group_by("case_key").agg(_longest_us=nw.col("duration_us").max())
    as_long = pairs.join(longest, on="case_key").filter(nw.col("duration_us") == nw.col("_longest_us"))
    first = as_long.with_columns(_before=neighbour(as_long, "event_seq", offset=-1)).filter(nw.col("_before").is_null())
    waits = first.select(
        "case_key",
        "_longest_us",
        nw.col(ARC[0]).alias("longest_wait_source_activity_key"),
        nw.col(ARC[1]).alias("longest_wait_target_activity_key"),
    )
    return cases.join(waits, on="case_key", how="left")


def _by_runs(frame: nw.DataFrame) -> nw.DataFrame:
    """The same in memory, where the rows of a case lie together."""
    starts = starts_run(frame["case_key"].to_numpy())
    if not len(starts):
        return _by_windows(frame.lazy()).collect(backend=frame.implementation)
    first = np.flatnonzero(starts)
    last = np.append(first[1:], len(starts)) - 1
    case, activities = np.cumsum(starts) - 1, frame["activity_key"].to_numpy()
    is_loop = np.append(False, activities[1:] == activities[:-1]) & ~starts
    _, codes, _ = numbered(frame.select("activity_key"), ["activity_key"])
    wait = waits_before(frame, starts)
    longest = np.maximum.reduceat(wait, first)
    places = np.flatnonzero(wait == longest[case])
    place = places[starts_run(case[places])]
    counts = {
        "event_count": last - first + 1,
        "activity_count": count_pairs(case, codes, len(first)),
        "self_loop_count": np.bincount(case[is_loop], minlength=len(first)),
        "_longest_us": longest,
    }
    keys = {
        "start_activity_key": activities[first],
        "end_activity_key": activities[last],
        "longest_wait_source_activity_key": activities[np.maximum(place - 1, 0)],
        "longest_wait_target_activity_key": activities[place],
    }
    kinds = dict.fromkeys(counts, nw.Int64()) | dict.fromkeys(keys, frame.schema["activity_key"])
    found = nw.from_dict(counts | keys, schema=kinds, backend=frame.implementation)
    has_wait = nw.col("_longest_us") >= 0
    waits = ("longest_wait_source_activity_key", "longest_wait_target_activity_key", "_longest_us")
    found = found.with_columns(*(nw.when(has_wait).then(nw.col(name)).alias(name) for name in waits))
    return nw.concat([case_spans(frame), found], how="horizontal")


def waits_before(frame: nw.DataFrame, starts: np.ndarray) -> np.ndarray:
    """How long each event came after the one before it in its case, never below 0, as in `successions`; -1 for the first."""
    times = frame.select("occurred_us", begin=nw.coalesce("started_us", "occurred_us"))
    wait = np.zeros(len(starts), np.int64)
    np.subtract(times["begin"].to_numpy()[1:], times["occurred_us"].to_numpy()[:-1], out=wait[1:])
    np.maximum(wait, 0, out=wait)
    wait[starts] = -1
    return wait


def case_spans(frame: Frame) -> Frame:
    """Per case `started_us`, `ended_us` (earliest begin, latest end), `duration_us` between them. frame: of `events_of`."""
    if isinstance(frame, nw.LazyFrame) or not len(frame):
        return _grouped(frame)
    begin = nw.coalesce("started_us", "occurred_us")
    spans = frame.select(a=nw.min_horizontal(begin, "occurred_us"), b=nw.max_horizontal(begin, "occurred_us"))
    first = np.flatnonzero(starts_run(frame["case_key"].to_numpy()))
    started = np.minimum.reduceat(spans["a"].to_numpy(), first)
    ended = np.maximum.reduceat(spans["b"].to_numpy(), first)
    columns = {
        "case_key": frame["case_key"].to_numpy()[first],
        "started_us": started,
        "ended_us": ended,
        "duration_us": ended - started,
    }
    kinds = dict.fromkeys(columns, nw.Int64()) | {"case_key": frame.schema["case_key"]}
    return nw.from_dict(columns, schema=kinds, backend=frame.implementation)


def _grouped(frame: Frame, **further: nw.Expr) -> Frame:
    """What `case_spans` returns and `further`, per case."""
    begin = nw.coalesce("started_us", "occurred_us")
    earlier, later = nw.min_horizontal(begin, "occurred_us"), nw.max_horizontal(begin, "occurred_us")
    return (
        frame.with_columns(_begin_us=earlier, _end_us=later)
        .group_by("case_key")
        .agg(started_us=nw.col("_begin_us").min(), ended_us=nw.col("_end_us").max(), **further)
        .with_columns(duration_us=nw.col("ended_us") - nw.col("started_us"))
    )
