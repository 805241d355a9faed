"""Airflow DAGs `extract__<system>`, one per source system under extractors/: copy → gate → land → stage, every night.

Thin: what the steps do is in extractors, expectations and sluice.transform.
"""

from datetime import datetime, timedelta

from airflow.sdk import DAG, Asset, CronPartitionTimetable, Param, task

from extractors.systems import list_systems
from sluice.dag_docs import extract_doc
from sluice.dag_steps import NIGHTLY_TIMEZONE, RETRIES, is_nightly
from sluice.settings import load_settings
from sluice.systems import is_configured


def make_extract_dag(system: str, *, is_paused: bool, is_scheduled: bool) -> DAG:
    """The DAG of one source system; it emits the asset raw_<system> for the partition's day."""
    with DAG(
        f"extract__{system}",
        # midnight at UTC-2 is 02:00 UTC; the partition is the day that then ended, and its date is a whole day,
        # so that a backfill from the 1st to the 5th, both included, is five runs
        schedule=CronPartitionTimetable(
            "0 0 * * *", timezone=NIGHTLY_TIMEZONE, run_offset=-1, key_format="%Y-%m-%d", run_immediately=timedelta(0)
        ),
        start_date=None if is_scheduled else datetime(2100, 1, 1),
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=is_paused,
        default_args=RETRIES,
        doc_md=extract_doc(system),
        tags=["extract", system],
        params={
            "window_start": Param(
                None,
                type=["null", "string"],
                format="date-time",
                title="Window start",
                description="Re-read source rows changed from here on (manual runs; the watermark stays)",
            ),
            "window_end": Param(
                None,
                type=["null", "string"],
                format="date-time",
                title="Window end",
                description="… up to here, not included",
            ),
            "full": Param(
                False,
                type="boolean",
                title="Read everything",
                description="Read every table whole, as at the first load",
            ),
        },
    ) as dag:

        @task(max_active_tis_per_dag=1)
        def copy(dag_run=None, params=None, ti=None) -> int:
            """Check the source's schema and copy one snapshot into the landing tables."""
            from sluice.dag_steps import copy

            return copy(
                system,
                dag_run,
                params,
                lambda run_id: ti.get_dr_count(dag_id=dag_run.dag_id, run_ids=[run_id], states=["running"]) > 0,
            )

        @task
        def gate(version: int, dag_run=None, params=None) -> int:
            """Check the landing; a failed check that blocks stops here, and nothing has changed."""
            from sluice.dag_steps import gate_landing

            return gate_landing(system, version, dag_run, params)

        @task
        def land(version: int, dag_run=None, params=None) -> int:
            """Merge the landing into the raw tables, in one transaction."""
            from sluice.dag_steps import land

            return land(system, version, dag_run, params)

        raw = Asset(f"raw_{system}")

        @task(outlets=[raw])
        def stage(version: int, dag_run=None, params=None, outlet_events=None) -> None:
            """Bring the staging views up to date."""
            from sluice.dag_steps import stage

            stage(system, version, dag_run, params)
            outlet_events[raw].extra = {"version": version, "full": bool(params["full"])}

        stage(land(gate(copy())))
    return dag


_settings = load_settings()
for _system in list_systems():
    globals()[f"extract__{_system}"] = make_extract_dag(
        _system, is_paused=not is_configured(_settings, _system), is_scheduled=is_nightly()
    )
