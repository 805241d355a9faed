"""Figures per activity: how often, when, how long cases waited for it, how long it took, how many people did it."""

import narwhals as nw
from narwhals.typing import Frame, IntoFrame

from mining_tasks.case_kpis import measure_cases
from mining_tasks.dfg import successions
from mining_tasks.durations import MEDIAN, summarise_durations
from mining_tasks.frames import collected, events_of, ratio
from mining_tasks.groups import count_different


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
    parts = [
        _distinct(frame, "case_key", "case_count"),
        _distinct(frame.filter(~nw.col("resource_key").is_null()), "resource_key", "resource_count"),
        _waits(events),
        _services(frame),
    ]
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


def _distinct(frame: Frame, column: str, name: str) -> Frame:
    return count_different(frame, by=["activity_key"], column=column, name=name)


def _waits(events: IntoFrame) -> Frame:
    waits = successions(events).select(nw.col("target_activity_key").alias("activity_key"), "duration_us")
    return summarise_durations(waits, by=["activity_key"]).select(
        "activity_key",
        nw.col("mean_seconds").alias("mean_wait_seconds"),
        nw.col("median_seconds").alias("median_wait_seconds"),
        nw.col("p90_seconds").alias("p90_wait_seconds"),
    )


def _services(frame: Frame) -> Frame:
    lasting = (
        frame.filter(~nw.col("started_us").is_null())
        .with_columns(_us=nw.col("occurred_us") - nw.col("started_us"))
        .with_columns(duration_us=nw.when(nw.col("_us") > 0).then(nw.col("_us")).otherwise(0))
    )
    return summarise_durations(lasting, by=["activity_key"], quantiles={"median_seconds": MEDIAN}).select(
        "activity_key",
        nw.col("duration_count").alias("service_count"),
        nw.col("mean_seconds").alias("mean_service_seconds"),
        nw.col("median_seconds").alias("median_service_seconds"),
    )
