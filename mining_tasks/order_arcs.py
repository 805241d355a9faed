"""How often, at least and at most, one activity comes directly after another over all legal orders of tied events.

Exact, per case and arc: what ties leave open is a chain of blocks in which only the two activities matter, and a
dynamic programme over "begins with b" and "ends with a" goes through all chains at once.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from mining_tasks.order_blocks import Blocks

ARC = ("source_activity_key", "target_activity_key")
_NEVER = 1 << 40


@dataclass(frozen=True)
class ArcBounds:
    """arcs: one row per arc that ties can move, sorted by its keys: `lowest_count`, `highest_count` (its frequency),
    `lowest_case_count`, `highest_case_count`; all exact. sure, possible: the durations of these arcs that every legal
    order has, and those that some have: the two keys, `low_us`, `high_us` (they differ where intervals are tied).
    loops_with_choice: arcs from an activity to itself whose durations cannot be chosen one by one.
    """

    arcs: pl.DataFrame
    sure: pl.DataFrame
    possible: pl.DataFrame
    loops_with_choice: frozenset[tuple[int, int]]


def bound_arcs(log: Blocks) -> ArcBounds:
    """The bounds of every arc that some legal order has and whose place ties can move."""
    inner, links = _inner(log), _links(log)
    arcs = _arcs(*log.one_of_each())
    fixed = _fixed(log).join(arcs.select(*ARC), on=list(ARC))
    sure, possible = _durations(fixed, inner, links)
    with_choice = links.filter(~pl.col("is_sure") & (pl.col(ARC[0]) == pl.col(ARC[1]))).select(*ARC).unique()
    return ArcBounds(arcs, sure, possible, frozenset(with_choice.iter_rows()))


def _arcs(log: Blocks, weights: pl.DataFrame) -> pl.DataFrame:
    """`arcs` of `ArcBounds`. weights: how many `cases` each `case_key` stands for."""
    counts = _count(log, _inner(log), _links(log))
    moved = counts.select(*ARC).unique()
    fixed = (
        _fixed(log).join(moved, on=list(ARC)).group_by(*ARC, "case_key").agg(pl.len().cast(pl.Int64).alias("_fixed"))
    )
    per_case = counts.join(fixed, on=[*ARC, "case_key"], how="full", coalesce=True)
    per_case = per_case.with_columns(pl.col("lowest", "highest", "_fixed").fill_null(0)).join(weights, on="case_key")
    lowest, highest = (pl.col(name) + pl.col("_fixed") for name in ("lowest", "highest"))
    cases = pl.col("cases")
    return (
        per_case.group_by(*ARC)
        .agg(
            (lowest * cases).sum().alias("lowest_count"),
            (highest * cases).sum().alias("highest_count"),
            cases.filter(lowest > 0).sum().alias("lowest_case_count"),
            cases.filter(highest > 0).sum().alias("highest_case_count"),
        )
        .sort(*ARC)
    )


def _fixed(log: Blocks) -> pl.DataFrame:
    """Successions between two events that are each alone in their block: in every legal order."""
    events = log.events
    same = pl.col("case_key") == pl.col("case_key").shift(-1)
    alone = (pl.col("size") == 1) & (pl.col("size").shift(-1) == 1)
    return (
        events.select(
            "case_key",
            pl.col("activity_key").alias(ARC[0]),
            pl.col("activity_key").shift(-1).alias(ARC[1]),
            pl.col("wait_us").shift(-1).alias("duration_us"),
            _is_fixed=same & alone,
        )
        .filter("_is_fixed")
        .drop("_is_fixed")
    )


def _inner(log: Blocks) -> pl.DataFrame:
    """Arcs that can lie within a block: `block`, the keys, `source_times`, `target_times`, `size`, `kinds`."""
    tied = log.blocks.filter(pl.col("size") > 1).select("block", "case_key", "size", "kinds")
    members = log.near.select("block", "activity_key", "times").join(tied, on="block")
    source = members.rename({"activity_key": ARC[0], "times": "source_times"})
    target = members.select("block", pl.col("activity_key").alias(ARC[1]), pl.col("times").alias("target_times"))
    return source.join(target, on="block").filter((pl.col(ARC[0]) != pl.col(ARC[1])) | (pl.col("source_times") > 1))


def _links(log: Blocks) -> pl.DataFrame:
    """Arcs that can lie between a block and the next one, one of which holds several events.

    `block` is the source's. `is_sure`: no other arc can lie there. `low_us`, `high_us`: its duration.
    """
    blocks = log.blocks.select(
        "block",
        "case_key",
        "size",
        "kinds",
        next_size=pl.when(~pl.col("is_last")).then(pl.col("size").shift(-1)),
        next_kinds=pl.when(~pl.col("is_last")).then(pl.col("kinds").shift(-1)),
    ).filter((pl.col("size") > 1) | (pl.col("next_size") > 1), pl.col("next_size").is_not_null())
    source = log.near.select("block", pl.col("activity_key").alias(ARC[0])).join(blocks, on="block")
    target = log.near.select(
        pl.col("block") - 1,
        pl.col("activity_key").alias(ARC[1]),
        low_us="low_wait_us",
        high_us="high_wait_us",
    )
    return source.join(target, on="block").select(
        "block",
        "case_key",
        *ARC,
        "low_us",
        "high_us",
        is_sure=(pl.col("kinds") == 1) & (pl.col("next_kinds") == 1),
    )


def _durations(fixed: pl.DataFrame, inner: pl.DataFrame, links: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    is_loop = pl.col(ARC[0]) == pl.col(ARC[1])
    most = pl.when(is_loop).then(pl.col("source_times") - 1).otherwise(
        pl.min_horizontal("source_times", "target_times")
    )  # fmt: skip
    zeros = inner.select(*ARC, is_sure=is_loop & (pl.col("kinds") == 1), most=most, low_us=pl.lit(0, pl.Int64))
    zeros = zeros.select(
        *ARC, "is_sure", pl.col("low_us").repeat_by("most").alias("low_us")
    ).explode("low_us").drop_nulls()  # fmt: skip
    zeros = zeros.with_columns(high_us="low_us").select(*ARC, "low_us", "high_us", "is_sure")
    open_ones = pl.concat([zeros, links.select(*ARC, "low_us", "high_us", "is_sure")])
    sure = pl.concat(
        [
            fixed.select(*ARC, low_us="duration_us", high_us="duration_us"),
            open_ones.filter("is_sure").drop("is_sure"),
        ]
    )
    return sure, open_ones.filter(~pl.col("is_sure")).drop("is_sure")


def _count(log: Blocks, inner: pl.DataFrame, links: pl.DataFrame) -> pl.DataFrame:
    """`case_key`, the two keys, `lowest`, `highest`: the arc's frequency in the case, fixed successions aside."""
    named = ["block", "case_key", *ARC]
    places = pl.concat(
        [
            inner.select(*named, is_linked=pl.lit(False)),
            links.select(*named, is_linked=pl.lit(True)),
            links.select(pl.col("block") + 1, "case_key", *ARC, is_linked=pl.lit(False)),
        ]
    )
    rows = places.group_by(named).agg(pl.col("is_linked").any()).join(log.blocks.select("block", "size"), on="block")
    for column, name in ((ARC[0], "source_times"), (ARC[1], "target_times")):
        counted = log.near.select("block", pl.col("activity_key").alias(column), pl.col("times").alias(name))
        rows = rows.join(counted, on=["block", column], how="left")
    rows = rows.with_columns(pl.col("source_times", "target_times").fill_null(0)).sort("case_key", *ARC, "block")
    if not len(rows):
        return rows.select("case_key", *ARC, lowest=pl.lit(0, pl.Int64), highest=pl.lit(0, pl.Int64))
    same = pl.lit(True)
    for column in ("case_key", *ARC):
        same = same & (pl.col(column) == pl.col(column).shift(1))
    follows = same & pl.col("is_linked").shift(1) & (pl.col("block") == pl.col("block").shift(1) + 1)
    rows = rows.with_columns(_chain=(~follows.fill_null(False)).cast(pl.Int64).cum_sum() - 1)
    chains = rows.group_by("_chain", maintain_order=True).agg(pl.col("case_key", *ARC).first())
    lowest, highest = _extremes(rows)
    return (
        chains.with_columns(lowest=pl.Series(lowest, dtype=pl.Int64), highest=pl.Series(highest, dtype=pl.Int64))
        .group_by("case_key", *ARC)
        .agg(pl.col("lowest", "highest").sum())
    )


