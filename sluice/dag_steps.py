"""What each task of the DAGs does: make the run's context, record the step, call the layer, sort out what may be retried.

Light to import (Airflow reads the DAG files every minute); the layers are imported by the tasks.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from typing import Any

from sluice.runs import RunContext, StepRecord, as_of_day, step
from sluice.settings import Settings, load_settings

NIGHTLY_TIMEZONE = "Etc/GMT+2"  # UTC-2 (the sign is POSIX's): its midnight is 02:00 UTC
# only a lost connection is tried again; everything else fails at once
RETRIES = {
    "retries": 3,
    "retry_delay": timedelta(seconds=15),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=10),
}


def is_nightly() -> bool:
    """Whether the nightly schedule is live: SLUICE_NIGHTLY=off leaves the DAGs to be triggered by hand."""
    return os.environ.get("SLUICE_NIGHTLY", "on") != "off"


def context_of(kind: str, subject: str, dag_run: Any, params: dict[str, Any]) -> RunContext:
    """The run's context: the partition key is the day; a backfill of an extraction re-reads that day as a window.

    kind: 'extract' or 'mine'. Raises BadInput when the run has no partition key or half a window.
    """
    from sluice.errors import BadInput

    key = dag_run.partition_key
    try:
        day = date.fromisoformat(key)
    except (TypeError, ValueError):
        raise BadInput(
            f"{dag_run.dag_id}: expected a run with a day as its partition key, found {key!r}: "
            "trigger it with a partition key such as 2026-01-31"
        ) from None
    mode, start, end = "night", None, None
    window = [params.get("window_start"), params.get("window_end")] if kind == "extract" else [None, None]
    if params.get("full") or any(
        (event.extra or {}).get("full") for event in getattr(dag_run, "consumed_asset_events", ())
    ):
        mode = "full"  # asked for, or by the extraction that started this run
    elif any(window):
        if not all(window):
            raise BadInput(f"{dag_run.dag_id}: a window needs window_start and window_end")
        mode, (start, end) = "window", [_moment(text) for text in window]
    elif kind == "extract" and str(getattr(dag_run.run_type, "value", dag_run.run_type)) == "backfill":
        mode, start, end = "window", datetime.combine(day, clock(0), UTC), as_of_day(day)
    return RunContext(
        run_id=f"{dag_run.dag_id}/{day}/{dag_run.run_id}",
        subject=subject,
        day=day,
        as_of=as_of_day(day),
        mode=mode,
        window_start=start,
        window_end=end,
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def is_lost_connection(error: BaseException) -> bool:
    """Whether `error`, or what caused it, is a connection that broke: the one thing that waiting may repair."""
    from sluice.warehouse.connection import is_lost

    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        if is_lost(cause):
            return True
        seen.add(id(cause))
        cause = cause.__cause__ or cause.__context__
    return False


@contextmanager
def _step(
    kind: str,
    subject: str,
    name: str,
    dag_run: Any,
    params: dict[str, Any] | None,
    *,
    ends_run: str | None = None,
    is_running: Callable[[str], bool] | None = None,
) -> Iterator[tuple[Settings, RunContext, StepRecord]]:
    from airflow.sdk.exceptions import AirflowFailException

    from sluice.errors import Blocked, SluiceError, SourceUnreachable
    from sluice.roles import worker_settings

    settings = worker_settings(load_settings(), kind)
    try:
        context = context_of(kind, subject, dag_run, params or {})
        waits_for = _another_load(subject, context.run_id, is_running) if is_running else None
        with step(settings.warehouse_url, context, name, ends_run=ends_run, waits_for=waits_for) as record:
            yield settings, context, record
    except SourceUnreachable:
        raise
    except Blocked as error:
        raise AirflowFailException(f"blocked: {error}") from None
    except Exception as error:
        if is_lost_connection(error):
            raise
        if isinstance(error, SluiceError):
            raise AirflowFailException(str(error)) from None
        raise AirflowFailException(f"{type(error).__name__}: {error}") from error


def _another_load(system: str, run_id: str, is_running: Callable[[str], bool]) -> Callable[[Any], str | None]:
    """Names another run of the system between copy and land, for one that wants to copy: they share the landing tables.

    Runs of a backfill may overlap (`airflow backfill create` allows ten at once). A run that died in between holds nobody up.
    """

    def find(db: Any) -> str | None:
        others = db.execute(
            "select run_id from ops.loads where system = %s and state = 'copied' and run_id <> %s", (system, run_id)
        ).fetchall()
        for (other,) in others:
            if other.count("/") >= 2 and is_running(other.split("/", 2)[2]):
                return f"run {other} is between copy and land"
        return None

    return find


def copy(system: str, dag_run: Any, params: dict[str, Any] | None, is_running: Callable[[str], bool]) -> int:
    """Copy the source into its landing tables; returns the load's version."""
    with _step("extract", system, "copy", dag_run, params, is_running=is_running) as (settings, context, _):
        from extractors import pipeline

        return pipeline.copy(settings, system, context)


