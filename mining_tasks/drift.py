"""Drift: when a process changed in how much there is to do, in what follows what and in how long it takes, and by how much.

Every figure is a series of whole weeks. Where its level moved, Pettitt's rank test (1979) tells the likeliest week and how
likely chance alone would do as much; the two sides are looked at again as long as they are long enough (binary
segmentation). The tests of a process together are corrected for their number (Benjamini & Hochberg 1995).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from scipy.stats import rankdata

from mining_tasks.causes import FALSE_DISCOVERY_RATE, adjusted

FEWEST_WEEKS = 6  # on each side of a change
FEWEST_OBSERVATIONS = 5  # of a figure in a week: fewer say nothing of the week
WEEK_US = 7 * 86_400_000_000
_MONDAY_US = 4 * 86_400_000_000  # 1970-01-05 was a Monday
FIGURES = {  # figure -> kind
    "started_cases": "volume",
    "ended_cases": "volume",
    "share_of_next": "control_flow",
    "throughput_seconds": "time",
    "step_seconds": "time",
}
_COLUMNS = ("week", "value", "observations")
MOST_CASES = 0.9  # part of the closed cases that end within the weeks that are left out where not all are known


@dataclass(frozen=True)
class Series:
    """A figure by week.

    figure: of `FIGURES`. weeks: numbers of weeks since Monday 1970-01-05, rising; values, and out of how many observations
    each is, of those weeks. The keys are of activities, None where the figure is not about one.
    """

    figure: str
    weeks: tuple[int, ...]
    values: tuple[float, ...]
    observations: tuple[int, ...]
    activity_key: int | None = None
    next_activity_key: int | None = None

    @property
    def kind(self) -> str:
        """'volume', 'control_flow' or 'time'."""
        return FIGURES[self.figure]

    def level(self, begin: int, end: int) -> float:
        """The figure of the weeks at places [begin, end): cases per week, share of all steps, median of the weeks' medians."""
        values, counts = np.array(self.values[begin:end]), np.array(self.observations[begin:end])
        if self.kind == "control_flow":
            return float(np.rint(values * counts).sum() / counts.sum())
        return float(np.median(values) if self.kind == "time" else values.mean())


@dataclass(frozen=True)
class Change:
    """A change of a series: `week` is the first after it; its levels between the changes before and after it.

    impact: what it is worth in a week after it: cases, steps that go another way, seconds.
    """

    series: Series
    week: int
    level_before: float
    level_after: float
    impact: float
    weeks_before: int
    weeks_after: int
    observations_before: int
    observations_after: int
    p_value: float
    q_value: float


@dataclass(frozen=True)
class Found:
    """The changes of a process, and how many places were tested: of figure -> number."""

    changes: tuple[Change, ...]
    tested_counts: dict[str, int]


def find_changes(series: Iterable[Series]) -> Found:
    """The changes of all series, the series in the order given, those of one in time."""
    tested = [(one, *cut) for one in series for cut in _cuts(np.asarray(one.values))]
    q_values = adjusted([p for *_, p in tested])
    kept: dict[Series, list[tuple[int, float, float]]] = {}
    counts: dict[str, int] = {}
    for (one, place, p_value), q_value in zip(tested, q_values, strict=True):
        counts[one.figure] = counts.get(one.figure, 0) + 1
        if q_value <= FALSE_DISCOVERY_RATE:
            kept.setdefault(one, []).append((place, p_value, q_value))
    return Found(tuple(change for one, cuts in kept.items() for change in _changes(one, sorted(cuts))), counts)


def _changes(series: Series, cuts: Sequence[tuple[int, float, float]]) -> Iterable[Change]:
    edges = [0, *(place for place, *_ in cuts), len(series.values)]
    for number, (place, p_value, q_value) in enumerate(cuts):
        begin, end = edges[number], edges[number + 2]
        before, after = series.level(begin, place), series.level(place, end)
        counts_before, counts_after = sum(series.observations[begin:place]), sum(series.observations[place:end])
        often = 1 if series.kind == "volume" else counts_after / (end - place)
        yield Change(
            series=series,
            week=series.weeks[place],
            level_before=before,
            level_after=after,
            impact=abs(after - before) * often,
            weeks_before=place - begin,
            weeks_after=end - place,
            observations_before=counts_before,
            observations_after=counts_after,
            p_value=p_value,
            q_value=q_value,
        )


def _cuts(values: np.ndarray) -> list[tuple[int, float]]:
    """(place of the first value after the change, p) of the likeliest change, then of both of its sides; every test counts."""
    found, waiting = [], [(0, len(values))]
    while waiting:
        begin, end = waiting.pop()
        if end - begin < 2 * FEWEST_WEEKS:
            continue
        place, p_value = pettitt(values[begin:end])
        found.append((begin + place, p_value))
        if p_value <= FALSE_DISCOVERY_RATE:
            waiting += [(begin, begin + place), (begin + place, end)]
    return found


