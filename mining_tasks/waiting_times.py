"""Waiting, processing and idle time of a process, of its activities and of its arcs; the totals of all three agree."""

from collections.abc import Mapping
from dataclasses import dataclass

import narwhals as nw
import numpy as np
import polars as pl

from mining_tasks.durations import Ordered, summarise_all
from mining_tasks.groups import count_pairs, distinct, exact_sums, place_among, starts_run
from mining_tasks.waiting import PARTS, WORKING_PARTS, Times

ARC = ("source_activity_key", "target_activity_key")
_MICRO = 1_000_000


@dataclass(frozen=True)
class Places:
    """Where cases lie: before activities, or on arcs (from the step that ended last before to the one that began next).

    keys: of each place, sorted. step_count: its steps; wait_count: those that are not the first of their case; case_count:
    cases that have its steps. sums: column of steps -> its exact sum of each place. waits: of each place that has any, the
    working time that cases lay there.
    """

    keys: pl.DataFrame
    step_count: np.ndarray
    wait_count: np.ndarray
    case_count: np.ndarray
    sums: Mapping[str, list[int]]
    waits: Ordered

    def counts(self, *names: str) -> list[pl.Series]:
        return [pl.Series(name, getattr(self, name), dtype=pl.Int64) for name in names]

    def total_seconds(self, *columns: str) -> list[pl.Series]:
        """Exact sums of columns `<what>_us`, as `total_<what>_seconds`, rounded once."""
        return [
            _float(f"total_{name.removesuffix('_us')}_seconds", [total / _MICRO for total in self.sums[name]])
            for name in columns
        ]

    def wait_seconds(self, *kinds: str) -> pl.DataFrame:
        """Of each place that has waits its keys and the mean, median, p90 or total of these."""
        keys = self.keys.filter(pl.Series(self.wait_count > 0))
        found = self.waits.summarised(nw.from_native(keys, eager_only=True)).to_native()
        return found.select(*keys.columns, *(pl.col(f"{kind}_seconds").alias(_wait(kind)) for kind in kinds))


