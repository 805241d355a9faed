"""Batches: one resource does the same activity for several cases that had waited for it together.

Kinds as in Martin, Swennen, Depaire, Jans, Caris and Vanhoof (2017), Retrieving batch organisation of work insights from
event logs: simultaneous (same begin, same end), concurrent (they overlap), sequential (one right after the other).
"""

import numpy as np
import polars as pl

from mining_tasks.groups import PACKED

KINDS = ("simultaneous", "concurrent", "sequential")


def find_batches(steps: pl.DataFrame, *, gap_us: int = 0) -> pl.DataFrame:
    """The steps that were done in a batch: `batch` (a number), `kind`, `step` (its place among `steps`), `case_key`,
    `event_seq`, `activity_key`, `resource_key`, `begin_us`, `end_us`, `ready_us`, `batch_ready_us` (when the last case of the
    batch was there).

    steps: of `mining_tasks.waiting.split_times`. A batch is a longest run of steps of one resource and activity, of at
    least two cases, in which each begins before those before it have ended, or at most `gap_us` later; and each case
    was there (`ready_us`, of a case's first step its begin) when the first of them began.
    """
    columns = ("activity_key", "resource_key", "begin_us", "end_us", "case_key", "event_seq", "ready_us")
    known = steps.select(*columns).with_row_index("step").filter(pl.col("resource_key").is_not_null())
    rows, workers = _by_worker(known)
    latest, begin = _latest_so_far(rows["end_us"].to_numpy(), workers), rows["begin_us"].to_numpy()
    arrived = rows.select(pl.coalesce("ready_us", "begin_us")).to_series().to_numpy()
    goes_on = np.zeros(len(rows), bool)
    goes_on[1:] = (np.diff(workers) == 0) & (begin[1:] - latest[:-1] <= gap_us) & (arrived[1:] <= begin[:-1])
    linked = goes_on.copy()
    linked[:-1] |= goes_on[1:]
    rows = rows.with_columns(
        _until=pl.Series(np.roll(latest, 1)), _arrived=pl.Series(arrived), _is_first=pl.Series(~goes_on)
    ).filter(pl.Series(linked))
    if rows.is_empty():
        return _shaped(rows.with_columns(batch=pl.lit(0, pl.Int64)))
    begins = _split(rows["_is_first"].to_numpy(), rows["begin_us"].to_numpy(), rows["_arrived"].to_numpy())
    rows = rows.with_columns(pl.Series("batch", np.cumsum(begins)), _is_first=pl.Series(begins))
    several = rows.group_by("batch").agg(pl.col("case_key").n_unique().alias("_cases")).filter(pl.col("_cases") > 1)
    return _shaped(rows.join(several, on="batch", how="semi", maintain_order="left"))


def _by_worker(rows: pl.DataFrame) -> tuple[pl.DataFrame, np.ndarray]:
    """(sorted by activity, resource, begin, what ties in the order of the cases; per row the number of its activity and
    resource, rising). One packed integer where it fits, which sorts several times faster than three.
    """
    by = ["activity_key", "resource_key"]
    groups = rows.select(by).unique().sort(by).with_row_index("_group")
    workers = rows.select(by).join(groups, on=by, how="left", maintain_order="left")["_group"].cast(pl.Int64).to_numpy()
    begin = rows["begin_us"].to_numpy()
    first = int(begin.min()) if len(begin) else 0
    span = (int(begin.max()) if len(begin) else 0) - first + 1
    if len(groups) * span < PACKED:
        order = np.argsort(workers * span + (begin - first), kind="stable")
    else:
        order = np.lexsort((begin, workers))
    return rows[order], workers[order]


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


def _shaped(rows: pl.DataFrame) -> pl.DataFrame:
    inner = ~pl.col("_is_first")
    alike = (pl.col("begin_us") == pl.col("begin_us").shift(1)) & (pl.col("end_us") == pl.col("end_us").shift(1))
    overlap = pl.col("begin_us") < pl.col("_until")
    return rows.with_columns(
        _alike=(inner & ~alike.fill_null(False)).any().over("batch"),
        _overlap=(inner & overlap.fill_null(False)).any().over("batch"),
        batch_ready_us=pl.col("_arrived").max().over("batch"),
    ).select(
        "batch",
        pl.when(~pl.col("_alike"))
        .then(pl.lit(KINDS[0]))
        .when(pl.col("_overlap"))
        .then(pl.lit(KINDS[1]))
        .otherwise(pl.lit(KINDS[2]))
        .alias("kind"),
        "step",
        "case_key",
        "event_seq",
        "activity_key",
        "resource_key",
        "begin_us",
        "end_us",
        "ready_us",
        "batch_ready_us",
    )


def measure_batches(batched: pl.DataFrame, steps: pl.DataFrame, *, k: int) -> tuple[pl.DataFrame, int]:
    """One row per activity and kind, by these: `batch_count`, `event_count`, `case_count`, `event_share` (of the
    activity's events that have a resource), `mean_size`, `max_size` (cases), `total_batch_wait_seconds` (from when a
    case was there until the last of its batch was), `resource_count`; and the number of rows that fewer than `k`
    resources stand behind, which are left out.
    """
    known = steps.filter(pl.col("resource_key").is_not_null())
    all_events = known.group_by("activity_key").agg(pl.len().cast(pl.Int64).alias("_events"))
    sizes = batched.group_by("activity_key", "kind", "batch").agg(pl.col("case_key").n_unique().alias("_size"))
    sizes = sizes.group_by("activity_key", "kind").agg(
        pl.len().cast(pl.Int64).alias("batch_count"),
        pl.col("_size").sum().cast(pl.Int64).alias("_sizes"),
        pl.col("_size").max().cast(pl.Int64).alias("max_size"),
    )
    wait = (pl.col("batch_ready_us") - pl.col("ready_us")).fill_null(0).cast(pl.Int128).sum()
    found = (
        batched.group_by("activity_key", "kind")
        .agg(
            pl.len().cast(pl.Int64).alias("event_count"),
            pl.col("case_key").n_unique().cast(pl.Int64).alias("case_count"),
            wait.alias("_wait"),
            pl.col("resource_key").n_unique().cast(pl.Int64).alias("resource_count"),
        )
        .join(sizes, on=["activity_key", "kind"])
        .join(all_events, on="activity_key")
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
