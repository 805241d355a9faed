"""Batches: one resource does the same activity for several cases that had waited for it together.

Kinds as in Martin, Swennen, Depaire, Jans, Caris and Vanhoof (2017), Retrieving batch organisation of work insights from
event logs: simultaneous (same begin, same end), concurrent (they overlap), sequential (one right after the other).
"""

import numpy as np
import polars as pl

KINDS = ("simultaneous", "concurrent", "sequential")


def find_batches(steps: pl.DataFrame, *, gap_us: int = 0) -> pl.DataFrame:
    """The steps that were done in a batch: `batch` (a number), `kind`, `case_key`, `event_seq`, `activity_key`,
    `resource_key`, `begin_us`, `end_us`, `ready_us`, `batch_ready_us` (when the last case of the batch was there).

    steps: of `mining_tasks.waiting.split_times`. A batch is a longest run of steps of one resource and activity, of at
    least two cases, in which each begins before those before it have ended, or at most `gap_us` later; and each case
    was there (`ready_us`, of a case's first step its begin) when the first of them began.
    """
    rows = (
        steps.filter(pl.col("resource_key").is_not_null())
        .select("activity_key", "resource_key", "begin_us", "end_us", "case_key", "event_seq", "ready_us")
        .pipe(_by_worker)
    )
    same = (pl.col("activity_key") == pl.col("activity_key").shift(1)) & (
        pl.col("resource_key") == pl.col("resource_key").shift(1)
    )
    until = pl.col("end_us").cum_max().over("activity_key", "resource_key").shift(1)
    arrived = pl.coalesce("ready_us", "begin_us")
    rows = rows.with_columns(
        _arrived=arrived,
        _until=until,
        _is_first=~(same & (pl.col("begin_us") - until <= gap_us) & (arrived <= pl.col("begin_us").shift(1))).fill_null(
            False
        ),
    )
    is_first = rows["_is_first"].to_numpy()
    linked = ~is_first | np.append(~is_first[1:], False)
    rows = rows.filter(pl.Series(linked))
    if rows.is_empty():
        return _shaped(rows.with_columns(batch=pl.lit(0, pl.Int64)))
    begins = _split(rows["_is_first"].to_numpy(), rows["begin_us"].to_numpy(), rows["_arrived"].to_numpy())
    rows = rows.with_columns(pl.Series("batch", np.cumsum(begins)), _is_first=pl.Series(begins))
    several = rows.group_by("batch").agg(pl.col("case_key").n_unique().alias("_cases")).filter(pl.col("_cases") > 1)
    return _shaped(rows.join(several, on="batch", how="semi", maintain_order="left"))


def _by_worker(rows: pl.DataFrame) -> pl.DataFrame:
    """Sorted by activity, resource, begin; what ties stays in the order of the cases. One packed integer where it fits,
    which sorts several times faster than three.
    """
    by = ["activity_key", "resource_key"]
    groups = rows.select(by).unique().sort(by).with_row_index("_group")
    first = int(rows["begin_us"].min() or 0)
    span = int(rows["begin_us"].max() or 0) - first + 1
    if len(groups) * span >= 2**62:
        return rows.sort(*by, "begin_us", maintain_order=True)
    placed = rows.select(by).join(groups, on=by, how="left", maintain_order="left")["_group"].cast(pl.Int64)
    packed = placed.to_numpy() * span + (rows["begin_us"].to_numpy() - first)
    return rows[np.argsort(packed, kind="stable")]


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