def gate_landing(system: str, version: int, dag_run: Any, params: dict[str, Any] | None) -> int:
    """Gate the landing; returns the version, so that landing waits for the gate."""
    with _step("extract", system, "gate", dag_run, params) as (settings, context, _):
        from expectations.landing import gate_landing

        gate_landing(settings, system, version, context)
        return version


def land(system: str, version: int, dag_run: Any, params: dict[str, Any] | None) -> int:
    """Merge the landing into the raw tables; returns the version."""
    with _step("extract", system, "land", dag_run, params) as (settings, context, _):
        from extractors import pipeline
        from sluice import retention

        pipeline.land(settings, system, version, context)
        retention.keep(settings, system, context.as_of, context.run_id)
        return version


def stage(system: str, version: int, dag_run: Any, params: dict[str, Any] | None) -> None:
    """Bring the staging views, and those for readers, up to date; ends the run 'landed'."""
    with _step("extract", system, "stage", dag_run, params, ends_run="landed") as (settings, _, _record):
        from sluice import transform
        from sluice.roles import grant_raw, worker_settings
        from sluice.warehouse import connect

        transform.stage(settings, system)
        with connect(settings.warehouse_url) as db:
            grant_raw(db, system)
        # nothing to do, and no dbt, unless the project's views changed
        transform.build_bi(worker_settings(load_settings(), "mine"))


def build(process: str, dag_run: Any, params: dict[str, Any] | None) -> None:
    """Build the candidate tables of the touched cases."""
    with _step("mine", process, "build", dag_run, params) as (settings, context, _):
        from sluice import transform

        transform.build(settings, process, context)


def gate_candidate(process: str, dag_run: Any, params: dict[str, Any] | None) -> None:
    """Gate the candidate event log."""
    with _step("mine", process, "gate", dag_run, params) as (settings, context, _):
        from expectations.candidate import gate_candidate

        gate_candidate(settings, process, context)


def mine(process: str, dag_run: Any, params: dict[str, Any] | None) -> None:
    """Compute the candidate mining tables."""
    with _step("mine", process, "mine", dag_run, params) as (settings, context, _):
        from mining_tasks import runner

        runner.mine(settings, process, context)


def gate_mining(process: str, dag_run: Any, params: dict[str, Any] | None) -> None:
    """Gate the candidate mining tables."""
    with _step("mine", process, "gate_results", dag_run, params) as (settings, context, _):
        from expectations.mining import gate_mining

        gate_mining(settings, process, context)


def publish(process: str, dag_run: Any, params: dict[str, Any] | None) -> None:
    """Publish event log and mining tables in one transaction; ends the run 'published'. Then the declared exports."""
    with _step("mine", process, "publish", dag_run, params, ends_run="published") as (settings, context, record):
        from sluice.publish import publish

        done = publish(settings, process, context)
        record.rows_in = getattr(done, "touched_count", None)
        record.rows_out = getattr(done, "published_count", None)
    from airflow.sdk.exceptions import AirflowFailException

    from sluice.errors import SluiceError
    from sluice.export.nightly import export_declared

    try:
        export_declared(settings, process)
    except SluiceError as error:  # what is published stays
        raise AirflowFailException(str(error)) from None


def look() -> dict[str, int]:
    """What the DAG `watch` does: one look at what is wrong; fails, for Airflow to show it, when nobody could be told."""
    from airflow.sdk.exceptions import AirflowFailException

    from sluice import alerts
    from sluice.errors import SluiceError

    try:
        looked = alerts.look(load_settings())
    except SluiceError as error:
        raise AirflowFailException(str(error)) from None
    if looked.errors:
        raise AirflowFailException("; ".join(looked.errors))
    return {"open": looked.open_count, "opened": len(looked.opened), "recovered": len(looked.recovered)}
