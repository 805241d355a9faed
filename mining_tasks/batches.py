"""Batches: one resource does the same activity for several cases that had waited for it together.

Kinds as in Martin, Swennen, Depaire, Jans, Caris and Vanhoof (2017), Retrieving batch organisation of work insights from
event logs: simultaneous (same begin, same end), concurrent (they overlap), sequential (one right after the other).
"""

import narwhals as nw
import numpy as np
import polars as pl

from mining_tasks.groups import PACKED, count_pairs, numbered, stable_order, starts_run

KINDS = ("simultaneous", "concurrent", "sequential")


def find_batches(steps: pl.DataFrame, *, gap_us: int = 0) -> pl.DataFrame:
    """The steps that were done in a batch, batch by batch: `batch` (a number), `kind`, `step` (its place among `steps`),
    `case_key`, `event_seq`, `activity_key`, `resource_key`, `ready_us`, `batch_ready_us` (when the last case of the batch was
    there).

    steps: of `mining_tasks.waiting.split_times`. A batch is a longest run of steps of one resource and activity, of at
    least two cases, in which each begins before those before it have ended, or at most `gap_us` later; and each case
    was there (`ready_us`, of a case's first step its begin) when the first of them began.
    """
    place, workers = _by_worker(steps)
    begin, end = (steps[name].to_numpy()[place] for name in ("begin_us", "end_us"))
    arrived = steps.select(pl.coalesce("ready_us", "begin_us")).to_series().to_numpy()[place]
    latest = _latest_so_far(end, workers)
    goes_on = np.zeros(len(place), bool)
    goes_on[1:] = (workers[1:] == workers[:-1]) & (begin[1:] - latest[:-1] <= gap_us) & (arrived[1:] <= begin[:-1])
    linked = goes_on.copy()
    linked[:-1] |= goes_on[1:]
    if not linked.any():
        return _shaped(steps, place[:0], place[:0], place[:0], arrived[:0])
    until = np.roll(latest, 1)[linked]
    place, begin, end, arrived = place[linked], begin[linked], end[linked], arrived[linked]
    is_first = _split(~goes_on[linked], begin, arrived)
    batch = np.cumsum(is_first) - 1

    def has(found: np.ndarray) -> np.ndarray:
        """Whether it holds for a row of each batch beyond its first."""
        return np.bincount(batch[found & ~is_first], minlength=int(batch[-1]) + 1) > 0

    differs = np.append(False, (begin[1:] != begin[:-1]) | (end[1:] != end[:-1]))
    kind = np.where(has(differs), np.where(has(begin < until), 1, 2), 0)
    ready = np.maximum.reduceat(arrived, np.flatnonzero(is_first))
    case = steps["case_key"].to_numpy()[place]
    is_kept = has(np.append(False, case[1:] != case[:-1]))[batch]
    place, batch = place[is_kept], batch[is_kept]
    return _shaped(steps, place, batch, kind[batch], ready[batch])


