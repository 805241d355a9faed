"""Mining of one process: the log in, each result into candidate.<process>__mining_<table>, for the gate and publish."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from datetime import datetime

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
from mining_tasks.kept_rows import KeptRows
from mining_tasks.made import Done, Made, suppressions_of
from mining_tasks.order_bounds import Figures, bound_figures
from mining_tasks.organisation import TABLES as ORGANISATION_TABLES
from mining_tasks.organisation import add_organisation
from mining_tasks.people import protect
from mining_tasks.prediction_results import TABLES as PREDICTION_TABLES
from mining_tasks.prediction_results import add_predictions, due_targets, end_of_case, predict_target
from mining_tasks.results import Results, compute, compute_desktop
from mining_tasks.rules.tables import TABLES as CONFORMANCE_TABLES
from mining_tasks.rules.tables import measure_conformance
from mining_tasks.terms import Further, Terms, further_of, terms_of
from mining_tasks.waiting_results import TABLES as PERFORMANCE_TABLES
from mining_tasks.waiting_results import Measured, add_performance, hours_of, measure_performance
from mining_tasks.writer import Writer
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
    kept = KeptRows(settings.home / "mining" / process, planned.kept_rows)
    if planned.scope == UNCHANGED:
        kept.drop_others(planned.kept_rows)
        return io.keep_tables(url, process, planned, TABLES)
    with io.one_connection(url), Writer(url, process, TABLES, planned) as writer:
        fresh = io.candidate_cases(url, process) if planned.scope == TOUCHED else None

        def write(name: str, rows: pa.Table | None) -> None:
            if fresh is not None and rows is not None and name in PER_CASE:
                rows = rows.filter(pc.is_in(rows["case_key"], value_set=fresh))
            writer.put(name, rows)

        with io.keeping(kept):
            tables = read_and_mine(settings, process, terms, as_of=ctx.as_of, done=write)
        writer.mined = replace(planned, kept_rows=kept.close())
    kept.drop_others(writer.mined.kept_rows)
    return {name: 0 if table is None else len(table) for name, table in tables.items()}


def read_and_mine(
    settings: Settings, process: str, terms: Terms, *, as_of: datetime, engine: str = POLARS, done: Done | None = None
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
            done=done,
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
    done: Done | None = None,
) -> dict[str, pa.Table | None]:
    """Every table of `TABLES` but for the column `process`; None is a table without rows.

    order: what the log is ordered by, for the bounds of what ties can move; without it there are none. further: gives what
    is needed beside the log, once the first results are there. engine: of `mining_tasks.results.compute`. done: is told
    each table as soon as it is there.
    """
    made = Made(log.activities, done)
    with ThreadPoolExecutor(2) as threads:
        if is_case_level_public:  # needs nothing but the log, and takes longest
            measured = threads.submit(lambda: measure_performance(log, further().facts, k=k_anonymity))
        results = compute(log, k=k_anonymity, engine=engine)
        if log.actions is not None:
            tables, steps, left_out = compute_desktop(log, k=k_anonymity)
            results.tables.update(tables)
            results.sequences["repeated_sequences"] = steps
            results.suppressions.update(left_out)
        asked = further()  # where cases may not be shown, too: what cannot be read is an error in any case
        if is_case_level_public:
            made.take(results)
            _add_further(results, log, asked, measured, k=k_anonymity, order=order, made=made, threads=threads)
        else:
            results = protect(results, log, k=k_anonymity)
    results.process_kpis.update(
        as_of_us=as_of_us,
        k_anonymity=k_anonymity,
        suppressed_count=sum(s.suppressed_count for s in results.suppressions.values()),
    )
    made.take(results)
    made.add("process_kpis", pa.table({name: [value] for name, value in results.process_kpis.items()}))
    if results.suppressions:
        made.add("suppressions", suppressions_of(results, k_anonymity))
    return dict.fromkeys(TABLES) | made.tables


def _add_further(
    results: Results,
    log: io.Log,
    further: Further,
    measured: Future[Measured],
    *,
    k: int,
    order: Sequence[str],
    made: Made,
    threads: ThreadPoolExecutor,
) -> None:
    """The results of a log whose cases may be shown one by one: what one of `threads` adds no other one reads that runs
    beside it.
    """
    facts, figures = further.facts, Figures.of(results)

    def hold_against_norms() -> None:
        results.tables.update(measure_conformance(log, results, further.demands, hours_of(log, facts)))
        add_causes(results, further.suspected)
        add_drift(results, log.events)
        results.tables["order_bounds"] = bound_figures(log.events, figures, order=order, ranks=log.ranks)
        results.tables.update(discover(results.variants, log.activities))

    others = [
        threads.submit(hold_against_norms),
        threads.submit(add_organisation, results, log, k=k),
    ]
    targets = [threads.submit(predict_target, end_of_case(results), log, further.suspected)]
    add_performance(results, log, facts, measured.result())
    for target in due_targets(results, log, facts.declared.due):
        targets.append(threads.submit(predict_target, target, log, further.suspected))
    made.take(results)
    add_predictions(results, log, (target.result() for target in targets))
    for other in others:
        other.result()
