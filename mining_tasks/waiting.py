"""Waiting, processing and idle time of every case: each moment of it is exactly one of the three, in clock and in
working time.

While at least one of a case's activity instances runs it is being processed (overlaps count once). Else it waits, in
hours in which those who do the next step work; outside of these it is idle. Waiting and idle together are edeaR's idle
time (Swennen et al. 2015), and the waiting of Dumas et al., Fundamentals of BPM (2nd ed., 2018), section 7.1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import narwhals as nw
import numpy as np
import polars as pl
from narwhals.typing import IntoFrame

from mining_tasks.calendars import Calendar, WorkingTime, always, lay_out
from mining_tasks.frames import EVENT_COLUMNS, events_of
from mining_tasks.groups import starts_run

PARTS = ("waiting_us", "idle_us", "processing_us")
WORKING_PARTS = tuple(f"working_{part}" for part in PARTS)


@dataclass(frozen=True)
class Hours:
    """Who works when. calendars: by name. process: the calendar of the process. by_case, by_activity, by_resource:
    keys -> names. A step is done in the hours of its resource, else of its activity, else of its case, else of the
    process; None: around the clock. A case's working time is in the hours of the case, else of the process.
    """

    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    process: str | None = None
    by_case: pl.DataFrame | None = None  # case_key, calendar (null: the process's)
    by_activity: Mapping[int, str] = field(default_factory=dict)
    by_resource: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Times:
    """steps: one row per event, by `case_key` and time: `event_seq`, `activity_key`, `resource_key`, `begin_us`,
    `end_us`, `is_timed` (has a start), `ready_us` and `source_activity_key` (the latest end before it in its case and
    whose it is; null for the first), and the parts of its case's time that end with it: `waiting_us`, `idle_us` (from
    ready to begin), `processing_us` (what of its own time no earlier step covers), and each as `working_*`.

    cases: one row per case, by `case_key`: `calendar`, `begin_us`, `end_us`, `throughput_us` (between them), the three parts
    and each as `working_*`; waiting + idle + processing = throughput, exactly.

    calendars: the names of the calendars that were used (None: around the clock), laid: their working time; `hours` of a
    step is the position of its own.
    """

    steps: pl.DataFrame
    cases: pl.DataFrame
    calendars: tuple[str | None, ...]
    laid: tuple[WorkingTime, ...]


def split_times(events: IntoFrame, *, hours: Hours | None = None, beyond_us: int = 0) -> Times:
    """The times of every step and case. An instance lasts from its start to its end, an event without a start no time.

    beyond_us: how long after the last event the working time is laid out, too.
    """
    hours = hours or Hours()
    frame = events_of(events, needs=EVENT_COLUMNS)
    frame = frame.collect() if isinstance(frame, nw.LazyFrame) else frame
    steps = _steps(frame.to_polars())
    steps, named = _with_calendars(steps, hours)
    first, last = int(steps["begin_us"].min() or 0), int(steps["end_us"].max() or 0) + 1
    laid = _laid_out(hours, named, first, last + beyond_us)
    steps = _measured(steps, laid)
    cases = _cases(steps).with_columns(
        calendar=pl.col("_of_case").replace_strict(
            list(range(len(named))), list(named), return_dtype=pl.String, default=None
        )
    )
    measured = ["begin_us", "end_us", "throughput_us", *PARTS, "working_throughput_us", *WORKING_PARTS]
    cases = cases.select("case_key", "calendar", *measured)
    return Times(steps.drop("_of_case"), cases, tuple(named), tuple(laid))


def lay_out_cases(
    hours: Hours, case_keys: np.ndarray, *, first_us: int, last_us: int
) -> tuple[np.ndarray, list[WorkingTime]]:
    """(per case which of the calendars its working time is in, these laid out between two instants)."""
    named = pl.DataFrame({"case_key": case_keys}, schema={"case_key": pl.Int64})
    if hours.by_case is None:
        named = named.with_columns(calendar=pl.lit(None, pl.String))
    else:
        named = named.join(hours.by_case, on="case_key", how="left", maintain_order="left")
    names = [hours.process, *sorted(set(named["calendar"].drop_nulls().to_list()) - {hours.process})]
    code = {name: place for place, name in enumerate(names)}
    of_case = named["calendar"].replace_strict(code, return_dtype=pl.Int64, default=0).to_numpy()
    return of_case, _laid_out(hours, names, first_us, last_us)


def _laid_out(hours: Hours, names: Sequence[str | None], first_us: int, last_us: int) -> list[WorkingTime]:
    return [
        always(first_us, last_us) if name is None else lay_out(hours.calendars[name], first_us, last_us)
        for name in names
    ]


def _steps(events: pl.DataFrame) -> pl.DataFrame:
    """Instances in the order in which they begin, with the latest end before each, and whose it is."""
    start = pl.coalesce("started_us", "occurred_us")
    steps = events.select(
        "case_key",
        "event_seq",
        "activity_key",
        "resource_key",
        pl.min_horizontal(start, "occurred_us").alias("begin_us"),
        pl.max_horizontal(start, "occurred_us").alias("end_us"),
        pl.col("started_us").is_not_null().alias("is_timed"),
    )
    same = pl.col("case_key") == pl.col("case_key").shift(1)
    before_begin, before_end = pl.col("begin_us").shift(1), pl.col("end_us").shift(1)
    late = (pl.col("begin_us") < before_begin) | (
        (pl.col("begin_us") == before_begin) & (pl.col("end_us") < before_end)
    )
    if steps.select((same & late).any()).item():
        steps = steps.sort("case_key", "begin_us", "end_us", "event_seq")
    if steps.select((same & (pl.col("end_us") < before_end)).any()).item():  # an instance runs on beyond a later one
        until = pl.col("end_us").cum_max().over("case_key")
        whose = pl.when(pl.col("end_us") == until).then("activity_key").forward_fill()
    else:
        until, whose = pl.col("end_us"), pl.col("activity_key")
    steps = steps.with_columns(_until=until, _whose=whose)
    return steps.with_columns(
        pl.when(same).then(pl.col("_until").shift(1)).alias("ready_us"),
        pl.when(same).then(pl.col("_whose").shift(1)).alias("source_activity_key"),
    ).drop("_until", "_whose")


def _with_calendars(steps: pl.DataFrame, hours: Hours) -> tuple[pl.DataFrame, list[str | None]]:
    """`_of_case` and `hours`: which of the calendars (returned, by position) a case and a step are measured in."""
    named: list[str | None] = [hours.process]
    used = {*hours.by_activity.values(), *hours.by_resource.values()}
    if hours.by_case is not None:
        used |= set(hours.by_case["calendar"].drop_nulls().to_list())
    named += sorted(used - {hours.process})
    code = {name: place for place, name in enumerate(named)}
    of_case = pl.lit(0, pl.Int32)
    if hours.by_case is not None:
        cases = hours.by_case.select(
            "case_key", pl.col("calendar").replace_strict(code, return_dtype=pl.Int32, default=0).alias("_of_case")
        )
        steps = steps.join(cases, on="case_key", how="left", maintain_order="left")
        of_case = pl.col("_of_case").fill_null(0)
    steps = steps.with_columns(of_case.alias("_of_case"))
    of_step = pl.col("_of_case")
    for column, mapping in (("activity_key", hours.by_activity), ("resource_key", hours.by_resource)):
        if mapping:
            keys, codes = list(mapping), [code[name] for name in mapping.values()]
            own = pl.col(column).cast(pl.Int64).replace_strict(keys, codes, return_dtype=pl.Int32, default=None)
            of_step = pl.coalesce(own, of_step)
    return steps.with_columns(of_step.alias("hours")), named


def _measured(steps: pl.DataFrame, laid: list[WorkingTime]) -> pl.DataFrame:
    """The parts of each step, in clock time and in the working time of its case."""
    begin, end = steps["begin_us"].to_numpy(), steps["end_us"].to_numpy()
    ready = steps.select(pl.coalesce("ready_us", "begin_us")).to_series().to_numpy()
    open_from = np.minimum(ready, begin)  # nothing runs from here to begin
    runs_from = np.minimum(np.maximum(begin, ready), end)
    of_case, of_step = steps["_of_case"].to_numpy(), steps["hours"].to_numpy()
    if len(laid) == 1:
        found = _one(open_from, begin, runs_from, end, laid[0], laid[0])
    else:
        found = {name: np.zeros(len(steps), np.int64) for name in (*PARTS[:2], *WORKING_PARTS)}
        for pair in np.unique(of_case.astype(np.int64) * len(laid) + of_step).tolist():
            case_code, step_code = divmod(pair, len(laid))
            rows = np.flatnonzero((of_case == case_code) & (of_step == step_code))
            one = _one(open_from[rows], begin[rows], runs_from[rows], end[rows], laid[case_code], laid[step_code])
            for name, values in one.items():
                found[name][rows] = values
    found["processing_us"] = end - runs_from
    return steps.with_columns(pl.Series(name, found[name]) for name in (*PARTS, *WORKING_PARTS))


def _cases(steps: pl.DataFrame) -> pl.DataFrame:
    """What the rows of each case, which lie together, make of it."""
    first = np.flatnonzero(starts_run(steps["case_key"].to_numpy()))
    if not len(first):
        return steps.with_columns(throughput_us=pl.lit(0, pl.Int64), working_throughput_us=pl.lit(0, pl.Int64))
    sums = {name: np.add.reduceat(steps[name].to_numpy(), first) for name in (*PARTS, *WORKING_PARTS)}
    end = np.maximum.reduceat(steps["end_us"].to_numpy(), first)
    cases = steps.select("case_key", "_of_case", "begin_us")[first].with_columns(
        pl.Series(name, values) for name, values in {"end_us": end, **sums}.items()
    )
    return cases.with_columns(
        throughput_us=pl.col("end_us") - pl.col("begin_us"), working_throughput_us=pl.sum_horizontal(WORKING_PARTS)
    )


def _one(
    open_from: np.ndarray,
    begin: np.ndarray,
    runs_from: np.ndarray,
    end: np.ndarray,
    case: WorkingTime,
    step: WorkingTime,
) -> dict[str, np.ndarray]:
    """The parts of steps that have the calendars `case` and `step`."""
    at_begin = case.elapsed(begin)
    working_gap = at_begin - _at_open(open_from, begin, at_begin, case)
    if step is case:
        waiting = working_waiting = working_gap
    else:
        waiting = step.between(open_from, begin)
        working_waiting = case.and_also(step).between(open_from, begin)
    is_at_once = np.array_equal(runs_from, end)
    working_processing = np.zeros(len(end), np.int64) if is_at_once else case.between(runs_from, end)
    return {
        "waiting_us": waiting,
        "idle_us": begin - open_from - waiting,
        "working_waiting_us": working_waiting,
        "working_idle_us": working_gap - working_waiting,
        "working_processing_us": working_processing,
    }


def _at_open(open_from: np.ndarray, begin: np.ndarray, at_begin: np.ndarray, case: WorkingTime) -> np.ndarray:
    """The working time until `open_from`, of which most are the begins of these or of the steps before them: what is known
    is not looked up again.
    """
    known = at_begin.copy()
    is_before = open_from[1:] == begin[:-1]
    np.copyto(known[1:], at_begin[:-1], where=is_before)
    others = open_from != begin
    others[1:] &= ~is_before
    known[others] = case.elapsed(open_from[others])
    return known
