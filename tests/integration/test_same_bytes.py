"""The same source gives the same bytes: whatever the physical order of its rows, the order of loading, the number of
threads, the hash seed, and the settings, collation and time zone of the database that it is mined in."""

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from sluice import demo
from sluice.settings import PROJECT
from sluice.warehouse import embedded, migrate
from tests.integration.published import differences, published

PROCESSES = ("purchase_to_pay", "order_to_cash", "lead_to_order", "desktop_work")


@dataclass(frozen=True)
class Variation:
    """What may be different from one installation to the next."""

    environment: dict[str, str]
    threads: int
    settings: dict[str, str]  # of the warehouse's database
    is_other_locale: bool = False  # of the warehouse's database
    is_shuffled: bool = False
    is_backwards: bool = False


BASE = Variation({"PYTHONHASHSEED": "0"}, 2, {})
VARIATIONS = {
    "many threads, parallel plans, in Tokyo": Variation(
        {
            "PYTHONHASHSEED": "4242",
            "POLARS_MAX_THREADS": "7",
            "OMP_NUM_THREADS": "5",
            "TZ": "Asia/Tokyo",
            "LC_ALL": "C",
        },
        8,
        {
            "max_parallel_workers_per_gather": "4",
            "parallel_setup_cost": "0",
            "parallel_tuple_cost": "0",
            "min_parallel_table_scan_size": "0",
            "min_parallel_index_scan_size": "0",
            "debug_parallel_query": "on",
            "enable_hashagg": "off",
            "timezone": "America/New_York",
            "datestyle": "SQL, DMY",
            "intervalstyle": "iso_8601",
        },
    ),
    "shuffled rows and files, backwards, one thread, another locale": Variation(
        {"PYTHONHASHSEED": "77", "POLARS_MAX_THREADS": "1"},
        1,
        {"extra_float_digits": "0", "enable_mergejoin": "off", "enable_sort": "off", "work_mem": "64kB"},
        is_other_locale=True,
        is_shuffled=True,
        is_backwards=True,
    ),
}


@pytest.fixture(scope="module")
def company(server, make_database, tmp_path_factory) -> tuple[str, demo.DemoState]:
    """A demo company with planted defects, two days old."""
    url, folder = make_database(), tmp_path_factory.mktemp("same") / "demo"
    demo.ensure(server, url=url, cases=60, seed=12, folder=folder)
    return url, demo.advance(server, url=url, folder=folder)


@pytest.fixture(scope="module")
def mined(
    server, company, make_database, readable_template, tmp_path_factory
) -> Callable[[Variation], dict[str, list[str]]]:
    """mined(variation): what a full night publishes then."""

    def mine(variation: Variation) -> dict[str, list[str]]:
        url, state = company
        drop = Path(state.agent_drop)
        if variation.is_shuffled:
            shuffle(url)
            drop = renamed(drop, tmp_path_factory.mktemp("drop"))
        warehouse = make_warehouse(server, make_database, readable_template, variation)
        systems, processes = ("odoo", "agent"), PROCESSES
        if variation.is_backwards:
            systems, processes = systems[::-1], processes[::-1]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
        environment |= {
            "PYTHONPATH": str(PROJECT),
            "SLUICE_HOME": str(server.home / "integration"),
            "SLUICE_WAREHOUSE_URL": warehouse,
            "SLUICE_SOURCE_ODOO_URL": url,
            "SLUICE_AGENT_DROP": str(drop),
            "SLUICE_PERSON_MAP": str(state.person_map),
            **variation.environment,
        }
        command = [sys.executable, "-m", "tests.integration.whole_night", str(state.day), str(variation.threads)]
        done = subprocess.run(
            [*command, ",".join(systems), ",".join(processes)],
            cwd=PROJECT,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return published(warehouse)

    return mine


def make_warehouse(server, make_database, template: str, variation: Variation) -> str:
    """A migrated database with the variation's settings and locale."""
    url = make_database(template=template)
    name = url.rsplit("/", 1)[1]
    with psycopg.connect(embedded.url(server, "postgres"), autocommit=True) as db:
        if variation.is_other_locale:
            db.execute(f'drop database "{name}"')
            db.execute(f'create database "{name}" template template0 {other_locale(db)}')
        for setting, value in variation.settings.items():
            db.execute(
                sql.SQL("alter database {} set {} = {}").format(sql.Identifier(name), sql.Identifier(setting), value)
            )
    migrate(url)
    return url


def other_locale(db: psycopg.Connection) -> str:
    """A language's order of text where the machine has one (the server is built without ICU), else Unicode's letters."""
    found = db.execute(
        """select collcollate from pg_collation where collprovider = 'c' and collcollate ~ '^[a-z]{2}_.*(utf8|UTF-8)$'
           order by collcollate limit 1"""
    ).fetchone()
    return (
        f"locale_provider libc locale '{found[0]}'"
        if found
        else "locale_provider builtin builtin_locale 'PG_UNICODE_FAST'"
    )


def shuffle(url: str) -> None:
    """Write every table of a database anew in a random physical order."""
    with psycopg.connect(url) as db:
        for (table,) in db.execute("select tablename from pg_tables where schemaname = 'public' order by 1").fetchall():
            name = sql.Identifier(table)
            db.execute(
                sql.SQL("create temp table shuffled on commit drop as select * from {} order by random()").format(name)
            )
            db.execute(sql.SQL("delete from {}").format(name))
            db.execute(sql.SQL("insert into {} select * from shuffled").format(name))
            db.execute("drop table shuffled")


def renamed(drop: Path, target: Path) -> Path:
    """The same files under other names, so that they are read in another order."""
    paths = sorted(path for path in drop.rglob("*") if path.is_file())
    chance = random.Random(5)
    for place, path in enumerate(chance.sample(paths, len(paths))):
        shutil.copy(path, target / f"{place:04}{path.suffix}")
    return target


@pytest.fixture(scope="module")
def good(mined) -> dict[str, list[str]]:
    return mined(BASE)


@pytest.mark.slow
@pytest.mark.parametrize("name", VARIATIONS)
def test_every_published_byte_is_the_same(mined, good, name):
    assert all(good[f"event_log.{process}_attributes"] for process in PROCESSES)
    assert differences(good, mined(VARIATIONS[name])) == []