def pettitt(values: Sequence[float]) -> tuple[int, float]:
    """(place, p): Pettitt (1979). Of all cuts that leave enough values on either side, the one where ranks differ most;
    place is that of the first value after it. p is his approximation for the statistic over all cuts.

    >>> place, p = pettitt([3, 2, 4, 3, 2, 3, 4, 9, 8, 9, 8, 9, 7, 8])
    >>> place, round(p, 3)
    (7, 0.015)
    """
    values = np.asarray(values, dtype=float)
    count = len(values)
    # U(t) of the first t values against the others: each counts how many are above it less how many are below it
    statistic = np.cumsum(count + 1 - 2 * rankdata(values))
    within = np.abs(statistic[FEWEST_WEEKS - 1 : count - FEWEST_WEEKS])
    place = int(np.argmax(within)) + FEWEST_WEEKS
    largest = float(within.max())
    return place, min(1.0, 2 * math.exp(-6 * largest**2 / (count**3 + count**2)))


def week_of(time_us: pl.Expr) -> pl.Expr:
    """The number of the week, Monday 00:00 UTC to the next, that a time in microseconds since 1970 falls into."""
    return (time_us - _MONDAY_US).floordiv(WEEK_US)


def week_start(week: int) -> int:
    """The Monday of a week's number, in days since 1970-01-01."""
    return (_MONDAY_US + week * WEEK_US) // 86_400_000_000


def series_of(cases: pl.DataFrame, steps: pl.DataFrame, *, last_us: int) -> list[Series]:
    """The series of a log, of its whole weeks before that of its last event, `last_us`.

    A log may begin with no case under way, and then knows only quick ones at first: what is about ends and steps, by the
    week in which they happen, leaves out as many weeks at its beginning as nine of ten closed cases take. Throughput is
    by the week in which cases start and leaves out as many at its end; an open case takes longer than any closed one.
    cases: `started_us`, `ended_us`, `is_open`, `throughput_us`. steps from event to event of a case: `activity_key`,
    `next_activity_key`, `occurred_us` of the next, `duration_us`. Series too short for a change are left out.
    """
    closed = cases.filter(~pl.col("is_open"))
    if closed.is_empty():
        return []
    first, last = (pl.select(week_of(pl.lit(time))).item() for time in (cases["started_us"].min(), last_us))
    long = math.ceil(closed["throughput_us"].quantile(MOST_CASES, "linear") / WEEK_US)
    started, ended, cohorts = (
        pl.DataFrame({"week": range(begin, max(begin, end))}, schema={"week": pl.Int64})
        for begin, end in ((first + 1, last), (first + 1 + long, last), (first + 1, last - long))
    )
    found = [
        _of("started_cases", started, _counted(cases, "started_us")),
        _of("ended_cases", ended, _counted(closed, "ended_us")),
        _of("throughput_seconds", cohorts, _cohorts(cases)),
        *_of_steps(steps.with_columns(week=week_of(pl.col("occurred_us"))), ended),
    ]
    return [one for one in found if len(one.values) >= 2 * FEWEST_WEEKS and min(one.values) != max(one.values)]


def _of_steps(steps: pl.DataFrame, weeks: pl.DataFrame) -> Iterable[Series]:
    keys = ("activity_key", "next_activity_key")
    leaving = steps.group_by("week", keys[0]).agg(pl.len().alias("observations"))
    leaving = leaving.filter(pl.col("observations") >= FEWEST_OBSERVATIONS)
    arcs = steps.group_by("week", *keys).agg(pl.len().alias("n"), pl.col("duration_us").median().alias("median_us"))
    shares = arcs.select(*keys).unique().join(leaving, on=keys[0]).join(arcs, on=["week", *keys], how="left")
    shares = shares.with_columns(value=pl.col("n").fill_null(0) / pl.col("observations"))
    times = arcs.filter(pl.col("n") >= FEWEST_OBSERVATIONS)
    times = times.with_columns(value=pl.col("median_us") / 1e6, observations="n")
    for figure, rows in (("share_of_next", shares), ("step_seconds", times)):
        rows = rows.join(weeks, on="week", how="semi").sort(*keys, "week")
        for source, target, *values in rows.group_by(*keys, maintain_order=True).agg(_COLUMNS).iter_rows():
            yield Series(figure, *map(tuple, values), source, target)


def _counted(cases: pl.DataFrame, time: str) -> pl.DataFrame:
    counted = cases.group_by(week=week_of(pl.col(time))).agg(observations=pl.len())
    return counted.with_columns(value=pl.col("observations").cast(pl.Float64))


def _cohorts(cases: pl.DataFrame) -> pl.DataFrame:
    """The median throughput of the cases that start in a week; none where half of them are open."""
    seconds = pl.when("is_open").then(math.inf).otherwise(pl.col("throughput_us") / 1e6)
    by_week = cases.group_by(week=week_of(pl.col("started_us")))
    found = by_week.agg(value=seconds.median(), observations=pl.len())
    return found.filter(pl.col("observations") >= FEWEST_OBSERVATIONS, pl.col("value").is_finite())


def _of(figure: str, weeks: pl.DataFrame, values: pl.DataFrame) -> Series:
    """A series of the weeks that have a value; a week without any case counts none."""
    joined = weeks.join(values, on="week", how="left" if FIGURES[figure] == "volume" else "inner").sort("week")
    return Series(figure, *(tuple(joined[name].fill_null(0).to_list()) for name in _COLUMNS))
