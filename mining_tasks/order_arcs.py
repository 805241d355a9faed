"""How often, at least and at most, one activity comes directly after another over all legal orders of tied events.

Exact, per case and arc: what ties leave open is a chain of blocks in which only the two activities matter, and a
dynamic programme over "begins with b" and "ends with a" goes through all chains at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from mining_tasks.durations import Ordered
from mining_tasks.groups import place_among
from mining_tasks.order_blocks import Blocks

ARC = ("source_activity_key", "target_activity_key")
_NEVER = 1 << 40
_COUNTS = ("lowest_count", "highest_count", "lowest_case_count", "highest_case_count")
Arc = tuple[int, int]


@dataclass(frozen=True)
class Durations:
    """Of one arc: the durations that every legal order has, and those that some have, as each of them is least and as it is
    greatest (they differ where intervals are tied); microseconds, from the least.
    """

    sure_low: np.ndarray
    sure_high: np.ndarray
    possible_low: np.ndarray
    possible_high: np.ndarray


@dataclass(frozen=True)
class ArcBounds:
    """arcs: one row per arc that ties can move, sorted by its keys: `lowest_count`, `highest_count` (its frequency),
    `lowest_case_count`, `highest_case_count`; all exact. durations: of each of these arcs, in this order. loops_with_choice:
    arcs from an activity to itself whose durations cannot be chosen one by one.
    """

    arcs: pl.DataFrame
    durations: tuple[Durations, ...]
    loops_with_choice: frozenset[Arc]


@dataclass(frozen=True)
class _Inner:
    """Arcs that can lie within a block, a place each."""

    block: np.ndarray
    source: np.ndarray
    target: np.ndarray
    source_times: np.ndarray
    target_times: np.ndarray


@dataclass(frozen=True)
class _Links:
    """Arcs that can lie between a block (the source's) and the next one, one of which holds several events; a place each.
    is_sure: no other arc can lie there. low_us, high_us: its duration.
    """

    block: np.ndarray
    source: np.ndarray
    target: np.ndarray
    low_us: np.ndarray
    high_us: np.ndarray
    is_sure: np.ndarray


def bound_arcs(log: Blocks, published: Mapping[Arc, tuple[int, int]]) -> ArcBounds:
    """The bounds of every arc that some legal order has and whose place ties can move.

    published: (edge_count, case_count) of each arc of the log as it is ordered.
    """
    keys = log.activity_keys
    arcs = _arcs(*log.one_of_each)
    counts = arcs.select(_COUNTS).to_numpy() + _untied(arcs, published, keys)[:, [0, 0, 1, 1]]
    inner, links = _inner(log), _links(log)
    with_choice = ~links.is_sure & (links.source == links.target)
    return ArcBounds(
        pl.DataFrame(
            {name: keys[arcs[name].to_numpy()] for name in ARC}
            | {name: counts[:, place] for place, name in enumerate(_COUNTS)}
        ),
        _durations(log, inner, links, arcs),
        frozenset((key, key) for key in keys[np.unique(links.source[with_choice])].tolist()),
    )


def _arcs(log: Blocks, weights: pl.DataFrame) -> pl.DataFrame:
    """One row per arc that ties can move, sorted by its activities, with its bounds of these cases alone and, as they are
    ordered, `own_count` and `own_case_count`. weights: how many `cases` each `case_key` stands for.
    """
    counts = _count(log, _inner(log), _links(log))
    moved = counts.select(*ARC).unique()
    follows = np.flatnonzero(~np.append(log.case[1:] != log.case[:-1], True)[: len(log.case)])
    own = pl.DataFrame(
        {
            "case_key": log.case[follows],
            ARC[0]: log.activity[follows],
            ARC[1]: log.activity[follows + 1],
            "_is_fixed": _is_alone(log)[follows] & _is_alone(log)[follows + 1],
        }
    )
    own = own.join(moved, on=list(ARC)).group_by(*ARC, "case_key")
    own = own.agg(pl.col("_is_fixed").sum().cast(pl.Int64).alias("_fixed"), pl.len().cast(pl.Int64).alias("_own"))
    per_case = counts.join(own, on=[*ARC, "case_key"], how="full", coalesce=True)
    per_case = per_case.with_columns(pl.col("lowest", "highest", "_fixed", "_own").fill_null(0))
    per_case = per_case.join(weights, on="case_key")
    cases = pl.col("cases")
    of_cases = {"lowest": pl.col("lowest") + pl.col("_fixed"), "highest": pl.col("highest") + pl.col("_fixed")}
    of_cases["own"] = pl.col("_own")
    return (
        per_case.group_by(*ARC)
        .agg(
            *((times * cases).sum().alias(f"{name}_count") for name, times in of_cases.items()),
            *(cases.filter(times > 0).sum().alias(f"{name}_case_count") for name, times in of_cases.items()),
        )
        .sort(*ARC)
    )


def _untied(arcs: pl.DataFrame, published: Mapping[Arc, tuple[int, int]], keys: np.ndarray) -> np.ndarray:
    """Per arc its frequency and its cases among those cases that have no ties: all less those that have."""
    sources, targets = (keys[arcs[name].to_numpy()].tolist() for name in ARC)
    everything = [published.get(arc, (0, 0)) for arc in zip(sources, targets, strict=True)]
    own = arcs.select("own_count", "own_case_count").to_numpy()
    return np.array(everything, np.int64).reshape(-1, 2) - own


def _is_alone(log: Blocks) -> np.ndarray:
    """Per event whether it is the only one of its block."""
    return np.repeat(log.size == 1, log.size)


def _inner(log: Blocks) -> _Inner:
    place, source, target = log.pairs(log.shared, log.shared)
    members = log.members
    there = (source != target) | (members.times[source] > 1)
    place, source, target = place[there], source[there], target[there]
    return _Inner(
        log.shared[place],
        members.activity[source],
        members.activity[target],
        members.times[source],
        members.times[target],
    )


def _links(log: Blocks) -> _Links:
    is_open = (log.size[:-1] > 1) | (log.size[1:] > 1)
    block = np.flatnonzero(is_open & ~log.is_last[:-1])
    place, source, target = log.pairs(block, block + 1)
    members = log.members
    is_sure = (log.kinds[block] == 1) & (log.kinds[block + 1] == 1)
    return _Links(
        block[place],
        members.activity[source],
        members.activity[target],
        members.low_wait_us[target],
        members.high_wait_us[target],
        is_sure[place],
    )


def _durations(log: Blocks, inner: _Inner, links: _Links, arcs: pl.DataFrame) -> tuple[Durations, ...]:
    """Of each of the arcs."""
    size = len(log.activity_keys)
    known = arcs[ARC[0]].to_numpy() * size + arcs[ARC[1]].to_numpy()
    follows = np.flatnonzero((log.size[:-1] == 1) & (log.size[1:] == 1) & ~log.is_last[:-1])
    activity = log.activity[log.first]
    code = activity[follows] * size + activity[follows + 1]
    place = place_among(known, code) - 1  # of successions that every legal order has
    is_moved = known[place] == code if len(known) else np.zeros(len(code), bool)
    place, fixed = place[is_moved], log.wait_us[follows[is_moved] + 1]

    is_loop = inner.source == inner.target
    most = np.where(is_loop, inner.source_times - 1, np.minimum(inner.source_times, inner.target_times))
    is_sure = is_loop & (log.kinds[inner.block] == 1)
    within, between = (np.searchsorted(known, one.source * size + one.target) for one in (inner, links))

    def of(chosen: np.ndarray, linked: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        zeros = np.repeat(within[chosen], most[chosen])
        nothing = np.zeros(len(zeros), np.int64)
        return (
            np.concatenate([zeros, between[linked]]),
            np.concatenate([nothing, links.low_us[linked]]),
            np.concatenate([nothing, links.high_us[linked]]),
        )

    sure_place, sure_low, sure_high = of(is_sure, links.is_sure)
    sure_place = np.concatenate([place, sure_place])
    sure = (np.concatenate([fixed, sure_low]), np.concatenate([fixed, sure_high]))
    possible_place, *possible = of(~is_sure, ~links.is_sure)
    found = [*_by_arc(sure_place, *sure, len(known)), *_by_arc(possible_place, *possible, len(known))]
    return tuple(Durations(*of_arc) for of_arc in zip(*found, strict=True))


def _by_arc(
    place: np.ndarray, low: np.ndarray, high: np.ndarray, size: int
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Of each arc its least and its greatest durations, sorted."""
    lows = Ordered.of(place, low, size).apart()
    return lows, lows if np.array_equal(low, high) else Ordered.of(place, high, size).apart()


def _count(log: Blocks, inner: _Inner, links: _Links) -> pl.DataFrame:
    """`case_key`, the two activities, `lowest`, `highest`: the arc's frequency in the case, fixed successions aside."""
    members = log.members
    places = pl.concat(
        pl.DataFrame({"block": block, ARC[0]: one.source, ARC[1]: one.target}).with_columns(is_linked=pl.lit(linked))
        for one, block, linked in (
            (inner, inner.block, False),
            (links, links.block, True),
            (links, links.block + 1, False),
        )
    )
    rows = places.group_by("block", *ARC).agg(pl.col("is_linked").any())
    block = rows["block"].to_numpy()
    rows = rows.with_columns(case_key=pl.Series(log.case[log.first[block]]), size=pl.Series(log.size[block]))
    for column, name in ((ARC[0], "source_times"), (ARC[1], "target_times")):
        counted = pl.DataFrame({"block": members.block, column: members.activity, name: members.times})
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
