"""The order certificate: for every figure that ties can move, its lowest and its highest value over the legal orders.

Two kinds of trust are told apart: in the times alone ('occurred_at'), and in the declared ranks of activities as well
('occurred_at, rank'). On how time and order play together: van der Aalst and Santos, "May I take your order?" (2021).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
import polars as pl

from mining_tasks.durations import MEDIAN, P90
from mining_tasks.frames import MICROSECONDS
from mining_tasks.order_activities import bound_ends, bound_waits
from mining_tasks.order_arcs import ARC, Durations, bound_arcs
from mining_tasks.order_blocks import Blocks, find_blocks
from mining_tasks.order_statistics import extreme_mean, extreme_quantiles
from mining_tasks.order_variants import bound_variants
from mining_tasks.results import Results

SCHEMA = {
    "trusted_order": pl.String,
    "result": pl.String,
    "kpi": pl.String,
    "activity_key": pl.Int64,
    "next_activity_key": pl.Int64,
    "variant_id": pl.String,
    "value": pl.Float64,
    "lowest": pl.Float64,
    "highest": pl.Float64,
    "is_exact": pl.Boolean,
}
Row = tuple[Any, ...]
_SHARES = {"median": MEDIAN, "p90": P90}


@dataclass(frozen=True)
class Figures:
    """The figures whose bounds are asked for, as the log is ordered: frames and values as `results.Results` has them."""

    dfg: nw.DataFrame
    activity_kpis: nw.DataFrame
    variants: nw.DataFrame
    sequences: Mapping[str, tuple[int, ...]]

    @classmethod
    def of(cls, results: Results) -> "Figures":
        """Those of a log's results."""
        tables, sequences = results.tables, results.sequences["variants"]
        return cls(tables["dfg"], tables["activity_kpis"], tables["variants"], sequences)


def bound_figures(
    events: pl.DataFrame, figures: Figures, *, order: Sequence[str], ranks: Mapping[int, int | None]
) -> nw.DataFrame:
    """One row per figure that ties can move and kind of trust, with the columns of `SCHEMA`, sorted.

    order: as declared; one that does not begin with 'occurred_at' leaves nothing open (a recording's own order).
    result, kpi: the table of schema mining and its column; the keys null where the figure has none. is_exact: some
    legal order has the lowest value and some the highest; otherwise they are bounds that no legal order exceeds. Where
    an order has no such arc its counts and its total are 0, and its other figures are left out of account.
    """
    rows: list[Row] = []
    if order and order[0] == "occurred_at":
        by_rank = len(order) > 1 and order[1] == "rank" and any(rank is not None for rank in ranks.values())
        for trusted, known in [("occurred_at", None)] + ([("occurred_at, rank", ranks)] if by_rank else []):
            log = find_blocks(events, ranks=known)
            if log.has_ties:
                rows += _rows(trusted, log, figures)
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row").filter(pl.col("lowest") < pl.col("highest"))
    return nw.from_native(frame.sort(*list(SCHEMA)[:6], nulls_last=False))


def _rows(trusted: str, log: Blocks, figures: Figures) -> Iterator[Row]:
    for result, kpi, activity, following, variant, value, lowest, highest, is_exact in (
        *_arc_rows(log, figures),
        *_activity_rows(log, figures),
        *_variant_rows(log, figures),
    ):
        yield trusted, result, kpi, activity, following, variant, value, lowest, highest, is_exact


def _arc_rows(log: Blocks, figures: Figures) -> Iterator[Row]:
    published = {(row[ARC[0]], row[ARC[1]]): row for row in figures.dfg.iter_rows(named=True)}
    bounds = bound_arcs(log, {arc: (row["edge_count"], row["case_count"]) for arc, row in published.items()})
    moved = list(bounds.arcs.iter_rows())
    certain = len(published.keys() - {row[:2] for row in moved})
    lowest, highest = certain + sum(row[2] > 0 for row in moved), certain + sum(row[3] > 0 for row in moved)
    yield "process_kpis", "edge_count", None, None, None, len(published), lowest, highest, lowest == highest
    for (source, target, low, high, low_cases, high_cases), durations in zip(moved, bounds.durations, strict=True):
        arc = (source, target)
        row = published.get(arc)
        if source == target:
            loops = row["edge_count"] if row else 0
            yield "rework", "self_loop_count", source, None, None, loops, low, high, True
        if row is None:
            continue  # no figure of it is published; edge_count tells of it
        key = (source, target, None)
        yield "dfg", "edge_count", *key, row["edge_count"], low, high, True
        yield "dfg", "case_count", *key, row["case_count"], low_cases, high_cases, True
        for kpi, least, most, is_exact in _duration_bounds(durations, arc in bounds.loops_with_choice):
            yield "dfg", kpi, *key, row[kpi], least, most, is_exact


