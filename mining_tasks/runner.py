"""Mining of one process: the log in, each result into candidate.<process>__mining_<table>, for the gate and publish.

This is the one place that knows which result goes into which table, under which name.
"""

from collections.abc import Mapping
from dataclasses import asdict

import narwhals as nw
import pyarrow as pa

from mining_tasks import io
from mining_tasks.activity_kpis import measure_activities
from mining_tasks.case_kpis import measure_cases
from mining_tasks.dfg import discover_dfg
from mining_tasks.ends import count_ends
from mining_tasks.process_kpis import measure_process
from mining_tasks.rework import measure_rework
from mining_tasks.slow_transitions import rank_transitions
from mining_tasks.throughput import measure_throughput
from mining_tasks.variants import Variants, discover_variants
from sluice.errors import BadInput
from sluice.processes import list_processes, load_process
from sluice.runs import RunContext, step
from sluice.settings import Settings

TABLES = (
    "dfg", "slow_transitions", "variants", "start_activities", "end_activities", "activity_kpis", "case_kpis",
    "process_kpis", "throughput_by_week", "rework", "application_time", "application_switches", "repeated_sequences",
    "suppressions",
)

_TIMES = {"as_of_us": "as_of"}


def mine(settings: Settings, process: str, ctx: RunContext) -> dict[str, int]:
    """Mine a process as it will be published; returns the number of rows of each table of `TABLES`."""
    url = settings.warehouse_url
    if not url:
        raise BadInput("SLUICE_WAREHOUSE_URL: expected the warehouse's URL to mine in")
    is_public, k = privacy_of(settings, process)
    with step(url, ctx, "mine") as record:
        log = io.read_log(url, process)
        tables = mine_log(log, is_case_level_public=is_public, k_anonymity=k, as_of_us=io.as_of_us(ctx.as_of))
        tables = {name: tables.get(name) for name in TABLES}
        io.write_tables(url, process, tables)
        counts = {name: len(table) if table else 0 for name, table in tables.items()}
        record.rows_in, record.rows_out = len(log.events), sum(counts.values())
    return counts


def privacy_of(settings: Settings, process: str) -> tuple[bool, int]:
    """(cases may be shown one by one, k): as declared, as published, or as an imported log has it: (True, 5)."""
    if process in list_processes(settings.project):
        declared = load_process(process, settings.project)
        return declared.case_level_public, declared.k_anonymity
    return io.is_public(settings.warehouse_url, process) or (True, 5)


def mine_log(log: io.Log, *, is_case_level_public: bool, k_anonymity: int, as_of_us: int) -> dict[str, pa.Table]:
    """Every table of `TABLES` but for the column `process`."""
    events, names = log.events, log.activities
    cases = measure_cases(events).join(nw.from_native(log.cases), on="case_key").sort("case_key")
    graph = discover_dfg(events)
    variants = discover_variants(events, names=names)
    ends = count_ends(cases)
    activities = measure_activities(events, cases=cases)
    totals = measure_process(events, cases)
    results = {
        "dfg": graph.edges,
        "slow_transitions": rank_transitions(graph),
        "start_activities": ends.starts,
        "end_activities": ends.ends,
        "activity_kpis": activities.with_columns(
            resource_count=nw.when(nw.col("resource_count") >= k_anonymity).then(nw.col("resource_count"))
        ),
        "case_kpis": cases.join(variants.cases, on="case_key").sort("case_key").drop("duration_us"),
        "throughput_by_week": measure_throughput(cases),
        "rework": measure_rework(events),
    }
    tables = {name: to_arrow(frame, names) for name, frame in results.items()}
    tables["variants"] = _with_sequences(variants, names)
    kpis = asdict(totals) | {
        "as_of_us": as_of_us,
        "variant_count": len(variants.variants),
        "edge_count": len(graph.edges),
        "k_anonymity": k_anonymity,
        "suppressed_count": 0,
        "resource_count": totals.resource_count if totals.resource_count >= k_anonymity else None,
    }
    tables["process_kpis"] = _renamed(pa.table({name: [value] for name, value in kpis.items()}))
    tables["suppressions"] = pa.table({"table_name": pa.array([], pa.string()), **{
        name: pa.array([], pa.int64()) for name in ("k_anonymity", "published_count", "suppressed_count")}})
    return tables


def to_arrow(frame: nw.DataFrame, names: Mapping[int, str]) -> pa.Table:
    """A result under the names of the warehouse: `*_activity_key` -> `*_activity`, `*_us` -> `*_at`."""
    known = nw.from_dict({"_key": list(names), "_name": list(names.values())},
                         schema={"_key": nw.Int64(), "_name": nw.String()}, backend=frame.implementation)
    table = frame.to_arrow()
    for column in [c for c in frame.columns if c.endswith("activity_key")]:
        named = frame.select(_key=nw.col(column).cast(nw.Int64())).with_row_index("_row")
        named = named.join(known, on="_key", how="left").sort("_row")
        table = table.set_column(table.column_names.index(column), column.removesuffix("_key"), named["_name"].to_arrow())
    return _renamed(table)


def _renamed(table: pa.Table) -> pa.Table:
    for index, column in enumerate(table.column_names):
        if column.endswith("_us"):
            table = table.set_column(index, _TIMES.get(column, column.removesuffix("_us") + "_at"), io.timestamps(table[column]))
        elif column == "week_start_day":
            table = table.set_column(index, "week_start", table[column].cast(pa.int32()).cast(pa.date32()))
    return table


def _with_sequences(variants: Variants, names: Mapping[int, str]) -> pa.Table:
    sequences: dict[str, list[str]] = {}
    for variant, _, key in variants.steps.iter_rows():
        sequences.setdefault(variant, []).append(names[key])
    table = variants.variants.to_arrow()
    activities = [sequences[variant] for variant in variants.variants["variant_id"].to_list()]
    return table.append_column("activities", pa.array(activities, pa.list_(pa.string())))
