"""The DAG files as Airflow reads them: one DAG per system and process, wired by assets and days, light to parse."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from extractors.systems import list_systems
from sluice.airflow_environment import airflow_environment
from sluice.processes import list_processes, load_process
from sluice.settings import PROJECT, Settings

READ = """
import importlib.util, json, sys
from airflow.sdk import DAG

found, heavy = {}, ("great_expectations", "dbt", "pandas", "polars", "pyarrow", "duckdb", "narwhals", "numpy", "expectations")
before = set(sys.modules)
for name in ("extract", "mine", "watch"):
    spec = importlib.util.spec_from_file_location(f"dag_file_{name}", f"dags/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for dag in vars(module).values():
        if isinstance(dag, DAG):
            tasks = dag.topological_sort()
            found[dag.dag_id] = {
                "tasks": [task.task_id for task in tasks],
                "chain": [sorted(task.downstream_task_ids) for task in tasks],
                "retries": [task.retries for task in tasks],
                "outlets": [asset.name for task in tasks for asset in task.outlets],
                "timetable": type(dag.timetable).__name__,
                "sources": sorted(asset.name for asset in dag.timetable.asset_condition.objects)
                           if getattr(dag.timetable, "asset_condition", None) else [],
                "max_active_runs": dag.max_active_runs,
                "catchup": dag.catchup,
                "is_paused": dag.is_paused_upon_creation,
                "start": str(dag.start_date),
                "doc": dag.doc_md,
                "params": sorted(dag.params),
            }
found["heavy"] = sorted({name.split(".")[0] for name in set(sys.modules) - before} & set(heavy))
print(json.dumps(found))
"""


def read_dags(settings: Settings, *, is_scheduled: bool = False) -> dict:
    environment = airflow_environment(settings, port=1, is_scheduled=is_scheduled)
    done = subprocess.run([sys.executable, "-c", READ], env=environment, cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


OTHERS = {"heavy", "watch"}  # those that are no night's


@pytest.fixture(scope="module")
def dags(tmp_path_factory) -> dict:
    home = tmp_path_factory.mktemp("dags")
    return read_dags(
        Settings(home=home, warehouse_url="postgresql://nowhere/x", source_urls={"odoo": "postgresql://nowhere/odoo"})
    )


def test_one_dag_per_system_and_process(dags):
    expected = {f"extract__{name}" for name in list_systems()} | {f"mine__{name}" for name in list_processes()}
    assert dags.keys() - OTHERS == expected


def test_the_named_steps_follow_each_other(dags):
    for dag_id, dag in dags.items():
        if dag_id in OTHERS:
            continue
        steps = (
            ["copy", "gate", "land", "stage"]
            if dag_id.startswith("extract__")
            else ["build", "gate", "mine", "gate_results", "publish"]
        )
        assert dag["tasks"] == steps, dag_id
        assert dag["chain"] == [[step] for step in steps[1:]] + [[]], dag_id


def test_assets_join_the_dags_by_day(dags):
    for name in list_systems():
        assert dags[f"extract__{name}"]["outlets"] == [f"raw_{name}"]
        assert dags[f"extract__{name}"]["timetable"] == "CronPartitionTimetable"
    for name in list_processes():
        dag = dags[f"mine__{name}"]
        assert dag["outlets"] == [f"event_log_{name}"]
        assert dag["timetable"] == "PartitionedAssetTimetable"
        assert dag["sources"] == sorted(f"raw_{source}" for source in load_process(name).sources)


def test_one_run_at_a_time_and_no_catching_up(dags):
    for dag_id, dag in dags.items():
        if dag_id not in OTHERS:
            assert dag["max_active_runs"] == 1 and dag["catchup"] is False and set(dag["retries"]) == {3}, dag_id


def test_a_system_without_a_source_is_paused(dags):
    assert dags["extract__odoo"]["is_paused"] is False
    assert dags["extract__agent"]["is_paused"] is True


def test_the_documentation_tells_who_is_on_call_what_to_do(dags):
    for dag_id, dag in dags.items():
        if dag_id not in OTHERS:
            assert "When a run is red" in dag["doc"] and dag_id in dag["doc"]
            for step in dag["tasks"]:
                assert f"| {step} |" in dag["doc"], f"{dag_id}: {step}"


def test_a_window_can_be_asked_for(dags):
    assert dags["extract__odoo"]["params"] == ["full", "window_end", "window_start"]
    assert dags["mine__purchase_to_pay"]["params"] == ["full"]


def test_reading_the_files_imports_nothing_heavy(dags):
    assert dags["heavy"] == []


def test_the_schedule_is_live_only_where_asked(tmp_path: Path, dags):
    settings = Settings(home=tmp_path, warehouse_url="postgresql://nowhere/x")
    assert dags["extract__odoo"]["start"].startswith("2100-01-01")
    assert read_dags(settings, is_scheduled=True)["extract__odoo"]["start"] == "None"


def test_no_dag_file_looks_like_a_dbt_plugin():
    assert not [path.name for path in (PROJECT / "dags").iterdir() if path.name.startswith("dbt_")]


@pytest.mark.parametrize(
    "first, last, count",
    [("2026-01-01", "2026-01-05", 5), ("2026-03-28", "2026-03-30", 3), ("2026-01-01", "2026-01-01", 1)],
)
def test_partitions_are_whole_days_both_ends_included(first: str, last: str, count: int):
    from datetime import timedelta

    import pendulum
    from airflow.timetables.trigger import CronPartitionTimetable

    from sluice.dag_steps import NIGHTLY_TIMEZONE

    timetable = CronPartitionTimetable(
        "0 0 * * *", timezone=NIGHTLY_TIMEZONE, run_offset=-1, key_format="%Y-%m-%d", run_immediately=timedelta(0)
    )
    infos = list(timetable.iter_partition_dagrun_infos(earliest=pendulum.parse(first), latest=pendulum.parse(last)))
    assert [info.partition_key for info in infos] == [
        (pendulum.parse(first) + timedelta(days=number)).strftime("%Y-%m-%d") for number in range(count)
    ]


def test_the_night_of_a_day_runs_at_two_o_clock_after_it():
    from datetime import timedelta

    import pendulum
    from airflow.timetables.base import DagRunInfo, TimeRestriction
    from airflow.timetables.trigger import CronPartitionTimetable

    from sluice.dag_steps import NIGHTLY_TIMEZONE

    timetable = CronPartitionTimetable(
        "0 0 * * *", timezone=NIGHTLY_TIMEZONE, run_offset=-1, key_format="%Y-%m-%d", run_immediately=timedelta(0)
    )
    tonight = timetable.next_dagrun_info_v2(
        last_dagrun_info=None, restriction=TimeRestriction(None, None, catchup=False)
    )
    assert isinstance(tonight, DagRunInfo)
    at = tonight.run_after.in_timezone("UTC")
    assert (at.hour, at.minute) == (2, 0) and at > pendulum.now("UTC"), "never last night's by itself"
    assert tonight.partition_key == at.subtract(days=1).strftime("%Y-%m-%d")


def test_the_watch_looks_every_five_minutes_one_at_a_time(dags):
    assert dags["watch"]["tasks"] == ["look"]
    assert dags["watch"]["max_active_runs"] == 1 and dags["watch"]["catchup"] is False
    assert dags["watch"]["is_paused"] is False
