"""First time right, rework, ping-pong and automation, counted per variant, which decides them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class QualityOfWork:
    """totals: the one row (see `measure_quality`). ping_pongs: one row per pair of activities, by its keys."""

    totals: dict[str, int | float | None]
    ping_pongs: pl.DataFrame


def measure_quality(
    steps: pl.DataFrame,
    cases: pl.DataFrame,
    *,
    automated: Mapping[int, bool] | None = None,
    rework_activities: Collection[int] = (),
) -> QualityOfWork:
    """How much was right the first time.

    steps: `variant_id`, a position and `activity_key`, in the order of the position. cases: `variant_id`, `is_open`.
    totals: `closed_count`; `right_first_time_count`, `right_first_time_share`: closed cases in which no activity
    happened twice and none of `rework_activities` at all; `event_count`, `repeat_count`, `repeat_share`: events beyond
    the first of their activity in a case; `ping_pong_count`: a, b, a in direct succession (a and b different),
    `ping_pong_case_count`; `automated_count`, `automated_share`: events of activities that are declared `automated`;
    `touchless_count`, `touchless_share`: closed cases of which every event is.
    ping_pongs: `activity_key`, `other_activity_key`, `ping_pong_count`, `case_count`.
    """
    variant, position, key = steps.columns
    steps = steps.select(variant_id=pl.col(variant), _place=pl.col(position), activity_key=pl.col(key))
    machine = [key for key, is_automated in (automated or {}).items() if is_automated]
    count = cases.group_by("variant_id").agg(
        pl.len().cast(pl.Int64).alias("_cases"), (~pl.col("is_open")).sum().cast(pl.Int64).alias("_closed")
    )
    per_variant = (
        steps.group_by("variant_id")
        .agg(
            pl.len().cast(pl.Int64).alias("_events"),
            (pl.len() - pl.col("activity_key").n_unique()).cast(pl.Int64).alias("_repeats"),
            pl.col("activity_key").is_in(list(rework_activities)).any().alias("_is_mended"),
            pl.col("activity_key").is_in(machine).sum().cast(pl.Int64).alias("_automated"),
        )
        .join(count, on="variant_id")
    )
    right = ((pl.col("_repeats") == 0) & ~pl.col("_is_mended")) * pl.col("_closed")
    touchless = (pl.col("_automated") == pl.col("_events")) * pl.col("_closed")
    found = per_variant.select(
        closed_count=pl.col("_closed").sum(),
        right_first_time_count=right.sum(),
        event_count=(pl.col("_events") * pl.col("_cases")).sum(),
        repeat_count=(pl.col("_repeats") * pl.col("_cases")).sum(),
        automated_count=(pl.col("_automated") * pl.col("_cases")).sum(),
        touchless_count=touchless.sum(),
    ).row(0, named=True)
    pairs = _ping_pongs(steps).join(count, on="variant_id")
    totals = {name: int(value) for name, value in found.items()}
    totals["ping_pong_count"] = int((pairs["_times"] * pairs["_cases"]).sum())
    totals["ping_pong_case_count"] = int(pairs.unique("variant_id")["_cases"].sum())
    for name, part, whole in (
        ("right_first_time_share", "right_first_time_count", "closed_count"),
        ("repeat_share", "repeat_count", "event_count"),
        ("automated_share", "automated_count", "event_count"),
        ("touchless_share", "touchless_count", "closed_count"),
    ):
        totals[name] = totals[part] / totals[whole] if totals[whole] else None
    ping_pongs = (
        pairs.group_by("activity_key", "other_activity_key")
        .agg(
            (pl.col("_times") * pl.col("_cases")).sum().alias("ping_pong_count"),
            pl.col("_cases").sum().alias("case_count"),
        )
        .sort("activity_key", "other_activity_key")
    )
    return QualityOfWork(totals=totals, ping_pongs=ping_pongs)


def _ping_pongs(steps: pl.DataFrame) -> pl.DataFrame:
    """Per variant and pair how often a, b, a stands in it."""
    steps = steps.sort("variant_id", "_place")
    same = pl.col("variant_id") == pl.col("variant_id").shift(-2)
    other = pl.col("activity_key").shift(-1)
    return (
        steps.with_columns(other_activity_key=other, _again=pl.col("activity_key").shift(-2), _same=same)
        .filter(
            pl.col("_same").fill_null(False)
            & (pl.col("_again") == pl.col("activity_key"))
            & (pl.col("other_activity_key") != pl.col("activity_key"))
        )
        .group_by("variant_id", "activity_key", "other_activity_key")
        .agg(pl.len().cast(pl.Int64).alias("_times"))
    )
