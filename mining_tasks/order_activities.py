"""What ties can move of an activity's own figures: how long cases wait for it, how many begin and end with it.

All exact: of a block that is not the first, one event waits for all of it and the others not at all; which one is free,
block by block.
"""

import polars as pl

from mining_tasks.order_blocks import Blocks


def bound_ends(log: Blocks) -> pl.DataFrame:
    """`activity_key`, `end` ('start' or 'end'), `lowest`, `highest`: cases that begin or end with the activity.

    Only activities that ties can move.
    """
    parts = []
    for end, column in (("start", "is_first"), ("end", "is_last")):
        members = log.members_with("kinds", column)
        counted = (
            members.filter(column)
            .group_by("activity_key")
            .agg((pl.col("kinds") == 1).sum().cast(pl.Int64).alias("lowest"), pl.len().cast(pl.Int64).alias("highest"))
        )
        parts.append(counted.select("activity_key", pl.lit(end).alias("end"), "lowest", "highest"))
    return pl.concat(parts).filter(pl.col("lowest") < pl.col("highest")).sort("activity_key", "end")


def bound_waits(log: Blocks) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The waiting times that make an activity's figures lowest, and those that make them highest.

    Two frames `activity_key`, `wait_us`, of activities that ties can move. Any figure that does not fall when a value
    grows (mean, percentiles) is lowest on the first and highest on the second.
    """
    members = log.members_with("kinds", "is_first")
    moved = members.filter((pl.col("kinds") > 1) | (pl.col("low_wait_us") < pl.col("high_wait_us")))
    members = members.filter(pl.col("activity_key").is_in(moved["activity_key"].unique().implode()))
    others = members.filter(pl.col("times") > 1).select("activity_key", times=pl.col("times") - 1)
    chosen = members.filter(~pl.col("is_first"))
    low = chosen.select("activity_key", wait_us=pl.when(pl.col("kinds") == 1).then("low_wait_us").otherwise(0))
    high = chosen.select("activity_key", wait_us="high_wait_us")
    # in a case's first block one event waits for nothing: it is of the activity, or another one is
    first = members.filter("is_first", pl.col("kinds") > 1).select("activity_key", times=pl.lit(1, pl.Int64))
    return pl.concat([low, _zeros(others), _zeros(first)]), pl.concat([high, _zeros(others)])


def _zeros(counts: pl.DataFrame) -> pl.DataFrame:
    zeros = pl.lit(0, pl.Int64).repeat_by("times").alias("wait_us")
    return counts.select("activity_key", zeros).explode("wait_us").drop_nulls()
