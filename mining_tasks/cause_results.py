"""The tables of causes: which declared attributes go with slow, violating and reworked cases."""

import narwhals as nw
import numpy as np
import polars as pl

from mining_tasks.causes import Cause, Search, find_causes
from mining_tasks.results import Results

TABLES = ("causes", "cause_kpis")
SLOW_PART = 0.75  # a slow case takes longer than this part of the closed ones
_COMPARED = ("attribute", "comparison", "value")
_FIGURES = (
    "case_count",
    "outcome_count",
    "share",
    "share_elsewhere",
    "excess_count",
    "confirmed_case_count",
    "confirmed_outcome_count",
    "confirmed_difference",
    "confirmed_low",
    "confirmed_high",
    "p_value",
    "q_value",
)


def add_causes(results: Results, attributes: pl.DataFrame | None) -> None:
    """Add the tables of `TABLES` to results that have their violations.

    attributes: `case_key` and the declared attributes (text, truth values, numbers) of the cases; None: none is declared.
    """
    if attributes is None or len(attributes.columns) == 1:
        return
    closed = (
        results.cases.to_polars().filter(~pl.col("is_open")).select("case_key", "throughput_seconds", "rework_count")
    )
    violating = results.tables["violations"].to_polars().select("case_key").unique()
    cases = (
        closed.join(attributes, on="case_key", how="left")
        .join(violating.with_columns(is_violating=pl.lit(True)), on="case_key", how="left")
        .sort("case_key")
    )
    if cases.is_empty():
        return
    seconds = cases["throughput_seconds"].to_numpy()
    threshold = float(np.quantile(seconds, SLOW_PART))
    outcomes = {
        "slow": seconds > threshold,
        "violating": cases["is_violating"].fill_null(False).to_numpy(),
        "reworked": (cases["rework_count"] > 0).to_numpy(),
    }
    search = find_causes(cases.select(attributes.columns), outcomes)
    backend = results.cases.implementation
    kpis = {
        "outcome": list(outcomes),
        "case_count": [len(cases)] * len(outcomes),
        "outcome_count": [int(np.count_nonzero(has)) for has in outcomes.values()],
        "threshold_seconds": [threshold if name == "slow" else None for name in outcomes],
        "condition_count": [search.condition_count] * len(outcomes),
        "tested_count": [search.tested_counts[name] for name in outcomes],
        "cause_count": [sum(cause.outcome == name for cause in search.causes) for name in outcomes],
    }
    kinds = {"outcome": nw.String(), "threshold_seconds": nw.Float64()}
    results.tables.update(
        causes=_rows(search, seconds, {name: int(np.count_nonzero(has)) for name, has in outcomes.items()}, backend),
        cause_kpis=nw.from_dict(kpis, schema={name: kinds.get(name, nw.Int64()) for name in kpis}, backend=backend),
    )


def _rows(search: Search, seconds: np.ndarray, totals: dict[str, int], backend: nw.Implementation) -> nw.DataFrame:
    ranks: dict[str, int] = {}
    rows = []
    for cause in search.causes:
        ranks[cause.outcome] = ranks.get(cause.outcome, 0) + 1
        total = totals[cause.outcome]
        rows.append(
            {
                "outcome": cause.outcome,
                "rank": ranks[cause.outcome],
                **_conditions(cause),
                **{name: getattr(cause, name) for name in _FIGURES},
                "lift": cause.share / (total / len(seconds)),
                "excess_share": cause.excess_count / total,
                "median_seconds": float(np.median(seconds[cause.meets])),
                "median_seconds_elsewhere": float(np.median(seconds[~cause.meets])),
            }
        )
    texts = ("outcome", *_COMPARED, *(f"and_{name}" for name in _COMPARED))
    counts = ("rank", *(name for name in _FIGURES if name.endswith(("case_count", "outcome_count"))))
    names = (
        *("outcome", "rank", *_COMPARED, *(f"and_{name}" for name in _COMPARED)),
        *(*_FIGURES, "lift", "excess_share", "median_seconds", "median_seconds_elsewhere"),
    )
    schema = {name: nw.String() if name in texts else nw.Int64() if name in counts else nw.Float64() for name in names}
    return nw.from_dict({name: [row[name] for row in rows] for name in names}, schema=schema, backend=backend)


def _conditions(cause: Cause) -> dict[str, str | None]:
    first, second = (*cause.conditions, None)[:2]
    shown = {name: getattr(first, name) for name in _COMPARED}
    return shown | {f"and_{name}": second and getattr(second, name) for name in _COMPARED}
