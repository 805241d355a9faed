"""Due dates and service levels: when what had to happen by then did happen."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from mining_tasks.calendars import WorkingTime
from mining_tasks.calendars_declared import Due
from mining_tasks.groups import starts_run
from sluice.errors import BadInput


def due_at(attributes: pl.DataFrame, column: str, *, zone: str) -> pl.DataFrame:
    """`case_key`, `due_us` from an attribute: a time as it is, a date as the end of that day in `zone`.

    BadInput where it is neither.
    """
    kind, at = attributes.schema[column], pl.col(column)
    if kind == pl.Date:
        at = (
            at.dt.offset_by("1d")
            .cast(pl.Datetime("us"))
            .dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
        )
    elif not isinstance(kind, pl.Datetime) or kind.time_zone is None:
        raise BadInput(f"due: attribute {column}: expected a time (timestamptz) or a date, found {kind}")
    in_us = at.dt.convert_time_zone("UTC").cast(pl.Datetime("us", "UTC")).to_physical()
    return attributes.select("case_key", in_us.alias("due_us"))


def measure_due(
    rule: Due,
    steps: pl.DataFrame,
    *,
    keys: Mapping[str, int],
    due: pl.DataFrame | None = None,
    hours: pl.DataFrame | None = None,
    laid: Mapping[str | None, WorkingTime] | None = None,
) -> pl.DataFrame:
    """One row per case that something is due of, by `case_key`: `due_us`, `done_us` (end of the step; null: not yet),
    `is_late` (done after it was due; null: not done), `late_us` (how much; 0 if in time; null: not done).

    steps: of `mining_tasks.waiting.split_times`. keys: activity -> activity_key; an activity that the log has not is
    never done. due: `case_key`, `due_us`, for a rule with an attribute. hours, laid: `case_key`, `calendar` and the
    calendars, for a rule in working time; the lateness is clock time in any case.
    """
    if rule.attribute is not None:
        expected = due.filter(pl.col("due_us").is_not_null())
    else:
        since = steps
        if rule.since is not None:
            since = _of_activity(steps, keys.get(rule.since))
        at = "end_us" if rule.since is not None else "begin_us"
        expected = _per_case(since, at, np.minimum, "_since")
        expected = expected.with_columns(due_us=pl.col("_since") + rule.within_us)
        if rule.is_working:
            expected = _in_working_time(expected.join(hours, on="case_key"), rule.within_us, laid)
    done = _of_activity(steps, keys.get(rule.activity))
    done = _per_case(done, "end_us", np.minimum if rule.which == "first" else np.maximum, "done_us")
    late = pl.max_horizontal(pl.col("done_us") - pl.col("due_us"), pl.lit(0, pl.Int64))
    return (
        expected.select("case_key", "due_us")
        .join(done, on="case_key", how="left")
        .with_columns(late_us=pl.when(pl.col("done_us").is_not_null()).then(late))
        .with_columns(is_late=pl.col("late_us") > 0)
        .select("case_key", "due_us", "done_us", "is_late", "late_us")
        .sort("case_key")
    )


def _of_activity(steps: pl.DataFrame, key: int | None) -> pl.DataFrame:
    return steps.clear() if key is None else steps.filter(pl.col("activity_key") == key)


def _per_case(steps: pl.DataFrame, column: str, picks: np.ufunc, name: str) -> pl.DataFrame:
    """`case_key` and the least or greatest of `column` of its steps, which lie together, as `name`."""
    first = np.flatnonzero(starts_run(steps["case_key"].to_numpy()))
    picked = picks.reduceat(steps[column].to_numpy(), first) if len(first) else steps[column]
    return steps.select("case_key")[first].with_columns(pl.Series(name, picked))


def _in_working_time(expected: pl.DataFrame, within_us: int, laid: Mapping[str | None, WorkingTime]) -> pl.DataFrame:
    due = np.zeros(len(expected), np.int64)
    since, names = expected["_since"].to_numpy(), expected["calendar"]
    known = np.ones(len(expected), bool)
    for name in names.unique():
        rows = np.flatnonzero(names.eq_missing(name).to_numpy())
        due[rows], known[rows] = laid[name].after(since[rows], within_us)
    return expected.with_columns(due_us=pl.Series(due)).filter(pl.Series(known))


def summarise_due(due: pl.DataFrame, cases: pl.DataFrame, *, horizon_us: int) -> dict[str, int | float | None]:
    """Of one rule: `case_count`, `done_count`, `late_count`, `late_share` (of those done), `overdue_count` and
    `pending_count` (open cases, not done, whose time is over or not at `horizon_us`), `not_done_count` (closed cases),
    `total_late_seconds`.

    cases: `case_key`, `is_open`.
    """
    rows = due.join(cases.select("case_key", "is_open"), on="case_key")
    is_done, is_open = pl.col("done_us").is_not_null(), pl.col("is_open")
    over = pl.col("due_us") < horizon_us
    found = rows.select(
        case_count=pl.len(),
        done_count=is_done.sum(),
        late_count=pl.col("is_late").sum(),
        overdue_count=(~is_done & is_open & over).sum(),
        pending_count=(~is_done & is_open & ~over).sum(),
        not_done_count=(~is_done & ~is_open).sum(),
    ).row(0, named=True)
    totals: dict[str, int | float | None] = {name: int(value or 0) for name, value in found.items()}
    totals["late_share"] = totals["late_count"] / totals["done_count"] if totals["done_count"] else None
    totals["total_late_seconds"] = int(rows["late_us"].cast(pl.Int128).sum()) / 1_000_000
    return totals
