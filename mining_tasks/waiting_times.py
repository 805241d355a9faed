"""Waiting, processing and idle time of a process, of its activities and of its arcs; the totals of all three agree."""

from collections.abc import Sequence

import narwhals as nw
import polars as pl

from mining_tasks.durations import summarise_durations
from mining_tasks.groups import count_different
from mining_tasks.waiting import PARTS, WORKING_PARTS, Times

ARC = ("source_activity_key", "target_activity_key")
_MICRO = 1_000_000


def total_seconds(frame: pl.DataFrame, by: Sequence[str], columns: Sequence[str]) -> pl.DataFrame:
    """Exact sums per group of columns `<what>_us`, as `total_<what>_seconds`, rounded once, and `_count`; sorted by `by`."""
    sums = frame.group_by(*by).agg(
        pl.len().cast(pl.Int64).alias("_count"), *(pl.col(name).cast(pl.Int128).sum() for name in columns)
    )
    sums = sums.sort(*by)
    totals = [
        pl.Series(
            f"total_{name.removesuffix('_us')}_seconds",
            [total / _MICRO for total in sums[name].to_list()],
            dtype=pl.Float64,
        )
        for name in columns
    ]
    return sums.select(*by, "_count").with_columns(totals)


def count_cases(frame: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """`case_count` per group: how many different `case_key` it has."""
    return count_different(nw.from_native(frame), by=by, column="case_key", name="case_count").to_native()


def measure_activity_times(times: Times) -> nw.DataFrame:
    """One row per activity, sorted by `activity_key`.

    event_count; timed_count: events with a start. total_waiting_seconds, total_idle_seconds: how long cases lay before
    it; total_processing_seconds: how long it ran, where no earlier step still did; the same as `total_working_*`.
    mean, median and p90_working_wait_seconds: the working time that cases lay before it; null where it only begins cases.
    """
    steps = times.steps
    totals = total_seconds(steps, ["activity_key"], [*PARTS, *WORKING_PARTS]).rename({"_count": "event_count"})
    timed = steps.group_by("activity_key").agg(pl.col("is_timed").sum().cast(pl.Int64).alias("timed_count"))
    waits = _waits(steps, ["activity_key"])
    result = totals.join(timed, on="activity_key").join(waits, on="activity_key", how="left").sort("activity_key")
    columns = [name for name in result.columns if name not in ("activity_key", "event_count", "timed_count")]
    return nw.from_native(result.select("activity_key", "event_count", "timed_count", *columns))


def measure_arc_times(times: Times) -> nw.DataFrame:
    """One row per arc, sorted by its keys: where cases lay, by the step that ended last before (the source) and the one
    that began next (the target).

    wait_count, case_count; total_waiting_seconds, total_idle_seconds in clock time, total_working_wait_seconds with
    mean, median and p90. Where times follow `event_seq` and nothing overlaps, the arcs are those of the directly-follows
    graph.
    """
    steps = times.steps.filter(pl.col("ready_us").is_not_null()).rename({"activity_key": ARC[1]})
    totals = total_seconds(steps, ARC, ["waiting_us", "idle_us"]).rename({"_count": "wait_count"})
    cases = count_cases(steps, ARC)
    waits = _waits(steps, list(ARC), with_total=True)
    result = totals.join(cases, on=list(ARC)).join(waits, on=list(ARC)).sort(*ARC)
    return nw.from_native(
        result.select(
            *ARC,
            "wait_count",
            "case_count",
            "total_waiting_seconds",
            "total_idle_seconds",
            "total_working_wait_seconds",
            "mean_working_wait_seconds",
            "median_working_wait_seconds",
            "p90_working_wait_seconds",
        )
    )


def _waits(steps: pl.DataFrame, by: list[str], *, with_total: bool = False) -> pl.DataFrame:
    """Mean, median and p90 of the working time that cases lay before a step."""
    known = steps.filter(pl.col("ready_us").is_not_null()).select(
        *by, (pl.col("working_waiting_us") + pl.col("working_idle_us")).alias("duration_us")
    )
    summary = summarise_durations(nw.from_native(known), by=by).to_native()
    kept = ["mean", "median", "p90", *(["total"] if with_total else [])]
    return summary.select(*by, *(pl.col(f"{what}_seconds").alias(f"{what}_working_wait_seconds") for what in kept))


def measure_process_times(times: Times) -> nw.DataFrame:
    """One row, none of an empty log: case_count, the totals of the cases' parts, mean and median of their throughput in
    clock and in working time, and cycle_time_efficiency_share, working_efficiency_share: processing by throughput (null
    where that is 0).
    """
    cases = times.cases.with_columns(_all=pl.lit(0, pl.Int8))
    measured = ["throughput_us", *PARTS, "working_throughput_us", *WORKING_PARTS]
    result = total_seconds(cases, ["_all"], measured).rename({"_count": "case_count"})
    for what in ("throughput", "working_throughput"):
        summary = summarise_durations(nw.from_native(cases), by=["_all"], value=f"{what}_us").to_native()
        kept = [pl.col(f"{name}_seconds").alias(f"{name}_{what}_seconds") for name in ("mean", "median", "p90")]
        result = result.join(summary.select("_all", *kept), on="_all", how="left")
    for name, part, whole in (
        ("cycle_time_efficiency_share", "processing", "throughput"),
        ("working_efficiency_share", "working_processing", "working_throughput"),
    ):
        some, everything = pl.col(f"total_{part}_seconds"), pl.col(f"total_{whole}_seconds")
        result = result.with_columns(pl.when(everything > 0).then(some / everything).alias(name))
    return nw.from_native(result.drop("_all"))
