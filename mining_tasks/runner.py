"""Mining of one process: the log in, each result into candidate.<process>__mining_<table>, for the gate and publish."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from contextvars import copy_context
from dataclasses import replace
from datetime import datetime

import polars as pl
import pyarrow as pa

from mining_tasks import io
from mining_tasks.aside import Asked, Found, Halves, in_halves
from mining_tasks.cause_results import TABLES as CAUSE_TABLES
from mining_tasks.cause_results import add_causes
from mining_tasks.drift_results import TABLES as DRIFT_TABLES
from mining_tasks.drift_results import add_drift
from mining_tasks.engines import POLARS
from mining_tasks.frames import in_order
from mining_tasks.inductive_results import TABLES as DISCOVERY_TABLES
from mining_tasks.inductive_results import discover
from mining_tasks.kept_rows import KeptRows
from mining_tasks.made import Done, Made, suppressions_of
from mining_tasks.order_bounds import Figures, bound_figures
from mining_tasks.organisation import TABLES as ORGANISATION_TABLES
from mining_tasks.people import protect
from mining_tasks.prediction_results import TABLES as PREDICTION_TABLES
from mining_tasks.prediction_results import add_predictions
from mining_tasks.results import Results, compute, compute_desktop, figures_of_cases
from mining_tasks.rules.tables import TABLES as CONFORMANCE_TABLES
from mining_tasks.rules.tables import measure_conformance
from mining_tasks.small_keys import SmallKeys
from mining_tasks.terms import Further, Terms, further_of, terms_of
from mining_tasks.waiting_results import TABLES as PERFORMANCE_TABLES
from mining_tasks.waiting_results import add_quality, hours_of
from mining_tasks.writer import Writer
from sluice.errors import BadInput
from sluice.mined import TOUCHED, UNCHANGED, plan
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
    with (
        in_halves(is_forked=terms.is_case_level_public) as halves,
        io.one_connection(url),
        Writer(url, process, TABLES, planned) as writer,
    ):
        fresh = io.candidate_cases(url, process) if planned.scope == TOUCHED else None
        counts = dict.fromkeys(TABLES, 0)

        def write(name: str, rows: pa.Table, row_count: int) -> None:
            counts[name] = row_count
            writer.put(name, rows)

        with io.keeping(kept):
            read_and_mine(settings, process, terms, as_of=ctx.as_of, done=write, shown_cases=fresh, halves=halves)
        writer.mined = replace(planned, kept_rows=kept.close())
    kept.drop_others(writer.mined.kept_rows)
    return counts


def read_and_mine(
    settings: Settings,
    process: str,
    terms: Terms,
    *,
    as_of: datetime,
    engine: str = POLARS,
    done: Done | None = None,
    shown_cases: pl.Series | None = None,
    halves: Halves | None = None,
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
            shown_cases=shown_cases,
            halves=halves,
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
    shown_cases: pl.Series | None = None,
    halves: Halves | None = None,
) -> dict[str, pa.Table | None]:
    """Every table of `TABLES` but for the column `process`; None is a table without rows.

    order: what the log is ordered by, for the bounds of what ties can move; without it there are none. further: gives what
    is needed beside the log, once the first results are there. engine: of `mining_tasks.results.compute`. done: is told
    each table as soon as it is there. shown_cases: `case_key` of the cases that the tables per case (`PER_CASE`) are to
    have; None: all. halves: who computes half of it; None: a thread of this process.
    """
    keys = SmallKeys.of(log)
    log = keys.in_log(log)
    if halves is not None:
        halves.begin(log)
    made = Made(log.activities, done, shown_cases)
    with in_order(log.events) as events:
        log = replace(log, events=events)
        if is_case_level_public:
            results = _mine_openly(
                log,
                lambda: keys.in_further(further()),
                k=k_anonymity,
                order=order,
                engine=engine,
                made=made,
                halves=halves,
            )
        else:
            results = compute(log, k=k_anonymity, engine=engine)
            _add_desktop(results, log, k=k_anonymity)
            further()  # what cannot be read is an error in any case
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


def _mine_openly(
    log: io.Log,
    further: Callable[[], Further],
    *,
    k: int,
    order: Sequence[str],
    engine: str,
    made: Made,
    halves: Halves | None,
) -> Results:
    """The results of a log whose cases may be shown one by one: two halves are computed at once, in two processes or else in
    two threads.
    """
    found: list[Found] = []

    def take(one: Found) -> None:
        found.append(one)
        for name, rows, row_count in one.tables:
            made.pass_on(name, rows, row_count)

    with nullcontext(halves) if halves else in_halves(is_forked=False) as halves, ThreadPoolExecutor(2) as threads:
        cases = threads.submit(figures_of_cases, log, engine=engine)
        told = threads.submit(lambda: (further(), k, made.shown_cases))
        aside = threads.submit(
            lambda: [take(one) for one in halves.mine_aside(Asked(log, cases.result, *told.result()))]
        )
        results = compute(log, k=k, engine=engine, cases=cases.result())
        _add_desktop(results, log, k=k)
        made.take(results)
        for part in (_bounds, _norms, _drift, _discovery, _quality):
            part(results, log, told.result()[0], order)
            made.take(results)
        for one in halves.work_shared(Asked(log, cases.result, *told.result())):
            take(one)
        aside.result()
    predicted = [one.end_of_case for one in found] + [target for one in found for target in one.due]
    add_predictions(results, log, predicted)
    for one in found:
        results.suppressions.update(one.suppressions)
    return results


def _bounds(results: Results, log: io.Log, _: Further, order: Sequence[str]) -> None:
    figures = Figures.of(results)
    results.tables["order_bounds"] = bound_figures(log.events, figures, order=order, ranks=log.ranks)


def _norms(results: Results, log: io.Log, further: Further, _: Sequence[str]) -> None:
    results.tables.update(measure_conformance(log, results, further.demands, hours_of(log, further.facts)))
    add_causes(results, further.suspected)


def _drift(results: Results, log: io.Log, _: Further, __: Sequence[str]) -> None:
    add_drift(results, log.events)


def _discovery(results: Results, log: io.Log, _: Further, __: Sequence[str]) -> None:
    results.tables.update(discover(results.variants, log.activities))


def _quality(results: Results, log: io.Log, further: Further, _: Sequence[str]) -> None:
    add_quality(results, log, further.facts)


def _add_desktop(results: Results, log: io.Log, *, k: int) -> None:
    if log.actions is not None:
        tables, steps, left_out = compute_desktop(log, k=k)
        results.sequences["repeated_sequences"] = steps  # before its table, which another thread may take
        results.tables.update(tables)
        results.suppressions.update(left_out)
