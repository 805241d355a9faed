"""The tables of drift: when the figures of a process changed, from what to what."""

from collections.abc import Sequence

import narwhals as nw
import polars as pl

from mining_tasks.dfg import ARC, successions
from mining_tasks.drift import FIGURES, Change, Found, Series, find_changes, series_of, week_start
from mining_tasks.results import Results

TABLES = ("drifts", "drift_kpis")
_KEYS = ("activity_key", "next_activity_key")
_MEASURED = ("level_before", "level_after", "impact")
_COUNTED = ("weeks_before", "weeks_after", "observations_before", "observations_after")
_TESTED = ("p_value", "q_value")
_FIGURES = (*_MEASURED, *_COUNTED, *_TESTED)


def add_drift(results: Results, events: pl.DataFrame) -> None:
    """Add the tables of `TABLES` to the results of a log: no rows of the first where nothing changed or it is too short."""
    if events.is_empty():
        return
    cases = results.cases.to_polars().select("started_us", "ended_us", "is_open", throughput_us="duration_us")
    pairs = successions(events, of_target={"occurred_us": "occurred_us"}).to_native()
    steps = pairs.select(
        pl.col(ARC[0]).alias("activity_key"),
        pl.col(ARC[1]).alias("next_activity_key"),
        *("occurred_us", "duration_us"),
    )
    series = series_of(cases, steps, last_us=events["occurred_us"].max())
    found, backend = find_changes(series), results.cases.implementation
    results.tables.update(drifts=_changes(found, backend), drift_kpis=_kpis(series, found, backend))


def _changes(found: Found, backend: nw.Implementation) -> nw.DataFrame:
    rows = []
    for figure in FIGURES:
        of_figure = sorted((one for one in found.changes if one.series.figure == figure), key=_place)
        for rank, change in enumerate(of_figure, 1):
            named = {name: getattr(change.series, name) for name in ("kind", "figure", *_KEYS)}
            figures = {name: getattr(change, name) for name in _FIGURES}
            rows.append({"rank": rank, "week_start_day": week_start(change.week), **named, **figures})
    texts, floats = ("kind", "figure"), (*_MEASURED, *_TESTED)
    names = ("figure", "rank", "kind", *_KEYS, "week_start_day", *_FIGURES)
    schema = {name: nw.String() if name in texts else nw.Float64() if name in floats else nw.Int64() for name in names}
    return nw.from_dict({name: [row[name] for row in rows] for name in names}, schema=schema, backend=backend)


def _place(change: Change) -> tuple:
    """The greatest impact first; the rest makes the order total."""
    series = change.series
    return -change.impact, series.activity_key or 0, series.next_activity_key or 0, change.week


def _kpis(series: Sequence[Series], found: Found, backend: nw.Implementation) -> nw.DataFrame:
    of_figure = {figure: [one for one in series if one.figure == figure] for figure in FIGURES}
    kpis = {
        "figure": list(FIGURES),
        "series_count": [len(of_figure[figure]) for figure in FIGURES],
        "first_week_start_day": [
            min((week_start(one.weeks[0]) for one in of_figure[figure]), default=None) for figure in FIGURES
        ],
        "last_week_start_day": [
            max((week_start(one.weeks[-1]) for one in of_figure[figure]), default=None) for figure in FIGURES
        ],
        "tested_count": [found.tested_counts.get(figure, 0) for figure in FIGURES],
        "drift_count": [sum(one.series.figure == figure for one in found.changes) for figure in FIGURES],
    }
    schema = {name: nw.String() if name == "figure" else nw.Int64() for name in kpis}
    return nw.from_dict(kpis, schema=schema, backend=backend)
