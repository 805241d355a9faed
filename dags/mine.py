"""Airflow DAGs `mine__<process>`, one per processes/<process>.yml: build → gate → mine → gate_results → publish.

Thin: what the steps do is in sluice.transform, expectations, mining_tasks and sluice.publish.
"""

from airflow.sdk import DAG, Asset, AssetAll, Param, PartitionedAssetTimetable, task

from sluice.dag_docs import mine_doc
from sluice.dag_steps import RETRIES
from sluice.processes import list_processes, load_process


def make_mine_dag(process: str, title: str, sources: list[str]) -> DAG:
    """The DAG of one process: it runs when all its sources have landed the same day, and emits event_log_<process>."""
    with DAG(
        f"mine__{process}",
        schedule=PartitionedAssetTimetable(assets=AssetAll(*(Asset(f"raw_{source}") for source in sources))),
        catchup=False,
        max_active_runs=1,
        is_paused_upon_creation=False,
        default_args=RETRIES,
        doc_md=mine_doc(process, title, sources),
        tags=["mine", process],
        params={
            "full": Param(
                False,
                type="boolean",
                title="Rebuild everything",
                description="Rebuild every case of the process, not only those that new rows touch",
            ),
        },
    ) as dag:

        @task
        def build(dag_run=None, params=None) -> None:
            """Build the candidate event log of the touched cases."""
            from sluice.dag_steps import build

            build(process, dag_run, params)

        @task
        def gate(dag_run=None, params=None) -> None:
            """Check the candidates: block, quarantine cases, or warn."""
            from sluice.dag_steps import gate_candidate

            gate_candidate(process, dag_run, params)

        @task
        def mine(dag_run=None, params=None) -> None:
            """Compute the mining tables of the log as it would be published."""
            from sluice.dag_steps import mine

            mine(process, dag_run, params)

        @task
        def gate_results(dag_run=None, params=None) -> None:
            """Check the mining tables."""
            from sluice.dag_steps import gate_mining

            gate_mining(process, dag_run, params)

        @task(outlets=[Asset(f"event_log_{process}")])
        def publish(dag_run=None, params=None) -> None:
            """Publish event log and mining tables together, in one transaction."""
            from sluice.dag_steps import publish

            publish(process, dag_run, params)

        build() >> gate() >> mine() >> gate_results() >> publish()
    return dag


for _name in list_processes():
    _process = load_process(_name)
    globals()[f"mine__{_name}"] = make_mine_dag(_name, _process.title, list(_process.sources))
