"""Bottlenecks: activities and arcs by the working time that cases lie before them, and by what that costs."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import accumulate

import narwhals as nw
import numpy as np
import polars as pl

from mining_tasks.calendars_declared import Rates
from mining_tasks.durations import MEDIAN
from mining_tasks.groups import exact_sums
from mining_tasks.waiting import Times
from mining_tasks.waiting_times import Places, find_places

ACTIVITY, ARC = "activity", "arc"
_HOUR_US = 3_600_000_000
_KEYS = ("source_activity_key", "target_activity_key")


def rank_bottlenecks(
    times: Times,
    *,
    rates: Rates | None = None,
    activity_rates: Mapping[int, Rates] | None = None,
    places: tuple[Places, Places] | None = None,
) -> nw.DataFrame:
    """One row per activity (`kind` activity, no source) and per arc (`kind` arc), sorted by `kind`, `time_rank`.

    wait_count: how often a case lay there; lost_seconds: for how long, in clock time (waiting and idle);
    working_lost_seconds: in working time, and its share of all of its kind; excess_seconds: what of it lies beyond the
    median of the place, that is, what would be saved if no case lay longer there than half of them do;
    processing_seconds: how long it ran (activities only). time_rank: 1 = most working time lost, equal ones in the
    order of their keys. rates (per hour; of activities of their own: `activity_rates`): `waiting_cost` of the lost
    working time, `processing_cost` of the processing time, `cost` of both and `cost_rank`; null without rates.
    places: of `find_places`, where they are at hand.
    """
    activities, arcs = places or find_places(times)
    no_source = pl.lit(None, activities.keys.schema["activity_key"]).alias(_KEYS[0])
    of_activities = _lost(activities).rename({"activity_key": _KEYS[1]}).with_columns(no_source)
    of_arcs = _lost(arcs).with_columns(_processing=pl.lit(0, pl.Int64))
    parts = [
        _ranked(found, kind, rates, activity_rates or {}) for kind, found in ((ACTIVITY, of_activities), (ARC, of_arcs))
    ]
    return nw.from_native(pl.concat(parts))


def _lost(places: Places) -> pl.DataFrame:
    """Per place the exact sums, in microseconds."""
    sums = places.sums
    lost = {
        "_clock": _both(sums["waiting_us"], sums["idle_us"]),
        "_lost": _both(sums["working_waiting_us"], sums["working_idle_us"]),
        "_processing": sums["processing_us"],
        "_excess": _excess(places),
    }
    exact = (pl.Series(name, values, dtype=pl.Int128) for name, values in lost.items())
    return places.keys.with_columns(*places.counts("wait_count", "case_count"), *exact)


def _both(some: Sequence[int], others: Sequence[int]) -> list[int]:
    return [one + other for one, other in zip(some, others, strict=True)]


def _excess(places: Places) -> list[int]:
    """What of the waits of each place lies beyond their median."""
    waits = places.waits
    typical = waits.quantile(MEDIAN) // MEDIAN.denominator
    beyond = np.maximum(waits.us - np.repeat(typical, waits.counts), 0)
    where = np.repeat(np.flatnonzero(places.wait_count), waits.counts)
    return exact_sums(where, beyond, len(places.keys))


def _ranked(found: pl.DataFrame, kind: str, rates: Rates | None, of_activities: Mapping[int, Rates]) -> pl.DataFrame:
    lost, processing = (found[name].to_list() for name in ("_lost", "_processing"))
    order = sorted(range(len(found)), key=lambda place: (-lost[place], place))
    everything = sum(lost)
    running = list(accumulate(lost[place] for place in order))
    columns = {
        "lost_seconds": [value / 1_000_000 for value in found["_clock"].to_list()],
        "working_lost_seconds": [value / 1_000_000 for value in lost],
        "excess_seconds": [value / 1_000_000 for value in found["_excess"].to_list()],
        "processing_seconds": [value / 1_000_000 for value in processing],
    }
    costs = [(None, None)] * len(found)
    if rates is not None:
        own = [of_activities.get(key, rates) for key in found[_KEYS[1]].to_list()]
        costs = [
            (_amount(waited, rate.waiting), _amount(worked, rate.processing))
            for waited, worked, rate in zip(lost, processing, own, strict=True)
        ]
    both = [None if waiting is None else waiting + working for waiting, working in costs]
    by_cost = sorted(range(len(found)), key=lambda place: (-(both[place] or 0), place)) if rates is not None else []
    cost_rank = {place: rank for rank, place in enumerate(by_cost, 1)}
    frame = found.select("wait_count", "case_count", *_KEYS).with_columns(
        pl.lit(kind).alias("kind"),
        *(pl.Series(name, values, dtype=pl.Float64) for name, values in columns.items()),
        *(
            pl.Series(name, [None if value is None else float(value) for value in values], dtype=pl.Float64)
            for name, values in (
                ("waiting_cost", [waiting for waiting, _ in costs]),
                ("processing_cost", [working for _, working in costs]),
                ("cost", both),
            )
        ),
        pl.Series("cost_rank", [cost_rank.get(place) for place in range(len(found))], dtype=pl.Int64),
        pl.Series(
            "working_lost_share", [value / everything if everything else 0.0 for value in lost], dtype=pl.Float64
        ),
    )
    shares = [value / everything if everything else 0.0 for value in running]
    return (
        frame[order]
        .with_columns(
            pl.Series("time_rank", range(1, len(order) + 1), dtype=pl.Int64),
            pl.Series("cumulative_share", shares, dtype=pl.Float64),
        )
        .select(
            "kind",
            "time_rank",
            "cost_rank",
            *_KEYS,
            "wait_count",
            "case_count",
            "lost_seconds",
            "working_lost_seconds",
            "working_lost_share",
            "cumulative_share",
            "excess_seconds",
            "processing_seconds",
            "waiting_cost",
            "processing_cost",
            "cost",
        )
    )


def _amount(microseconds: int, per_hour: float) -> Fraction:
    """What a time costs, exactly: the rate is the decimal number that was declared."""
    return microseconds * Fraction(repr(per_hour)) / _HOUR_US