def _duration_bounds(of_arc: Durations, is_coupled: bool) -> Iterator[tuple[str, float, float, bool]]:
    sure_low, sure_high, may_low, may_high = (
        of_arc.sure_low,
        of_arc.sure_high,
        of_arc.possible_low,
        of_arc.possible_high,
    )
    if not len(may_low) and (sure_low == sure_high).all():
        return  # nothing of it can move
    most = int(may_high.sum())
    yield "total_seconds", _s(int(sure_low.sum())), _s(int(sure_high.sum()) + most), not is_coupled
    lowest = extreme_quantiles(sure_low, may_low, _SHARES.values(), lowest=True)
    highest = extreme_quantiles(sure_high, may_high, _SHARES.values(), lowest=False)
    for kpi, least, greatest in zip(_SHARES, lowest, highest, strict=True):
        yield f"{kpi}_seconds", _s(least), _s(greatest), False
    lowest = extreme_mean(sure_low, may_low, lowest=True)
    yield "mean_seconds", _s(lowest), _s(extreme_mean(sure_high, may_high, lowest=False)), False
    # the least value of all is at most the least sure one; where none is sure, at most the greatest of all
    everything_low, everything_high = (
        [part for part in parts if len(part)] for parts in ((sure_low, may_low), (sure_high, may_high))
    )
    least, greatest = min(part[0] for part in everything_low), max(part[-1] for part in everything_high)
    yield "min_seconds", _s(int(least)), _s(int(sure_high[0] if len(sure_high) else greatest)), False
    yield "max_seconds", _s(int(sure_low[-1] if len(sure_low) else least)), _s(int(greatest)), False


def _activity_rows(log: Blocks, figures: Figures) -> Iterator[Row]:
    published = {row["activity_key"]: row for row in figures.activity_kpis.iter_rows(named=True)}
    for activity, end, low, high in bound_ends(log):
        key = (activity, None, None)
        value = published[activity][f"{end}_count"]
        yield "activity_kpis", f"{end}_count", *key, value, low, high, True
        if value:
            yield f"{end}_activities", "case_count", *key, value, low, high, True
    nothing = np.zeros(0, dtype=np.int64)
    for activity, low, high in bound_waits(log):
        row = published[activity]
        lowest = extreme_quantiles(low, nothing, _SHARES.values(), lowest=True)
        highest = extreme_quantiles(high, nothing, _SHARES.values(), lowest=False)
        for kpi, least, most in zip(_SHARES, lowest, highest, strict=True):
            kpi = f"{kpi}_wait_seconds"
            yield "activity_kpis", kpi, activity, None, None, row[kpi], _s(least), _s(most), True
        least, most = extreme_mean(low, nothing, lowest=True), extreme_mean(high, nothing, lowest=False)
        kpi = "mean_wait_seconds"
        yield "activity_kpis", kpi, activity, None, None, row[kpi], _s(least), _s(most), True


def _variant_rows(log: Blocks, figures: Figures) -> Iterator[Row]:
    counts = dict(figures.variants.select("variant_id", "case_count").iter_rows())
    by_sequence = {tuple(sequence): variant for variant, sequence in figures.sequences.items()}
    bounds = bound_variants(log, {sequence: counts[variant] for sequence, variant in by_sequence.items()})
    is_exact = bounds.is_lowest_exact and bounds.is_highest_exact
    low, high = bounds.lowest_count, bounds.highest_count
    yield "process_kpis", "variant_count", None, None, None, len(counts), low, high, is_exact
    for sequence, (least, most) in bounds.cases.items():
        variant = by_sequence[sequence]
        yield "variants", "case_count", None, None, variant, counts[variant], least, most, bounds.are_cases_exact


def _s(microseconds: float) -> float:
    return microseconds / MICROSECONDS
