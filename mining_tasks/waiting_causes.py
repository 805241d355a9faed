"""Why cases wait: the time before each step split into five causes.

Lashkevich, Milani, Chapela-Campa, Suvorau and Dumas (2022), Why am I waiting? Data-driven analysis of waiting times in
business processes: batching, resource unavailability, resource contention, prioritisation, and extraneous: the rest.
"""

from collections.abc import Sequence

import numpy as np
import polars as pl

from mining_tasks.calendars import WorkingTime
from mining_tasks.groups import exact_sums

_AXIS = 2**62  # microseconds of all resources that are looked at together
CAUSES = ("batching_us", "unavailability_us", "contention_us", "prioritisation_us", "extraneous_us")


def explain_waiting(steps: pl.DataFrame, batched: pl.DataFrame, laid: Sequence[WorkingTime]) -> pl.DataFrame:
    """`case_key`, `event_seq`, `activity_key`, `resource_key` and the five causes of each step that a case waited for
    and that has a resource; their sum is its waiting and idle time, exactly.

    steps: of `mining_tasks.waiting.split_times`, with `hours` (which of `laid` are the step's hours). batched: of
    `mining_tasks.batches.find_batches`. In the order of the day: until the last case of its batch is there, a case
    waits for the batch; of what is left, what lies outside the hours is unavailability; then, in which its resource
    runs other steps: contention if those were there before it, else prioritisation; then extraneous.
    """
    ready, begin = (
        steps.select(pl.coalesce("ready_us", "begin_us")).to_series().to_numpy(),
        steps["begin_us"].to_numpy(),
    )
    start = ready.copy()
    in_batch = batched["step"].to_numpy()
    start[in_batch] = np.minimum(np.maximum(ready[in_batch], batched["batch_ready_us"].to_numpy()), begin[in_batch])
    place = np.flatnonzero((ready < begin) & steps["resource_key"].is_not_null().to_numpy())
    ready, begin, start, hours = ready[place], begin[place], start[place], steps["hours"].to_numpy()[place]
    worked = steps["waiting_us"].to_numpy()[place]
    earlier, later = np.zeros(len(place), np.int64), np.zeros(len(place), np.int64)
    is_late = start > ready
    busy = steps.filter(pl.col("resource_key").is_not_null() & (pl.col("end_us") > pl.col("begin_us")))
    for code, own in enumerate(laid):
        is_own = hours == code
        late = np.flatnonzero(is_own & is_late)
        worked[late] = own.between(start[late], begin[late])
        if len(busy):
            rows = np.flatnonzero(is_own)
            low, high = own.elapsed(start[rows]), own.elapsed(begin[rows])
            earlier[rows], later[rows] = _busy_within(steps[place[rows]], low, high, busy, own)
    found = {
        "batching_us": start - ready,
        "unavailability_us": begin - start - worked,
        "contention_us": earlier,
        "prioritisation_us": later,
        "extraneous_us": worked - earlier - later,
    }
    columns = [pl.Series(name, values) for name, values in found.items()]
    return steps.select("case_key", "event_seq", "activity_key", "resource_key")[place].with_columns(columns)


