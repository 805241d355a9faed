"""A process and a source system are added by files of their own: nothing that was there changes, and the night knows them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from sluice.airflow_environment import airflow_environment
from sluice.settings import PROJECT, Settings

ADDED = PROJECT / "tests" / "fixtures" / "added"
FOLDERS = ("dags", "dbt_project", "expectations", "extractors", "mining_tasks", "processes", "sluice", "tests")
SHOP = """
create table clerks (id int primary key, login text);
create table orders (id int primary key, number text, customer text, amount numeric, clerk_id int,
                     created_at timestamp, updated_at timestamp);
create table order_steps (id int primary key, order_id int, step text, clerk_id int, happened_at timestamp,
                          updated_at timestamp);
insert into clerks values (1, 'ann'), (2, 'bob');
insert into orders
    select n, 'O' || n, 'Customer ' || n, n, 1 + n % 2, '2025-03-01'::timestamp + n * interval '1 hour', '2025-03-02'
    from generate_series(1, 6) as n;
insert into order_steps select n, n, 'pay', 1, '2025-03-02'::timestamp + n * interval '1 hour', '2025-03-02'
    from generate_series(1, 5) as n;
update order_steps set happened_at = null where id = 5;
"""
DAG_IDS = """
import importlib.util, json
from airflow.sdk import DAG
found = []
for name in ("extract", "mine"):
    spec = importlib.util.spec_from_file_location(name, f"dags/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found += [dag.dag_id for dag in vars(module).values() if isinstance(dag, DAG)]
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A copy of the project with the toy's files beside those that were there."""
    target = tmp_path_factory.mktemp("added") / "project"
    for folder in FOLDERS:
        shutil.copytree(PROJECT / folder, target / folder, ignore=shutil.ignore_patterns("__pycache__", "added"))
    for path in sorted(path for path in ADDED.rglob("*") if path.is_file()):
        new = target / path.relative_to(ADDED)
        assert not new.exists(), f"{new.name} is there already: adding would change it"
        new.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, new)
    return target


def run(project: Path, environment: dict[str, str], *command: str) -> str:
    """A command in the copy, which alone is importable as the project."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=project,
        env={**clean, **environment, "PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.slow
def test_a_night_mines_what_was_added(project, settings, make_database, tmp_path):
    source = make_database()
    with psycopg.connect(source) as db:
        db.execute(SHOP)
    environment = {
        "SLUICE_HOME": str(tmp_path / "home"),
        "SLUICE_WAREHOUSE_URL": settings.warehouse_url,
        "SLUICE_SOURCE_SHOP_URL": source,
    }
    run(project, environment, "-m", "tests.integration.whole_night", "2025-03-03", "2", "shop", "shop_orders")
    with psycopg.connect(settings.warehouse_url) as db:
        assert db.execute("select case_count, event_count, open_case_count from mining.process_kpis").fetchone() == (
            5,
            9,
            1,
        )
        assert db.execute("select case_id, check_name from quality.quarantined_cases").fetchall() == [
            ("O5", "event_has_time")
        ]
        assert db.execute("select sum(amount) from event_log.shop_orders_attributes").fetchone()[0] == 16
        assert db.execute("select count(*), min(process) from bi.events").fetchone() == (9, "shop_orders")
        assert db.execute("select min(occurred_at at time zone 'UTC')::text from event_log.events").fetchone() == (
            "2025-03-01 00:00:00",
        ), "the declared zone is that of the source"


def test_airflow_finds_what_was_added(project, tmp_path):
    settings = Settings(
        home=tmp_path / "home",
        project=project,
        warehouse_url="postgresql://nowhere/x",
        source_urls={"shop": "postgresql://nowhere/shop"},
    )
    found = json.loads(
        run(project, airflow_environment(settings, port=1, is_scheduled=False), "-c", DAG_IDS).splitlines()[-1]
    )
    assert {"extract__shop", "mine__shop_orders", "extract__odoo", "mine__purchase_to_pay"} <= set(found)
