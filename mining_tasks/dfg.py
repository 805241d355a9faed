"""Directly-follows graph: which activity comes directly after which, how often and after how long.

Definition: van der Aalst, Process Mining (2nd ed., 2016), section 6.2: a > b if b is the next event after a in a case.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import narwhals as nw
import numpy as np
from narwhals.typing import Frame, IntoFrame

from mining_tasks.durations import Ordered, summarise_durations
from mining_tasks.frames import collected, events_of, neighbour
from mining_tasks.groups import count_different, count_pairs, numbered, starts_run

ARC = ("source_activity_key", "target_activity_key")


@dataclass(frozen=True)
class DirectlyFollowsGraph:
    """edges: one row per arc, sorted by `source_activity_key`, `target_activity_key`, without start and end nodes.

    Columns: the two keys, `edge_count`, `case_count`, `backward_count` (the target's time lies before the source's),
    `mean_seconds`, `median_seconds`, `p90_seconds`, `min_seconds`, `max_seconds`, `total_seconds`.
    """

    edges: nw.DataFrame


def successions(events: IntoFrame, *, keep: tuple[str, ...] = (), of_target: Mapping[str, str] | None = None) -> Frame:
    """Each pair of neighbouring events: `case_key`, `event_seq` (the target's), the two activity keys, `gap_us`.

    gap_us: from the source's time to the target's (to its start, if the target is an interval); negative where time
    runs backwards or intervals overlap. `duration_us` is the same but never below 0. keep: more columns of the source.
    of_target: more columns of the target -> under which name.
    """
    of_target = of_target or {}
    needs = dict.fromkeys(("case_key", "event_seq", "activity_key", "occurred_us", "started_us", *keep, *of_target))
    frame = events_of(events, needs=tuple(needs))
    frame = frame.with_columns(_begin_us=nw.coalesce("started_us", "occurred_us"))
    pairs = frame.select(
        "case_key",
        *keep,
        nw.col("activity_key").alias(ARC[0]),
        neighbour(frame, "activity_key", offset=1).alias(ARC[1]),
        neighbour(frame, "event_seq", offset=1).alias("event_seq"),
        *(neighbour(frame, column, offset=1).alias(name) for column, name in of_target.items()),
        (neighbour(frame, "_begin_us", offset=1) - nw.col("occurred_us")).alias("gap_us"),
    ).filter(~nw.col("event_seq").is_null())
    return pairs.with_columns(duration_us=nw.when(nw.col("gap_us") > 0).then(nw.col("gap_us")).otherwise(0))


def discover_dfg(events: IntoFrame, *, min_count: int = 1) -> DirectlyFollowsGraph:
    """The directly-follows graph of a log; arcs seen fewer than `min_count` times are left out.

    Durations below zero count as zero and are counted in `backward_count`.

    >>> import polars as pl
    >>> log = pl.DataFrame({"case_key": [1, 1, 2, 2], "event_seq": [1, 2, 1, 2], "activity_key": [7, 8, 7, 8],
    ...     "occurred_us": [0, 2_000_000, 0, 4_000_000], "started_us": pl.Series([None] * 4, dtype=pl.Int64)})
    >>> discover_dfg(log).edges.select("edge_count", "mean_seconds").row(0)
    (2, 3.0)
    """
    pairs = successions(events)
    by = list(ARC)
    edges = _edges(pairs, by) if isinstance(pairs, nw.LazyFrame) else _edges_in_memory(pairs, by)
    edges = edges.rename({"duration_count": "edge_count"}).filter(nw.col("edge_count") >= min_count)
    columns = [
        *by,
        "edge_count",
        "case_count",
        "backward_count",
        "mean_seconds",
        "median_seconds",
        "p90_seconds",
        "min_seconds",
        "max_seconds",
        "total_seconds",
    ]
    return DirectlyFollowsGraph(edges=collected(edges.select(*columns), order=by))


def _edges(pairs: nw.LazyFrame, by: list[str]) -> nw.LazyFrame:
    is_backward = (nw.col("gap_us") < 0).cast(nw.Int64())
    backward = pairs.select(*by, backward_count=is_backward).group_by(*by).agg(nw.col("backward_count").sum())
    cases = count_different(pairs, by=by, column="case_key", name="case_count")
    return summarise_durations(pairs, by=by).join(backward, on=by).join(cases, on=by)


def _edges_in_memory(pairs: nw.DataFrame, by: list[str]) -> nw.DataFrame:
    """The same; the arcs are numbered once."""
    pairs, codes, arcs = numbered(pairs, by)
    counts = {
        "backward_count": np.bincount(codes[pairs["gap_us"].to_numpy() < 0], minlength=len(arcs)),
        "case_count": count_pairs(codes, np.cumsum(starts_run(pairs["case_key"].to_numpy())), len(arcs)),
    }
    counted = (nw.new_series(name, found, nw.Int64(), backend=arcs.implementation) for name, found in counts.items())
    return Ordered.of(codes, pairs["duration_us"].to_numpy(), len(arcs)).summarised(arcs).with_columns(*counted)