def _by_worker(steps: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """(the places of the steps that have a resource: by activity, resource, begin, what ties in the order of the cases; per
    place the number of its activity and resource, rising). One packed integer where it fits, which sorts several times
    faster than three.
    """
    place = np.flatnonzero(steps["resource_key"].is_not_null().to_numpy())
    known = steps.select("activity_key", "resource_key", "begin_us")
    known = known if len(place) == len(steps) else known[place]
    _, workers, groups = numbered(nw.from_native(known.select("activity_key", "resource_key")), known.columns[:2])
    begin = known["begin_us"].to_numpy()
    first = int(begin.min()) if len(begin) else 0
    span = (int(begin.max()) if len(begin) else 0) - first + 1
    if len(groups) * span < PACKED:
        packed = workers * span
        packed += begin - first
        order = stable_order(packed)
    else:
        order = np.lexsort((begin, workers))
    return place[order], workers[order]


def _latest_so_far(end: np.ndarray, workers: np.ndarray) -> np.ndarray:
    """The latest of the ends up to each row, within its worker."""
    if not len(end):
        return end
    first, span = int(end.min()), int(end.max()) - int(end.min()) + 1
    if (int(workers[-1]) + 1) * span < PACKED:
        base = workers * span - first
        return np.maximum.accumulate(base + end) - base
    ends = pl.DataFrame({"worker": workers, "end": end})
    return ends.select(pl.col("end").cum_max().over("worker")).to_series().to_numpy()


def _split(is_first: np.ndarray, begin: np.ndarray, arrived: np.ndarray) -> np.ndarray:
    """A run ends where a case was not there yet when the run began; the next begins with it."""
    is_first = is_first.copy()
    places = np.arange(len(is_first))
    while True:
        first = np.maximum.accumulate(np.where(is_first, places, 0))
        late = arrived > begin[first]
        late &= ~is_first
        if not late.any():
            return is_first
        seen = np.cumsum(late)
        is_first |= late & (seen - seen[first] == 1)


def _shaped(
    steps: pl.DataFrame, place: np.ndarray, batch: np.ndarray, kind: np.ndarray, ready: np.ndarray
) -> pl.DataFrame:
    names = ("case_key", "event_seq", "activity_key", "resource_key", "ready_us")
    return steps.select(*names)[place].select(
        pl.Series("batch", batch),
        pl.Series("kind", KINDS, dtype=pl.Enum(KINDS))[kind],
        pl.Series("step", place),
        *names,
        pl.Series("batch_ready_us", ready),
    )


def measure_batches(batched: pl.DataFrame, steps: pl.DataFrame, *, k: int) -> tuple[pl.DataFrame, int]:
    """One row per activity and kind, by these: `batch_count`, `event_count`, `case_count`, `event_share` (of the
    activity's events that have a resource), `mean_size`, `max_size` (cases), `total_batch_wait_seconds` (from when a
    case was there until the last of its batch was), `resource_count`; and the number of rows that fewer than `k`
    resources stand behind, which are left out.
    """
    has_resource = pl.col("resource_key").is_not_null().sum().cast(pl.Int64)
    all_events = steps.group_by("activity_key").agg(has_resource.alias("_events"))
    cases = np.cumsum(starts_run(steps["case_key"].to_numpy()))[batched["step"].to_numpy()]
    first = np.flatnonzero(starts_run(batched["batch"].to_numpy()))
    sizes = count_pairs(batched["batch"].to_numpy(), cases, 0)
    by_batch = batched.select("activity_key", "kind", "resource_key")[first].with_columns(
        _size=pl.Series(sizes[sizes > 0], dtype=pl.Int64)
    )
    sizes = by_batch.group_by("activity_key", "kind").agg(
        pl.len().cast(pl.Int64).alias("batch_count"),
        pl.col("_size").sum().cast(pl.Int64).alias("_sizes"),
        pl.col("_size").max().cast(pl.Int64).alias("max_size"),
        pl.col("resource_key").n_unique().cast(pl.Int64).alias("resource_count"),
    )
    wait = (pl.col("batch_ready_us") - pl.col("ready_us")).fill_null(0).cast(pl.Int128).sum()
    found = (
        batched.select("activity_key", "kind", "batch_ready_us", "ready_us", pl.Series("_case", cases))
        .group_by("activity_key", "kind")
        .agg(
            pl.len().cast(pl.Int64).alias("event_count"),
            pl.col("_case").n_unique().cast(pl.Int64).alias("case_count"),
            wait.alias("_wait"),
        )
        .join(sizes, on=["activity_key", "kind"])
        .join(all_events, on="activity_key")
        .with_columns(pl.col("kind").cast(pl.String))
        .sort("activity_key", "kind")
    )
    found = found.with_columns(
        event_share=pl.col("event_count") / pl.col("_events"),
        mean_size=pl.col("_sizes") / pl.col("batch_count"),
        total_batch_wait_seconds=pl.Series([wait / 1_000_000 for wait in found["_wait"].to_list()], dtype=pl.Float64),
    )
    shown = found.filter(pl.col("resource_count") >= k)
    return shown.select(
        "activity_key",
        "kind",
        "batch_count",
        "event_count",
        "case_count",
        "event_share",
        "mean_size",
        "max_size",
        "total_batch_wait_seconds",
        "resource_count",
    ), len(found) - len(shown)
