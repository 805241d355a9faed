"""Blocks of tied events: what of a log's order its times decide, and what is left open.

The events of a case that an order does not separate form a block; blocks follow one another, within a block every
sequence is a legal order. A case is then a weak order of its events, as in Lu, Fahland and van der Aalst, "Conformance
checking based on partially ordered event data" (BPM workshops 2014), and van der Aa, Leopold and Weidlich, "Partial
order resolution of event logs" (2020).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from mining_tasks.frames import events_of

EVENT = ("case_key", "event_seq", "activity_key", "occurred_us", "started_us")


@dataclass(frozen=True)
class Blocks:
    """A log in blocks. `events` and `blocks` are in the order of the log; a row of `blocks` is at the place of its number.

    events: `case_key`, `event_seq`, `activity_key`, `occurred_us`, `begin_us` (of an interval its start), `block` (from
    0, over all cases), `size` (events in the block), `wait_us` (from the block before to its begin, not below 0; null
    in a case's first block). blocks: `block`, `case_key`, `size`, `kinds` (distinct activities),
    `is_first`, `is_last`, `occurred_us`. members: `block`, `activity_key`, `times`, `low_wait_us`, `high_wait_us` (the
    least and the greatest `wait_us` of its events). tied_case_keys: cases whose sequence is not decided.
    """

    events: pl.DataFrame
    blocks: pl.DataFrame
    members: pl.DataFrame
    tied_case_keys: pl.Series

    @cached_property
    def near(self) -> pl.DataFrame:
        """The `members` of blocks that hold several events or stand beside one that does."""
        shared = pl.col("size") > 1
        beside = (shared.shift(1) & ~pl.col("is_first")) | (shared.shift(-1) & ~pl.col("is_last"))
        return self.members.filter(
            self.blocks.select(shared | beside.fill_null(False)).to_series().gather(self.members["block"])
        )

    def members_with(self, *columns: str) -> pl.DataFrame:
        """The `members`, each with columns of its block."""
        return self.members.hstack([self.blocks[column].gather(self.members["block"]) for column in columns])

    def one_of_each(self) -> tuple["Blocks", pl.DataFrame]:
        """(one case for all that are the same in blocks and activities, `case_key` and `cases`: how many it stands for).

        Times aside: what only the order decides is the same for all of them.
        """
        begins = (pl.col("block") != pl.col("block").shift(1)).fill_null(True).cast(pl.Int64)
        coded = self.events.lazy().select("case_key", _code=pl.col("activity_key").cast(pl.Int64) * 2 + begins)
        cases = coded.group_by("case_key", maintain_order=True).agg("_code").group_by("_code")
        kept = cases.agg(pl.col("case_key").min(), cases=pl.len().cast(pl.Int64)).drop("_code").collect()
        blocks = self.blocks.join(kept.select("case_key"), on="case_key", how="semi", maintain_order="left")
        number = blocks.select("block").with_row_index("_number").with_columns(pl.col("_number").cast(pl.Int64))
        events, members = (
            frame.join(number, on="block", maintain_order="left").with_columns(block="_number").drop("_number")
            for frame in (self.events, self.members)
        )
        tied = self.tied_case_keys.filter(self.tied_case_keys.is_in(kept["case_key"].implode()))
        return Blocks(events, blocks.with_columns(block=number["_number"]), members, tied), kept

    @property
    def is_decided(self) -> bool:
        """Whether no case has more than one legal sequence of activities."""
        return not len(self.tied_case_keys)


def has_ties(events: pl.DataFrame, *, ranks: Mapping[int, int | None] | None = None) -> bool:
    """Whether `find_blocks` finds a block of several events."""
    return events_of(events, needs=EVENT).to_native().select(_is_tied(ranks).any()).item()


def _is_tied(ranks: Mapping[int, int | None] | None) -> pl.Expr:
    """Whether an event is in the block of the one before it."""
    tie = [pl.col("case_key"), pl.col("occurred_us")]
    if ranks is not None:
        known = {key: rank for key, rank in ranks.items() if rank is not None}
        rank = pl.col("activity_key").replace_strict(known, default=None, return_dtype=pl.Int64)
        tie.append(rank.fill_null(-(2**62)))
    return pl.all_horizontal(part.eq_missing(part.shift(1)) for part in tie)


def find_blocks(events: pl.DataFrame, *, ranks: Mapping[int, int | None] | None = None) -> Blocks:
    """The blocks of a log ordered by time: equal `occurred_us` and, where `ranks` are given, equal rank of the activity.

    events: as `mining_tasks.frames` has them, in the order of the log. ranks: activity_key -> declared rank, None for
    an activity without one.
    """
    frame = events_of(events, needs=EVENT).to_native()
    is_new = ~_is_tied(ranks)
    frame = frame.with_columns(
        begin_us=pl.coalesce("started_us", "occurred_us"), block=is_new.cast(pl.Int64).cum_sum() - 1
    ).drop("started_us")
    blocks = _blocks(frame.with_row_index("row").filter(is_new), len(frame))
    at = frame["block"]
    before, is_first = blocks["before_us"].gather(at), blocks["is_first"].gather(at)
    frame = frame.with_columns(blocks["size"].gather(at)).with_columns(
        wait_us=pl.when(~is_first).then((pl.col("begin_us") - before).clip(lower_bound=0))
    )
    is_shared = pl.col("size") > 1
    shared = (
        frame.filter(is_shared)
        .group_by("block", "activity_key")
        .agg(
            pl.len().cast(pl.Int64).alias("times"),
            pl.col("wait_us").min().alias("low_wait_us"),
            pl.col("wait_us").max().alias("high_wait_us"),
        )
    )
    alone = frame.filter(~is_shared).select(
        "block",
        "activity_key",
        times=pl.lit(1, pl.Int64),
        low_wait_us="wait_us",
        high_wait_us="wait_us",
    )
    kinds = shared.group_by("block").agg(pl.len().cast(pl.Int64).alias("kinds"))
    blocks = blocks.join(kinds, on="block", how="left", maintain_order="left").with_columns(
        pl.col("kinds").fill_null(1)
    )
    tied = blocks.filter(pl.col("kinds") > 1)["case_key"].unique(maintain_order=True)
    return Blocks(
        events=frame, blocks=blocks.drop("before_us"), members=pl.concat([alone, shared]), tied_case_keys=tied
    )


def _blocks(first: pl.DataFrame, event_count: int) -> pl.DataFrame:
    """The blocks from their first events (with their `row` in the log)."""
    same_before, same_after = (pl.col("case_key").eq_missing(pl.col("case_key").shift(step)) for step in (1, -1))
    return first.select(
        "block",
        "case_key",
        "occurred_us",
        size=pl.col("row").shift(-1, fill_value=event_count).cast(pl.Int64) - pl.col("row").cast(pl.Int64),
        is_first=~same_before,
        is_last=~same_after,
        before_us=pl.col("occurred_us").shift(1),
    )
