"""All results of one log, under the names of the tables of schema mining, still as frames of integers."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import narwhals as nw

from mining_tasks.activity_kpis import measure_activities
from mining_tasks.case_kpis import measure_cases
from mining_tasks.desktop import count_switches, count_time, measure_application_time, switches_between
from mining_tasks.dfg import DirectlyFollowsGraph, discover_dfg
from mining_tasks.ends import count_ends
from mining_tasks.engines import POLARS, in_polars, on_engine
from mining_tasks.io import Log
from mining_tasks.k_anonymity import publishable
from mining_tasks.process_kpis import measure_process
from mining_tasks.repeated_sequences import discover_repeated_sequences
from mining_tasks.rework import measure_rework
from mining_tasks.slow_transitions import rank_transitions
from mining_tasks.throughput import measure_throughput
from mining_tasks.variants import Variants, discover_variants


@dataclass(frozen=True)
class Suppression:
    """How many rows of a result are shown and how many left out."""

    published_count: int
    suppressed_count: int


@dataclass(frozen=True)
class Results:
    """tables: table of schema mining -> its rows (variants and repeated_sequences without their steps).
    sequences: table -> id -> the steps, as activity keys or labels. cases: the figures per case, shown or not.
    process_kpis: the one row. variants, graph: None where nothing but cases was looked at. suppressions: table -> what was
    left out of it.
    """

    tables: dict[str, nw.DataFrame]
    sequences: dict[str, Mapping[str, tuple]]
    cases: nw.DataFrame
    process_kpis: dict[str, Any]
    variants: Variants | None = None
    graph: DirectlyFollowsGraph | None = None
    suppressions: dict[str, Suppression] = field(default_factory=dict)

    @classmethod
    def of_cases(cls, cases: nw.DataFrame) -> "Results":
        """Those of a log of which nothing but the figures per case is known."""
        return cls(tables={}, sequences={}, cases=cases, process_kpis={})


def figures_of_cases(log: Log, *, engine: str = POLARS) -> nw.DataFrame:
    """The figures per case, with its `case_id` and whether it is open, sorted by `case_key`."""
    measured = in_polars(measure_cases(on_engine(log.events, engine)))
    return measured.join(nw.from_native(log.cases), on="case_key").sort("case_key")


def compute(log: Log, *, k: int, engine: str = POLARS, cases: nw.DataFrame | None = None) -> Results:
    """Every result of a log whose cases may be shown one by one; figures about persons are null below `k` of them.

    engine: of `mining_tasks.engines`; the results are the same, in Polars. cases: of `figures_of_cases`, where they are at
    hand.
    """
    events, names = on_engine(log.events, engine), log.activities
    cases = figures_of_cases(log, engine=engine) if cases is None else cases
    graph = DirectlyFollowsGraph(in_polars(discover_dfg(events).edges))
    found = discover_variants(events, names=names)
    variants = Variants(*(in_polars(frame) for frame in (found.variants, found.steps, found.cases)))
    ends = count_ends(cases)
    totals = measure_process(events, cases)
    tables = {
        "dfg": graph.edges,
        "slow_transitions": rank_transitions(graph),
        "variants": variants.variants,
        "start_activities": ends.starts,
        "end_activities": ends.ends,
        "activity_kpis": null_below(in_polars(measure_activities(events, cases=cases)), "resource_count", k),
        "case_kpis": cases.join(variants.cases, on="case_key").sort("case_key").drop("duration_us"),
        "throughput_by_week": measure_throughput(cases),
        "rework": in_polars(measure_rework(events)),
    }
    kpis = asdict(totals) | {"variant_count": len(variants.variants), "edge_count": len(graph.edges)}
    if totals.resource_count < k:
        kpis["resource_count"] = None
    return Results(
        tables=tables,
        sequences={"variants": _steps(variants)},
        cases=cases,
        process_kpis=kpis,
        variants=variants,
        graph=graph,
    )


def compute_desktop(log: Log, *, k: int) -> tuple[dict[str, nw.DataFrame], Mapping[str, tuple], dict[str, Suppression]]:
    """The tables of desktop work, each row on at least `k` persons; the steps of its sequences; what was left out."""
    actions = count_time(nw.from_native(log.actions))
    applications = publishable(actions, by=["application"], k=k)
    switches = switches_between(actions)
    pairs = publishable(switches, by=["source_application", "target_application"], k=k)
    shown = count_switches(switches.join(pairs, on=["source_application", "target_application"]))
    sequences = discover_repeated_sequences(actions, min_persons=k)
    tables = {
        "application_time": measure_application_time(actions.join(applications, on="application")),
        "application_switches": shown.switches,
        "repeated_sequences": sequences.sequences,
    }
    suppressions = {
        "application_time": _left_out(actions, ["application"], applications),
        "application_switches": _left_out(switches, ["source_application", "target_application"], pairs),
    }
    return tables, sequences.steps, suppressions


def null_below(frame: nw.DataFrame, column: str, k: int) -> nw.DataFrame:
    """`column` null where it is below `k`."""
    return frame.with_columns(nw.when(nw.col(column) >= k).then(nw.col(column)).alias(column))


def _steps(variants: Variants) -> dict[str, tuple]:
    steps: dict[str, list[int]] = {}
    for variant, _, key in variants.steps.iter_rows():
        steps.setdefault(variant, []).append(key)
    return {variant: tuple(keys) for variant, keys in steps.items()}


def _left_out(frame: nw.DataFrame, by: list[str], shown: nw.DataFrame) -> Suppression:
    return Suppression(published_count=len(shown), suppressed_count=len(frame.select(*by).unique()) - len(shown))