def _extremes(rows: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest count per chain. All chains advance by one block at a time."""
    chain = rows["_chain"].to_numpy()
    start = np.flatnonzero(np.diff(chain, prepend=-1))
    length = np.diff(np.append(start, len(chain)))
    a, b = rows["source_times"].to_numpy(), rows["target_times"].to_numpy()
    is_loop = (rows[ARC[0]] == rows[ARC[1]]).to_numpy()
    others = rows["size"].to_numpy() - a - np.where(is_loop, 0, b)
    order = np.argsort(-length, kind="stable")
    low = np.zeros((2, len(start)), dtype=np.int64)  # [ends otherwise than with a]
    high = np.zeros((2, len(start)), dtype=np.int64)  # [ends with a]
    for step in range(int(length.max())):
        going = order[: np.searchsorted(-length[order], -step, side="left")]
        at = start[going] + step
        part = (a[at], b[at], others[at], is_loop[at])
        new_low, new_high = np.full((2, len(at)), _NEVER), np.full((2, len(at)), -_NEVER)
        for first in (0, 1):
            for last in (0, 1):
                inside_low, inside_high = _inside_lowest(*part, first, last), _inside_highest(*part, first, last)
                for before in (0, 1):
                    gain_low = int(not before and not first and step > 0)
                    gain_high = int(bool(before and first) and step > 0)
                    earlier_low = low[before, going] if step or not before else np.full(len(at), _NEVER)
                    earlier_high = high[before, going] if step or not before else np.full(len(at), -_NEVER)
                    new_low[last] = np.minimum(new_low[last], earlier_low + gain_low + inside_low)
                    new_high[last] = np.maximum(new_high[last], earlier_high + gain_high + inside_high)
        low[:, going], high[:, going] = new_low, new_high
    return low.min(axis=0), high.max(axis=0)


def _inside_highest(a: np.ndarray, b: np.ndarray, o: np.ndarray, is_loop: np.ndarray, first: int, last: int):
    """Most arcs within a block of a, b and o others, if it must begin with b (first), end with a (last)."""
    plain = np.where((first > b) | (last > a), -_NEVER, np.minimum(a - last, b - first))
    whole = np.maximum(a - 1, 0)
    both = bool(first and last)
    split = np.where(a >= 2, a - 2, -_NEVER)  # a … others … a
    loop = np.where((o > 0) & both, split, whole)
    loop = np.where((first or last) & (a == 0), -_NEVER, loop)
    return np.where(is_loop, loop, plain)


def _inside_lowest(a: np.ndarray, b: np.ndarray, o: np.ndarray, is_loop: np.ndarray, first: int, last: int):
    """Fewest arcs within a block of a, b and o others, if it must not begin with b (first), not end with a (last)."""
    has_both = (a > 0) & (b > 0)
    plain = np.where(has_both & (o == 0) & bool(first or last), 1, 0)
    impossible = (bool(first) & (b > 0) & (a + o == 0)) | (bool(last) & (a > 0) & (b + o == 0))
    plain = np.where(impossible, _NEVER, plain)
    places = o + 1 - first - last
    loop = np.where(a == 0, 0, np.where(places <= 0, _NEVER, np.maximum(0, a - places)))
    return np.where(is_loop, loop, plain)
