"""Figures per activity: how often, when, how long cases waited for it, how long it took, how many people did it."""

import narwhals as nw
import numpy as np
from narwhals.typing import Frame, IntoFrame

from mining_tasks.case_kpis import measure_cases, waits_before
from mining_tasks.dfg import successions
from mining_tasks.durations import MEDIAN, summarise_coded, summarise_durations
from mining_tasks.frames import collected, events_of, ratio
from mining_tasks.groups import count_different, count_pairs, numbered, starts_run


def measure_activities(events: IntoFrame, *, cases: nw.DataFrame | None = None) -> nw.DataFrame:
    """One row per activity, sorted by `activity_key`.

    cases: the figures per case (`measure_cases`), where they are at hand. Columns: `event_count`, `case_count`,
    `case_share`, `start_count`, `end_count`, `first_us`, `last_us`; waiting since the event before it in its case
    (`mean_wait_seconds`, `median_wait_seconds`, `p90_wait_seconds`; null where it only starts cases); of its events
    with a start and an end `service_count`, `mean_service_seconds`, `median_service_seconds`; `resource_count`, the
    number of different persons.
    """
    frame = events_of(events)
    cases = measure_cases(events) if cases is None else cases
    counts = frame.group_by("activity_key").agg(
        nw.len().alias("event_count"), first_us=nw.col("occurred_us").min(), last_us=nw.col("occurred_us").max()
    )
    parts = _by_windows(frame) if isinstance(frame, nw.LazyFrame) else _by_runs(frame)
    for part in parts:
        counts = counts.join(part, on="activity_key", how="left")
    result = collected(counts, order=["activity_key"])
    for column, name in (("start_activity_key", "start_count"), ("end_activity_key", "end_count")):
        ends = cases.group_by(nw.col(column).alias("activity_key")).agg(nw.len().alias(name))
        if ends.implementation != result.implementation:
            ends = nw.from_dict(ends.to_dict(as_series=False), backend=result.implementation)
        result = result.join(
            ends.with_columns(nw.col("activity_key").cast(result.schema["activity_key"])), on="activity_key", how="left"
        )
    filled = [
        nw.col(name).fill_null(0).cast(nw.Int64())
        for name in ("case_count", "resource_count", "service_count", "start_count", "end_count")
    ]
    result = result.with_columns(*filled).with_columns(case_share=ratio("case_count", len(cases)))
    return result.select(
        "activity_key",
        "event_count",
        "case_count",
        "case_share",
        "start_count",
        "end_count",
        "first_us",
        "last_us",
        "mean_wait_seconds",
        "median_wait_seconds",
        "p90_wait_seconds",
        "service_count",
        "mean_service_seconds",
        "median_service_seconds",
        "resource_count",
    ).sort("activity_key")


def _by_windows(frame: nw.LazyFrame) -> list[nw.LazyFrame]:
    """Frames per activity: its cases, its persons, its waits, how long it took."""
    by = ["activity_key"]
    waits = successions(frame.to_native()).select(nw.col("target_activity_key").alias("activity_key"), "duration_us")
    with_person = frame.filter(~nw.col("resource_key").is_null())
    return [
        count_different(frame, by=by, column="case_key", name="case_count"),
        count_different(with_person, by=by, column="resource_key", name="resource_count"),
        _named(summarise_durations(waits, by=by)),
        _services(frame),
    ]


def _by_runs(frame: nw.DataFrame) -> list[nw.DataFrame]:
    """The same in memory: the activities are numbered once."""
    _, codes, activities = numbered(frame.select("activity_key"), ["activity_key"])
    starts = starts_run(frame["case_key"].to_numpy())
    has_person = ~frame["resource_key"].is_null()
    _, persons, _ = numbered(frame.select("resource_key").filter(has_person), ["resource_key"])
    counts = {
        "case_count": count_pairs(codes, np.cumsum(starts), len(activities)),
        "resource_count": count_pairs(codes[has_person.to_numpy()], persons, len(activities)),
    }
    counted = (nw.new_series(name, found, nw.Int64(), backend=frame.implementation) for name, found in counts.items())
    later = np.flatnonzero(~starts)
    waits = summarise_coded(codes[later], waits_before(frame, starts)[later], activities)
    return [activities.with_columns(*counted), _named(waits), _services(frame)]


def _named(waits: Frame) -> Frame:
    return waits.select(
        "activity_key",
        nw.col("mean_seconds").alias("mean_wait_seconds"),
        nw.col("median_seconds").alias("median_wait_seconds"),
        nw.col("p90_seconds").alias("p90_wait_seconds"),
    )


def _services(frame: Frame) -> Frame:
    lasting = (
        frame.select("activity_key", "occurred_us", "started_us")
        .filter(~nw.col("started_us").is_null())
        .with_columns(_us=nw.col("occurred_us") - nw.col("started_us"))
        .with_columns(duration_us=nw.when(nw.col("_us") > 0).then(nw.col("_us")).otherwise(0))
    )
    return summarise_durations(lasting, by=["activity_key"], quantiles={"median_seconds": MEDIAN}).select(
        "activity_key",
        nw.col("duration_count").alias("service_count"),
        nw.col("mean_seconds").alias("mean_service_seconds"),
        nw.col("median_seconds").alias("median_service_seconds"),
    )
