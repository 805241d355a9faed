"""kill -9 at every step and at random moments, hundreds of times: what was lost, doubled, or seen half-published.

`python benchmarks/kills.py --kills 200 --seed 1` makes a demo company on a PostgreSQL of its own and works nights whose
tasks are processes, forked as Airflow's LocalExecutor forks its own. Each is killed once, then run again or given up for
the next run; so are imports, the demo company's days and migrations. A reader polls `bi` all the while.
"""

import argparse
import os
import platform
import shutil
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sluice.processes import list_processes
from sluice.settings import Settings
from sluice.warehouse import embedded, migrate
from tests.integration.kills import tasks
from tests.integration.kills.driver import Nights
from tests.integration.kills.reader import Reader, state

SYSTEMS = ("odoo", "agent")
IMPORTED = "killed_import"


def make(server: Settings, name: str) -> str:
    """An empty database of the server; returns its URL."""
    with psycopg.connect(embedded.url(server, "postgres"), autocommit=True) as db:
        db.execute(f'create database "{name}"')
    return embedded.url(server, name)


def logs(folder: Path) -> list[Path]:
    """Two event logs of one process that differ in most cases."""
    files = []
    for number in (0, 1):
        rows = [
            f"c{case},{activity},2026-01-{1 + case % 27:02} {8 + step:02}:{number}0:00,r{case % 7}"
            for case in range(2000)
            for step, activity in enumerate(("register", "check", "decide", "pay")[: 2 + (case + number) % 3])
        ]
        files.append(folder / f"log_{number}.csv")
        files[-1].write_text("case,activity,timestamp,resource\n" + "\n".join(rows) + "\n")
    return files


def work(server: Settings, folder: Path, arguments: argparse.Namespace) -> int:
    """The nights; returns how many things were wrong."""
    source, warehouse = make(server, "source"), make(server, "killed")
    migrate(warehouse)
    company = folder / "demo"
    environment = {
        "SLUICE_HOME": str(folder / "home"),
        "SLUICE_WAREHOUSE_URL": warehouse,
        "SLUICE_SOURCE_ODOO_URL": source,
        "SLUICE_AGENT_DROP": str(company / "agent_drop"),
        "SLUICE_PERSON_MAP": str(company / "person_map.csv"),
        "SLUICE_DBT_FORK": "1",
    }
    nights = Nights(environment, SYSTEMS, tuple(list_processes()), folder, arguments.seed)
    day = nights.command("demo", "company", tasks.make_demo, source, str(company), arguments.cases, 1, kill=True)
    nights.night(date.fromisoformat(day))
    files = logs(folder)

    def bring(file: Path, kill: bool, among: Nights = nights) -> None:
        arguments = ("import-log", IMPORTED, str(file), "--timezone", "UTC")
        among.command("import-log", IMPORTED, tasks.command, *arguments, kill=kill)

    bring(files[0], kill=False)
    number, began, processes = 0, time.monotonic(), (*nights.processes, IMPORTED)
    with Reader(warehouse, processes, arguments.seed) as reader:
        while len(nights.kills) < arguments.kills and time.monotonic() - began < arguments.seconds:
            number += 1
            day = nights.command("demo", "company", tasks.advance_demo, source, str(company), kill=True)
            nights.night(date.fromisoformat(day), reader, kills=lambda: True)
            for _ in range(2):
                before = state(warehouse, IMPORTED)
                files.reverse()
                bring(files[0], kill=True)
                nights.judge(reader, IMPORTED, [before, state(warehouse, IMPORTED)])
            nights.command("migrate", "warehouse", tasks.migrate, make(server, f"empty_{number}"), kill=True)
            print(f"night {number} ({day}): {len(nights.kills)} kills, {reader.total} snapshots read", flush=True)
    fresh, last = make(server, "fresh"), date.fromisoformat(day)
    migrate(fresh)
    bring(
        files[0],
        kill=False,
        among=Nights(environment | {"SLUICE_WAREHOUSE_URL": fresh}, (), (), folder, arguments.seed),
    )
    wrong = {
        "seen by the reader that was not a state": nights.wrong,
        "errors of the reader": reader.errors,
        "still called running in ops": nights.left_running(),
        "different from a full rebuild": nights.full_rebuild_differs(last),
        "different from an empty warehouse that reads the source once": nights.fresh_warehouse_differs(fresh, last),
    }
    print()
    print("\n".join(nights.report()))
    print(
        f"\n{len(nights.kills)} kills in {number} nights, {reader.total} snapshots of {len(processes)} processes read, "
        f"{nights.interrupted_count()} steps recorded as interrupted, seed {arguments.seed}, "
        f"{time.monotonic() - began:.0f} s on {os.cpu_count()} cores, Python {platform.python_version()}"
    )
    for what, found in wrong.items():
        print(f"{what}: {len(found)}")
        for line in found[:5]:
            print(f"  {line}")
    return sum(map(len, wrong.values()))


def main() -> int:
    """Parse the options and work on a server that is gone afterwards."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=40, help="purchase orders of the demo company")
    parser.add_argument("--seconds", type=float, default=3600, help="begin no further night after so many")
    arguments = parser.parse_args()
    os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="sluice-kills-airflow-"))
    folder = Path(tempfile.mkdtemp(prefix="sluice-kills-"))
    server = Settings(home=folder / "server")
    embedded.start(server)
    try:
        wrong = work(server, folder, arguments)
    finally:
        embedded.stop(server)
    shutil.rmtree(folder, ignore_errors=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