def find_places(times: Times) -> tuple[Places, Places]:
    """The activities and the arcs of the steps, whose sums are made together: those of an activity are those of the arcs to
    it and of where it begins cases.
    """
    steps = times.steps
    keys = steps["activity_key"].unique().sort()
    size = len(keys)
    target = place_among(keys.to_numpy(), steps["activity_key"].to_numpy()) - 1
    has_source = steps["source_activity_key"].is_not_null().to_numpy()
    source = place_among(keys.to_numpy(), steps["source_activity_key"].fill_null(strategy="zero").to_numpy())
    pair = np.where(has_source, source, 0) * size + target
    pairs, place = distinct(pair)
    sums = {name: exact_sums(place, steps[name].to_numpy(), len(pairs)) for name in (*PARTS, *WORKING_PARTS)}
    case = np.cumsum(starts_run(steps["case_key"].to_numpy()))
    later = np.flatnonzero(has_source)
    lay = (steps["working_waiting_us"].to_numpy() + steps["working_idle_us"].to_numpy())[later]

    first_arc = int(np.searchsorted(pairs, size))
    arcs, arc = pairs[first_arc:], place[later] - first_arc
    arc_waits = Ordered.of(arc, lay, len(arcs))
    of_arcs = Places(
        keys=pl.DataFrame([keys[arcs // size - 1].alias(ARC[0]), keys[arcs % size].alias(ARC[1])]),
        step_count=arc_waits.counts,
        wait_count=arc_waits.counts,
        case_count=count_pairs(arc, case[later], len(arcs)),
        sums={name: values[first_arc:] for name, values in sums.items()},
        waits=arc_waits,
    )
    wait_count = np.bincount(target[later], minlength=size)
    of_activities = Places(
        keys=pl.DataFrame([keys]),
        step_count=np.bincount(target, minlength=size),
        wait_count=wait_count,
        case_count=count_pairs(target, case, size),
        sums={name: _sums_by(pairs % size, values, size) for name, values in sums.items()},
        waits=Ordered.of((np.cumsum(wait_count > 0) - 1)[target[later]], lay, np.count_nonzero(wait_count)),
    )
    return of_activities, of_arcs


def _sums_by(codes: np.ndarray, values: list[int], size: int) -> list[int]:
    sums = [0] * size
    for code, value in zip(codes.tolist(), values, strict=True):
        sums[code] += value
    return sums


def _float(name: str, values: list[float]) -> pl.Series:
    return pl.Series(name, values, dtype=pl.Float64)


def _wait(kind: str) -> str:
    return f"{kind}_working_wait_seconds"


def measure_activity_times(times: Times, activities: Places | None = None) -> nw.DataFrame:
    """One row per activity, sorted by `activity_key`.

    event_count; timed_count: events with a start. total_waiting_seconds, total_idle_seconds: how long cases lay before
    it; total_processing_seconds: how long it ran, where no earlier step still did; the same as `total_working_*`.
    mean, median and p90_working_wait_seconds: the working time that cases lay before it; null where it only begins cases.
    activities: of `find_places`, where they are at hand.
    """
    activities = activities or find_places(times)[0]
    timed = times.steps.group_by("activity_key").agg(pl.col("is_timed").sum().cast(pl.Int64).alias("timed_count"))
    (event_count,) = activities.counts("step_count")
    result = (
        activities.keys.with_columns(event_count.alias("event_count"))
        .join(timed, on="activity_key")
        .sort("activity_key")
        .with_columns(activities.total_seconds(*PARTS, *WORKING_PARTS))
        .join(activities.wait_seconds("mean", "median", "p90"), on="activity_key", how="left")
    )
    return nw.from_native(result.sort("activity_key"))


def measure_arc_times(times: Times, arcs: Places | None = None) -> nw.DataFrame:
    """One row per arc, sorted by its keys: where cases lay, by the step that ended last before (the source) and the one
    that began next (the target).

    wait_count, case_count; total_waiting_seconds, total_idle_seconds in clock time, total_working_wait_seconds with
    mean, median and p90. Where times follow `event_seq` and nothing overlaps, the arcs are those of the directly-follows
    graph. arcs: of `find_places`, where they are at hand.
    """
    arcs = arcs or find_places(times)[1]
    counted = arcs.keys.with_columns(
        *arcs.counts("wait_count", "case_count"), *arcs.total_seconds("waiting_us", "idle_us")
    )
    waits = arcs.wait_seconds("total", "mean", "median", "p90")
    return nw.from_native(counted.join(waits, on=list(ARC)).sort(*ARC))


def measure_process_times(times: Times) -> nw.DataFrame:
    """One row, none of an empty log: case_count, the totals of the cases' parts, mean and median of their throughput in
    clock and in working time, and cycle_time_efficiency_share, working_efficiency_share: processing by throughput (null
    where that is 0).
    """
    cases = times.cases
    measured = ["throughput_us", *PARTS, "working_throughput_us", *WORKING_PARTS]
    totals = cases.select(pl.col(*measured).cast(pl.Int128).sum()).row(0, named=True)
    columns = {f"total_{name.removesuffix('_us')}_seconds": [total / _MICRO] for name, total in totals.items()}
    for what in ("throughput", "working_throughput"):
        summary = summarise_all(nw.from_native(cases[f"{what}_us"], series_only=True))
        columns |= {f"{name}_{what}_seconds": [summary.get(f"{name}_seconds")] for name in ("mean", "median", "p90")}
    result = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Float64))
    result = result.select(pl.lit(len(cases), pl.Int64).alias("case_count"), pl.all()).filter(pl.col("case_count") > 0)
    for name, part, whole in (
        ("cycle_time_efficiency_share", "processing", "throughput"),
        ("working_efficiency_share", "working_processing", "working_throughput"),
    ):
        some, everything = pl.col(f"total_{part}_seconds"), pl.col(f"total_{whole}_seconds")
        result = result.with_columns(pl.when(everything > 0).then(some / everything).alias(name))
    return nw.from_native(result)
