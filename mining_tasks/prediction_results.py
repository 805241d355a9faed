"""The tables of prediction: when open cases will end and do what is due, and how well that is known."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import narwhals as nw
import polars as pl

from mining_tasks.calendars_declared import CASE_END, Due
from mining_tasks.io import Log
from mining_tasks.prediction import FEWEST_CASES, Prediction, predict
from mining_tasks.results import Results

TABLES = ("predictions", "prediction_kpis", "prediction_calibration")


@dataclass(frozen=True)
class Target:
    """What can be predicted: its name, the cases that reached it and the open ones that have not, as `predict` wants them."""

    name: str
    reached: pl.DataFrame
    asked: pl.DataFrame


@dataclass(frozen=True)
class Predicted:
    """A target, and what is known of it."""

    target: Target
    found: Prediction


def predict_target(target: Target, log: Log, attributes: pl.DataFrame | None) -> Predicted | None:
    """None: no open case waits for it. attributes: `case_key` and what is known of a case from its beginning; None: none is
    declared.
    """
    if target.asked.is_empty():
        return None
    events = log.events.select("case_key", "event_seq", "activity_key", "occurred_us")
    horizon = int(events["occurred_us"].max())
    return Predicted(target, predict(events, target.reached, target.asked, attributes, horizon_us=horizon))


def add_predictions(results: Results, log: Log, every: Iterable[Predicted | None]) -> None:
    """Add the tables of `TABLES` to results; no rows about what no open case waits for."""
    found = [one for one in every if one is not None]
    if not found:
        return
    ids = log.cases.select("case_key", "case_id")
    told = [_named(one, one.found.rows).join(ids, on="case_key") for one in found if one.found.rows is not None]
    tables = {
        "prediction_calibration": [
            _named(one, one.found.calibration) for one in found if one.found.calibration is not None
        ],
        "prediction_kpis": [_kpis(one) for one in found],
    }
    if told:
        horizon = int(log.events["occurred_us"].max())
        expected = pl.lit(horizon, pl.Int64) + (pl.col("remaining_seconds") * 1e6).round().cast(pl.Int64)
        rows = pl.concat(told).sort("target", "case_key")
        tables["predictions"] = [rows.with_columns(log_end_us=pl.lit(horizon, pl.Int64), expected_us=expected)]
    results.tables.update({name: nw.from_native(pl.concat(frames)) for name, frames in tables.items() if frames})


def end_of_case(results: Results) -> Target:
    """When open cases will end."""
    cases = _spans(results)
    nothing = pl.lit(None, pl.Int64).alias("due_us")
    return Target(
        CASE_END,
        cases.filter(~pl.col("is_open")).select("case_key", "begin_us", "end_us", nothing),
        cases.filter("is_open").select("case_key", "begin_us", nothing),
    )


def due_targets(results: Results, log: Log, due: tuple[Due, ...]) -> Iterator[Target]:
    """When open cases will do what is due of them: a target per declared rule; of results that have their due dates."""
    if "due_dates" not in results.tables or results.tables["due_dates"].is_empty():
        return
    dates, cases = results.tables["due_dates"].to_polars(), _spans(results)
    keys = {name: key for key, name in log.activities.items()}
    for rule in due:
        of_rule = dates.filter(pl.col("rule") == rule.name).select("case_key", "due_us", "done_us")
        begun = cases.select("case_key", "is_open", "begin_us")
        if rule.since is not None:
            since = log.events.filter(pl.col("activity_key") == keys.get(rule.since)).group_by("case_key")
            begun = begun.drop("begin_us").join(since.agg(begin_us=pl.col("occurred_us").min()), on="case_key")
        of_rule = of_rule.join(begun, on="case_key").sort("case_key")
        is_done = pl.col("done_us").is_not_null()
        if rule.which == "last":  # of an open case nobody knows that it was the last
            is_done &= ~pl.col("is_open")
        yield Target(
            rule.name,
            of_rule.filter(is_done).select("case_key", "begin_us", "due_us", end_us="done_us"),
            of_rule.filter(pl.col("is_open") & pl.col("done_us").is_null()).select("case_key", "begin_us", "due_us"),
        )


def _spans(results: Results) -> pl.DataFrame:
    return results.cases.to_polars().select("case_key", "is_open", begin_us="started_us", end_us="ended_us")


def _named(one: Predicted, rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(pl.lit(one.target.name).alias("target"), pl.all())


def _kpis(one: Predicted) -> pl.DataFrame:
    asked, found = one.target.asked, one.found
    skill, risk = found.skill, found.risk
    row = {
        "target": one.target.name,
        "waiting_case_count": len(asked),
        "predicted_case_count": 0 if found.rows is None else len(found.rows),
        "dormant_case_count": 0 if found.rows is None else len(asked) - len(found.rows),
        "known_case_count": found.case_count,
        "needed_case_count": FEWEST_CASES,
        "train_case_count": skill and skill.train_case_count,
        "calibrate_case_count": skill and skill.calibrate_case_count,
        "test_case_count": skill and skill.test_case_count,
        "test_snapshot_count": skill and skill.test_snapshot_count,
        "mean_absolute_error_seconds": skill and skill.model_error,
        "baseline_mean_absolute_error_seconds": skill and skill.baseline_error,
        "gain_lower_bound": skill and skill.gain_low,
        "coverage_share": skill and skill.coverage,
        "is_told": skill is not None and skill.is_told,
        "risk_case_count": risk and risk.case_count,
        "late_share": risk and risk.late_share,
        "brier_score": risk and risk.model_brier,
        "baseline_brier_score": risk and risk.baseline_brier,
        "brier_gain_lower_bound": risk and risk.gain_low,
        "is_risk_told": found.rows is not None and risk is not None and risk.is_told,
    }
    kinds = {"target": pl.String, "is_told": pl.Boolean, "is_risk_told": pl.Boolean}
    schema = {name: kinds.get(name, pl.Int64 if name.endswith("_count") else pl.Float64) for name in row}
    return pl.DataFrame([row], schema=schema)
