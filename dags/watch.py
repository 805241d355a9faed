"""Airflow DAG `watch`: every five minutes it looks whether something failed, was blocked or is late, and tells it once.

Thin: what is looked at, and how it is told, is in sluice.alerts. It sees runs whose tasks were killed, too.
"""

from datetime import datetime, timedelta

from airflow.sdk import DAG, task

from sluice.dag_steps import is_nightly

with DAG(
    "watch",
    schedule="*/5 * * * *",
    start_date=datetime(2025, 1, 1) if is_nightly() else datetime(2100, 1, 1),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(minutes=4),
    default_args={"retries": 3, "retry_delay": timedelta(seconds=5)},
    is_paused_upon_creation=False,
    doc_md="""Looks at `ops.runs` and tells by e-mail or webhook, once per incident, what failed, was blocked, was
interrupted or is late, and once when it is over. Red: a variable of the alerts is wrong, or a message could not be sent (it is
sent at a later look). `sluice alert --test` tries the channels; docs/operations.md has the variables.""",
    tags=["watch"],
) as watch:

    @task
    def look() -> dict[str, int]:
        """Close what died, find what is wrong, tell what is new and what is over."""
        from sluice.dag_steps import look

        return look()

    look()