def _busy_within(
    waits: pl.DataFrame, low: np.ndarray, high: np.ndarray, busy: pl.DataFrame, hours: WorkingTime
) -> tuple[np.ndarray, np.ndarray]:
    """Working time that each wait's resource runs steps that were there before it, and after it."""
    nothing = np.zeros(len(waits), np.int64)
    if waits.is_empty():
        return nothing, nothing
    pieces = (
        busy.sort("resource_key", "begin_us", "end_us", "case_key", "event_seq")
        .with_columns(_until=pl.col("end_us").cum_max().shift(1).over("resource_key"))
        .with_columns(_begin=pl.max_horizontal("begin_us", "_until"))
        .filter(pl.col("_begin") < pl.col("end_us"))
    )
    resources = pieces["resource_key"].unique().sort()
    span = int(hours.elapsed(np.array([max(int(busy["end_us"].max()), int(waits["begin_us"].max()))]))[0]) + 1
    earlier, later = nothing.copy(), nothing.copy()
    at_once = max(_AXIS // span, 1)
    for start in range(0, len(resources), at_once):
        some = resources[start : start + at_once]
        rows = np.flatnonzero(waits["resource_key"].is_in(some.implode()).to_numpy())
        own = pieces.filter(pl.col("resource_key").is_in(some.implode()))
        earlier[rows], later[rows] = _on_one_axis(waits[rows], low[rows], high[rows], own, hours, some, span)
    return earlier, later


def _on_one_axis(
    waits: pl.DataFrame,
    low: np.ndarray,
    high: np.ndarray,
    pieces: pl.DataFrame,
    hours: WorkingTime,
    resources: pl.Series,
    span: int,
) -> tuple[np.ndarray, np.ndarray]:
    """The same, with the working time of the resources one after another on one axis."""

    def shift(frame: pl.DataFrame) -> np.ndarray:
        return resources.search_sorted(frame["resource_key"]).to_numpy().astype(np.int64) * span

    pieces_low = hours.elapsed(pieces["_begin"].to_numpy()) + shift(pieces)
    pieces_high = hours.elapsed(pieces["end_us"].to_numpy()) + shift(pieces)
    there = pieces.select(pl.coalesce("ready_us", "begin_us")).to_series().to_numpy()
    low, high = low + shift(waits), high + shift(waits)
    since = waits["ready_us"].to_numpy()
    length = pieces_high - pieces_low
    before = np.append(0, np.cumsum(length))
    first = np.searchsorted(pieces_high, low, side="right")  # pieces from here on reach into the window
    last = np.searchsorted(pieces_low, high, side="left")  # pieces up to here begin before its end
    last = np.maximum(first, last)
    total = before[last] - before[first]
    earlier = _sum_up_to(there, length, last, since) - _sum_up_to(there, length, first, since)
    for edge, cut in (
        (first, low - pieces_low[np.minimum(first, len(length) - 1)]),
        (last - 1, pieces_high[np.maximum(last - 1, 0)] - high),
    ):
        over = np.where(last > first, np.maximum(cut, 0), 0)
        total = total - over
        earlier = earlier - np.where(there[np.clip(edge, 0, len(length) - 1)] <= since, over, 0)
    return earlier, total - earlier


def _sum_up_to(there: np.ndarray, length: np.ndarray, upto: np.ndarray, since: np.ndarray) -> np.ndarray:
    """For each query the sum of `length` of the first `upto` pieces whose `there` is at most `since`.

    The first n pieces are one aligned block for each bit of n; within the blocks of a level pieces are sorted by
    `there`, so that one binary search per level answers all queries.
    """
    ranks = np.unique(there)
    order, limit = np.searchsorted(ranks, there), np.searchsorted(ranks, since, side="right")
    width, total = len(ranks) + 1, np.zeros(len(upto), np.int64)
    places = np.arange(len(there))
    for level in range(len(there).bit_length()):
        asked = np.flatnonzero((upto >> level) & 1)
        if not len(asked):
            continue
        keys = (places >> level) * width + order
        by_key = np.argsort(keys, kind="stable")
        keys, before = keys[by_key], np.append(0, np.cumsum(length[by_key]))
        block = (upto[asked] >> level) - 1
        found = np.searchsorted(keys, block * width + limit[asked], side="left")
        total[asked] += before[found] - before[np.minimum(block << level, len(there))]
    return total


def measure_causes(explained: pl.DataFrame, *, k: int) -> tuple[pl.DataFrame, int]:
    """One row per activity, by key: `wait_count`, `total_wait_seconds`, the total of each cause and its `*_share`,
    `resource_count`; and the number of rows that fewer than `k` resources stand behind, which are left out.
    """
    found = (
        explained.group_by("activity_key")
        .agg(
            pl.len().cast(pl.Int64).alias("wait_count"),
            pl.col("resource_key").n_unique().cast(pl.Int64).alias("resource_count"),
        )
        .sort("activity_key")
    )
    codes = np.searchsorted(found["activity_key"].to_numpy(), explained["activity_key"].to_numpy())
    found = found.with_columns(
        pl.Series(cause, exact_sums(codes, explained[cause].to_numpy(), len(found)), dtype=pl.Int128)
        for cause in CAUSES
    )
    shown = found.filter(pl.col("resource_count") >= k)
    causes = [shown[cause].to_list() for cause in CAUSES]
    totals = [sum(row) for row in zip(*causes, strict=True)]
    columns = [pl.Series("total_wait_seconds", [total / 1_000_000 for total in totals], dtype=pl.Float64)]
    for name, values in zip(CAUSES, causes, strict=True):
        what = name.removesuffix("_us")
        columns.append(pl.Series(f"{what}_seconds", [value / 1_000_000 for value in values], dtype=pl.Float64))
        shares = [value / total if total else 0.0 for value, total in zip(values, totals, strict=True)]
        columns.append(pl.Series(f"{what}_share", shares, dtype=pl.Float64))
    order = ["activity_key", "wait_count", "resource_count"]
    return shown.select(order).with_columns(columns), len(found) - len(shown)
