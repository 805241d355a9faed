"""The tables of performance in time, from a log and what its process declares."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import narwhals as nw
import numpy as np
import polars as pl

from mining_tasks.batches import find_batches, measure_batches
from mining_tasks.bottlenecks import rank_bottlenecks
from mining_tasks.calendars import reach
from mining_tasks.calendars_declared import Performance
from mining_tasks.durations import summarise_all
from mining_tasks.groups import by_group, place_among
from mining_tasks.io import Log
from mining_tasks.quality_of_work import measure_quality
from mining_tasks.results import Results, Suppression
from mining_tasks.survival import SHARES, SurvivalCurve, estimate_survival
from mining_tasks.waiting import PARTS, WORKING_PARTS, Hours, Times, split_times
from mining_tasks.waiting_causes import explain_waiting, measure_causes
from mining_tasks.waiting_due import due_at, measure_due, summarise_due
from mining_tasks.waiting_times import find_places, measure_activity_times, measure_arc_times, measure_process_times
from mining_tasks.work_in_progress import Days, check_littles_law, count_in_progress, days_between

TABLES = (
    "case_times",
    "process_times",
    "activity_times",
    "arc_times",
    "bottlenecks",
    "work_in_progress",
    "queue_lengths",
    "littles_law",
    "throughput_quantiles",
    "survival_curve",
    "quality_of_work",
    "ping_pongs",
    "batches",
    "waiting_causes",
    "due_dates",
    "due_date_kpis",
)
_CURVE_POINTS = 200
Measured = tuple[dict[str, nw.DataFrame], dict[str, int]]  # the tables; how many rows of a table are left out


@dataclass(frozen=True)
class Facts:
    """What performance needs beside the log. declared: of the process. attributes: `case_key` and the declared
    attributes of cases. resources: resource_key -> pseudonym, of the resources that are declared.
    automated: activity_key -> whether a machine does it.
    """

    declared: Performance = field(default_factory=Performance)
    attributes: pl.DataFrame | None = None
    resources: Mapping[int, str] = field(default_factory=dict)
    automated: Mapping[int, bool] = field(default_factory=dict)


def add_performance(results: Results, measured: Measured) -> None:
    """Add what `measure_performance` found to the results of a log whose cases may be shown one by one."""
    tables, left_out = measured
    results.tables.update(tables)
    for name, count in left_out.items():
        if count:
            results.suppressions[name] = Suppression(len(tables[name]), count)


def add_quality(results: Results, log: Log, facts: Facts) -> None:
    """Add the tables of `TABLES` that need variants; none of an empty log."""
    if len(results.cases):
        steps, cases = (frame.to_polars() for frame in (results.variants.steps, results.variants.cases))
        results.tables.update(_quality(log, facts, steps, cases))


def measure_performance(log: Log, facts: Facts, *, k: int) -> Measured:
    """The tables of `TABLES` that need no variants, empty of an empty log; how many rows of a table are left out, as
    fewer than `k` persons stand behind them.
    """
    declared = facts.declared
    beyond = max((reach(rule.within_us) for rule in declared.due if rule.is_working), default=0)
    times = split_times(log.events, hours=hours_of(log, facts), beyond_us=beyond)
    if times.cases.is_empty():
        return {}, {}
    cases = _seen(log, times)
    keys = {name: key for key, name in log.activities.items()}
    batched = find_batches(times.steps, gap_us=declared.batch_gap_us)
    batches, few_batches = measure_batches(batched, times.steps, k=k)
    causes, few_causes = measure_causes(explain_waiting(times.steps, batched, times.laid), k=k)
    due_dates, due_kpis = _due(log, facts, times, cases, keys)
    places = find_places(times)
    rates = {keys[name]: rate for name, rate in declared.activity_rates.items() if name in keys}
    tables = {
        "case_times": _case_times(log, times),
        "process_times": measure_process_times(times),
        "activity_times": measure_activity_times(times, places[0]),
        "arc_times": measure_arc_times(times, places[1]),
        "bottlenecks": _with_currency(
            rank_bottlenecks(
                times, rates=declared.rates if declared.currency else None, activity_rates=rates, places=places
            ),
            declared,
        ),
        "batches": nw.from_native(batches),
        "waiting_causes": nw.from_native(causes),
        "due_dates": nw.from_native(due_dates),
        "due_date_kpis": nw.from_native(due_kpis),
        **_survival(cases),
        **_in_progress(times, cases, declared),
    }
    return tables, {"batches": few_batches, "waiting_causes": few_causes}


def hours_of(log: Log, facts: Facts) -> Hours:
    """Who works when, in the keys of the log."""
    declared = facts.declared
    by_case = None
    if declared.by_attribute and facts.attributes is not None:
        column, names = declared.by_attribute
        value = pl.col(column).cast(pl.String)
        by_case = facts.attributes.select(
            "case_key", value.replace_strict(names, return_dtype=pl.String, default=None).alias("calendar")
        )
    of_activities = declared.by_activity
    return Hours(
        calendars=declared.calendars,
        process=declared.calendar,
        by_case=by_case,
        by_activity={key: of_activities[name] for key, name in log.activities.items() if name in of_activities},
        by_resource={key: declared.by_resource[name] for key, name in facts.resources.items()},
    )


def _case_times(log: Log, times: Times) -> nw.DataFrame:
    measured = ["throughput_us", *PARTS, "working_throughput_us", *WORKING_PARTS]
    cases = times.cases.join(log.cases.select("case_key", "case_id"), on="case_key", maintain_order="left")
    exact = [pl.col(name).alias(f"{name.removesuffix('_us')}_microseconds") for name in measured]
    return nw.from_native(cases.select("case_id", "case_key", "calendar", *exact))


def _with_currency(bottlenecks: nw.DataFrame, declared: Performance) -> nw.DataFrame:
    return bottlenecks.with_columns(nw.lit(declared.currency, nw.String()).alias("currency"))


def _seen(log: Log, times: Times) -> pl.DataFrame:
    """Per case `case_key`, `is_open`, `calendar`, `begin_us`, `end_us`, `throughput_us`."""
    cases = times.cases.select("case_key", "calendar", "begin_us", "end_us", "throughput_us")
    return cases.join(log.cases.select("case_key", "is_open"), on="case_key").sort("case_key")


def _survival(cases: pl.DataFrame) -> dict[str, nw.DataFrame]:
    """Open cases are seen until the last event of the log."""
    horizon = cases["end_us"].max()
    lasted = pl.when("is_open").then(horizon - pl.col("begin_us")).otherwise("throughput_us")
    curve = estimate_survival(cases.select(lasted).to_series().to_numpy(), cases["is_open"].to_numpy())
    plain = {name: _plain(frame) for name, frame in (("all", cases), ("closed", cases.filter(~pl.col("is_open"))))}
    rows = [
        {
            "completed_share": float(share),
            "survival_seconds": _seconds(curve.quantile(share)),
            "lower_seconds": _seconds(curve.quantile(share, of="lower_share")),
            "upper_seconds": _seconds(curve.quantile(share, of="upper_share")),
            "closed_seconds": plain["closed"].get(share),
            "all_seconds": plain["all"].get(share),
        }
        for share in SHARES
    ]
    schema = dict.fromkeys(rows[0], pl.Float64)
    return {
        "throughput_quantiles": nw.from_native(pl.DataFrame(rows, schema=schema)),
        "survival_curve": nw.from_native(_thinned(curve)),
    }


def _plain(cases: pl.DataFrame) -> dict[Fraction, float]:
    quantiles = {str(share): share for share in SHARES}
    summary = summarise_all(nw.from_native(cases["throughput_us"], series_only=True), quantiles=quantiles)
    return {share: summary[name] for name, share in quantiles.items()} if summary else {}


def _seconds(microseconds: int | None) -> float | None:
    return None if microseconds is None else microseconds / 1_000_000


def _thinned(curve: SurvivalCurve) -> pl.DataFrame:
    """The first point of each two-hundredth of the cases, and the last."""
    step = pl.col("open_share") * _CURVE_POINTS
    points = pl.DataFrame(
        {
            "elapsed_seconds": curve.times_us / 1_000_000,
            "open_share": curve.open_share,
            "lower_share": curve.lower_share,
            "upper_share": curve.upper_share,
            "at_risk_count": curve.at_risk_count.astype("int64"),
            "ended_count": curve.ended_count.astype("int64"),
        }
    ).with_columns(_step=step.ceil())
    is_kept = (pl.col("_step") != pl.col("_step").shift(1)).fill_null(True) | pl.col("_step").shift(-1).is_null()
    return points.filter(is_kept).drop("_step")


def _in_progress(times: Times, cases: pl.DataFrame, declared: Performance) -> dict[str, nw.DataFrame]:
    zone = declared.calendars[declared.calendar].zone if declared.calendar else "UTC"
    try:
        days = days_between(cases["begin_us"].min(), cases["end_us"].max(), zone=zone)
    except (ValueError, OverflowError):  # a time of another century: a table of its days is of no use
        return {}
    begin, end, is_open = (cases[name].to_numpy() for name in ("begin_us", "end_us", "is_open"))
    wip = count_in_progress(days, begin, end, is_open)
    closed = cases.filter(~pl.col("is_open"))
    law = check_littles_law(days, wip, closed["end_us"].to_numpy(), closed["throughput_us"].to_numpy())
    names = {"entered_count": "arrival_count", "left_count": "completion_count", "end_count": "case_count"}
    wip = wip.rename(names).select("day", *names.values(), mean_in_progress=pl.col("mean_count"))
    return {
        "work_in_progress": nw.from_native(wip),
        "queue_lengths": nw.from_native(_queues(days, times)),
        "littles_law": nw.from_native(law),
    }


def _queues(days: Days, times: Times) -> pl.DataFrame:
    waits = times.steps.select("activity_key", "ready_us", "begin_us").filter(pl.col("ready_us").is_not_null())
    keys = waits["activity_key"].unique().sort()
    codes = place_among(keys.to_numpy(), waits["activity_key"].to_numpy()) - 1
    order, until = by_group(codes, len(keys)), np.cumsum(np.bincount(codes, minlength=len(keys)))
    left = waits["begin_us"].to_numpy()[order]
    joined = np.minimum(waits["ready_us"].to_numpy()[order], left)
    found = []
    for key, since, upto in zip(keys, (until - np.diff(until, prepend=0)).tolist(), until.tolist(), strict=True):
        queue = count_in_progress(days, joined[since:upto], left[since:upto])
        queue = queue.filter((pl.col("entered_count") + pl.col("left_count") + pl.col("busy_us")) > 0)
        found.append(queue.with_columns(pl.lit(key, keys.dtype).alias("activity_key")))
    if not found:
        return pl.DataFrame(schema={"activity_key": pl.Int32, "day": pl.Date})
    return pl.concat(found).select(
        "activity_key",
        "day",
        joined_count=pl.col("entered_count"),
        left_count=pl.col("left_count"),
        case_count=pl.col("end_count"),
        mean_in_queue=pl.col("mean_count"),
    )


def _quality(log: Log, facts: Facts, steps: pl.DataFrame, cases: pl.DataFrame) -> dict[str, nw.DataFrame]:
    keys = {name: key for key, name in log.activities.items()}
    mended = [keys[name] for name in facts.declared.rework_activities if name in keys]
    cases = cases.join(log.cases.select("case_key", "is_open"), on="case_key")
    found = measure_quality(steps, cases, automated=facts.automated, rework_activities=mended)
    shares = {name: pl.Float64 for name in found.totals if name.endswith("_share")}
    totals = pl.DataFrame([found.totals], schema_overrides=shares)
    return {"quality_of_work": nw.from_native(totals), "ping_pongs": nw.from_native(found.ping_pongs)}


def _due(
    log: Log, facts: Facts, times: Times, cases: pl.DataFrame, keys: Mapping[str, int]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    declared = facts.declared
    zone = declared.calendars[declared.calendar].zone if declared.calendar else "UTC"
    horizon, laid = int(cases["end_us"].max()), dict(zip(times.calendars, times.laid, strict=True))
    every, kpis = [], []
    for rule in sorted(declared.due, key=lambda rule: rule.name):
        due = None
        if rule.attribute is not None:
            due = due_at(facts.attributes.select("case_key", rule.attribute), rule.attribute, zone=zone)
        found = measure_due(rule, times.steps, keys=keys, due=due, hours=cases, laid=laid)
        kpis.append({"rule": rule.name, **summarise_due(found, cases, horizon_us=horizon)})
        every.append(found.with_columns(rule=pl.lit(rule.name)))
    if not every:
        return pl.DataFrame(schema={"case_key": pl.Int64}), pl.DataFrame(schema={"rule": pl.String})
    named = pl.concat(every).sort("case_key", maintain_order=True)
    named = named.join(log.cases.select("case_key", "case_id"), on="case_key", maintain_order="left")
    named = named.with_columns(late_seconds=pl.col("late_us") / 1_000_000).drop("late_us")
    return named, pl.DataFrame(kpis, schema_overrides={"late_share": pl.Float64}).sort("rule")
