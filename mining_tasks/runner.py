"""Mining of one process: the log in, each result into candidate.<process>__mining_<table>, for the gate and publish."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import datetime

import narwhals as nw
import pyarrow as pa
import pyarrow.compute as pc

from mining_tasks import io
from mining_tasks.cause_results import TABLES as CAUSE_TABLES
from mining_tasks.cause_results import add_causes
from mining_tasks.drift_results import TABLES as DRIFT_TABLES
from mining_tasks.drift_results import add_drift
from mining_tasks.engines import POLARS
from mining_tasks.inductive_results import TABLES as DISCOVERY_TABLES
from mining_tasks.inductive_results import discover
from mining_tasks.order_bounds import Figures, bound_figures
from mining_tasks.organisation import TABLES as ORGANISATION_TABLES
from mining_tasks.organisation import add_organisation
from mining_tasks.people import protect
from mining_tasks.prediction_results import TABLES as PREDICTION_TABLES
from mining_tasks.prediction_results import add_predictions
from mining_tasks.results import Results, compute, compute_desktop
from mining_tasks.rules.tables import TABLES as CONFORMANCE_TABLES
from mining_tasks.rules.tables import measure_conformance
from mining_tasks.terms import Further, Terms, further_of, terms_of
from mining_tasks.waiting_results import TABLES as PERFORMANCE_TABLES
from mining_tasks.waiting_results import add_performance, hours_of
from sluice.errors import BadInput
from sluice.mined import PER_CASE, TOUCHED, UNCHANGED, plan
from sluice.runs import RunContext
from sluice.settings import Settings
from sluice.warehouse import connect

TABLES = (
    "dfg",
    "slow_transitions",
    "variants",
    "start_activities",
    "end_activities",
    "activity_kpis",
    "case_kpis",
    "process_kpis",
    "throughput_by_week",
    "rework",
    "application_time",
    "application_switches",
    "repeated_sequences",
    "suppressions",
    "order_bounds",
    *DISCOVERY_TABLES,
    *CONFORMANCE_TABLES,
    *PERFORMANCE_TABLES,
    *ORGANISATION_TABLES,
    *CAUSE_TABLES,
    *DRIFT_TABLES,
    *PREDICTION_TABLES,
)
_SEQUENCES = {
    "variants": ("variant_id", "activities"),
    "repeated_sequences": ("sequence_id", "steps"),
    "roles": ("role_id", "activities"),
}
_TIMES = {"as_of_us": "as_of"}
_DAYS = {
    "week_start_day": "week_start",
    "first_week_start_day": "first_week_start",
    "last_week_start_day": "last_week_start",
    "work_day": "day",
}


def mine(settings: Settings, process: str, ctx: RunContext, *, order: Sequence[str] | None = None) -> dict[str, int]:
    """Mine a process as it will be published; returns the number of rows that each table of `TABLES` will have.

    order: what its log is ordered by; None: as its YAML declares, or as an imported log was published.
    Where the log stays as it is published and was mined in the same way, nothing is computed again; of the tables per case
    only the touched cases are written (see `sluice.mined`).
    """
    url = settings.warehouse_url
    if not url:
        raise BadInput("SLUICE_WAREHOUSE_URL: expected the warehouse's URL to mine in")
    terms = terms_of(settings, process, order=order)
    with connect(url) as db:
        planned = plan(db, process, ctx.run_id, (TABLES, terms))
    if planned.scope == UNCHANGED:
        return io.keep_tables(url, process, planned, TABLES)
    with io.one_connection(url):
        tables = read_and_mine(settings, process, terms, as_of=ctx.as_of)
        counts = {name: 0 if table is None else len(table) for name, table in tables.items()}
        if planned.scope == TOUCHED:
            fresh = io.candidate_cases(url, process)
            for name in PER_CASE:
                if tables[name] is not None:
                    tables[name] = tables[name].filter(pc.is_in(tables[name]["case_key"], value_set=fresh))
        io.write_tables(url, process, tables, planned)
    return counts


def read_and_mine(
    settings: Settings, process: str, terms: Terms, *, as_of: datetime, engine: str = POLARS
) -> dict[str, pa.Table | None]:
    """`mine_log` of a process as it will be published. as_of: where the build has left none."""
    url = settings.warehouse_url
    log = io.read_log(url, process)
    with ThreadPoolExecutor(1) as beside:
        further = beside.submit(copy_context().run, further_of, url, process, terms, log)  # on the same connection
        return mine_log(
            log,
            is_case_level_public=terms.is_case_level_public,
            k_anonymity=terms.k_anonymity,
            as_of_us=io.as_of_us(log.as_of or as_of),
            order=terms.order,
            further=further.result,
            engine=engine,
        )


def mine_log(
    log: io.Log,
    *,
    is_case_level_public: bool,
    k_anonymity: int,
    as_of_us: int,
    order: Sequence[str] = (),
    further: Callable[[], Further] = Further,
    engine: str = POLARS,
) -> dict[str, pa.Table | None]:
    """Every table of `TABLES` but for the column `process`; None is a table without rows.

    order: what the log is ordered by, for the bounds of what ties can move; without it there are none. further: gives what
    is needed beside the log, once the first results are there. engine: of `mining_tasks.results.compute`.
    """
    results = compute(log, k=k_anonymity, engine=engine)
    if log.actions is not None:
        tables, steps, left_out = compute_desktop(log, k=k_anonymity)
        results.tables.update(tables)
        results.sequences["repeated_sequences"] = steps
        results.suppressions.update(left_out)
    if is_case_level_public:
        _add_further(results, log, further(), k=k_anonymity, order=order)
    else:
        results = protect(results, log, k=k_anonymity)
    results.process_kpis.update(
        as_of_us=as_of_us,
        k_anonymity=k_anonymity,
        suppressed_count=sum(s.suppressed_count for s in results.suppressions.values()),
    )
    return dict.fromkeys(TABLES) | _as_arrow(results, log.activities, k_anonymity)


def _add_further(results: Results, log: io.Log, further: Further, *, k: int, order: Sequence[str]) -> None:
    """The results of a log whose cases may be shown one by one, in two threads: what one adds the other does not read."""
    facts = further.facts

    def hold_against_norms() -> None:
        results.tables.update(measure_conformance(log, results, further.demands, hours_of(log, facts)))
        add_causes(results, further.suspected)
        add_drift(results, log.events)
        results.tables["order_bounds"] = bound_figures(log.events, figures, order=order, ranks=log.ranks)
        results.tables.update(discover(results.variants, log.activities))

    figures = Figures.of(results)
    with ThreadPoolExecutor(1) as beside:
        others = beside.submit(hold_against_norms)
        add_performance(results, log, facts, k=k)
        add_predictions(results, log, facts.declared.due, further.suspected)
        add_organisation(results, log, k=k)
        others.result()


def _as_arrow(results: Results, names: Mapping[int, str], k: int) -> dict[str, pa.Table]:
    tables = {name: to_arrow(frame, names) for name, frame in results.tables.items()}
    for name, (key, column) in _SEQUENCES.items():
        if name in tables:
            known = results.sequences[name]
            steps = [[names.get(step, step) for step in known[row]] for row in tables[name][key].to_pylist()]
            tables[name] = tables[name].append_column(column, pa.array(steps, pa.list_(pa.string())))
    if "order_bounds" in tables:
        tables["order_bounds"] = _without_nulls(tables["order_bounds"], ("activity", "next_activity", "variant_id"))
    if "map_levels" in tables:
        tables["map_levels"] = _without_nulls(tables["map_levels"], ("source_activity", "target_activity"))
    tables["process_kpis"] = _renamed(pa.table({name: [value] for name, value in results.process_kpis.items()}))
    if results.suppressions:
        tables["suppressions"] = pa.table(
            {
                "table_name": list(results.suppressions),
                "k_anonymity": [k] * len(results.suppressions),
                "published_count": [s.published_count for s in results.suppressions.values()],
                "suppressed_count": [s.suppressed_count for s in results.suppressions.values()],
            }
        )
    return tables


def to_arrow(frame: nw.DataFrame, names: Mapping[int, str]) -> pa.Table:
    """A result under the names of the warehouse: `*_activity_key` -> `*_activity`, `*_us` -> `*_at`."""
    table = frame.to_arrow()
    for index, column in enumerate(frame.columns):
        if column.endswith("activity_key"):
            places = pc.index_in(table[column].cast(pa.int64()), value_set=pa.array(list(names), pa.int64()))
            values = pa.array(list(names.values()), pa.string()).take(places)
            table = table.set_column(index, column.removesuffix("_key"), values)
    return _renamed(table)


def _without_nulls(table: pa.Table, columns: Sequence[str]) -> pa.Table:
    """Parts of a key: empty where there is none."""
    for column in columns:
        table = table.set_column(table.schema.get_field_index(column), column, pc.fill_null(table[column], ""))
    return table


def _renamed(table: pa.Table) -> pa.Table:
    for index, column in enumerate(table.column_names):
        if column.endswith("_us"):
            name = _TIMES.get(column, column.removesuffix("_us") + "_at")
            table = table.set_column(index, name, io.timestamps(table[column]))
        elif column in _DAYS:
            table = table.set_column(index, _DAYS[column], table[column].cast(pa.int32()).cast(pa.date32()))
    return table
