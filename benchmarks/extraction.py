"""Times extraction against a bare COPY into COPY of the same rows into keyed tables: `python benchmarks/extraction.py`.

The source is a demo company in Odoo's tables. Everything runs on an embedded server of its own, under a temporary folder.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
from psycopg import sql

from extractors.catalog import describe
from extractors.postgres import copy_source, land_source
from extractors.source import open_source
from extractors.specs import SystemSpec, load_spec
from sluice import demo
from sluice.runs import RunContext
from sluice.settings import Settings
from sluice.warehouse import embedded, migrate

ROWS_PER_CASE = 55  # that the extractor reads, of a purchase order and the sales that come with it
AS_OF = datetime(2025, 7, 2, tzinfo=UTC)
SHIFT = 400  # days, more than the company's history and the overlap


class Memory(threading.Thread):
    """Watches the peak memory (resident, shared buffers included) of this process and of the server's, by kind."""

    def __init__(self, postmaster: int) -> None:
        super().__init__(daemon=True)
        self.postmaster, self.peaks, self.stopped = postmaster, {}, threading.Event()

    def run(self) -> None:
        while not self.stopped.wait(0.05):
            self.look(os.getpid(), "sluice")
            for process in Path("/proc").iterdir():
                if process.name.isdigit() and self._parent(process) == self.postmaster:
                    self.look(int(process.name), self._kind(process))

    @staticmethod
    def _parent(process: Path) -> int | None:
        try:
            return int((process / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError):
            return None

    @staticmethod
    def _kind(process: Path) -> str:
        try:
            title = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return "postgres: ?"
        for database in ("source", "warehouse"):
            if f" {database} " in title:
                return f"postgres: a connection to the {database}"
        return "postgres: other"

    def look(self, pid: int, kind: str) -> None:
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            return
        for line in status.splitlines():
            if line.startswith("VmHWM:"):
                self.peaks[kind] = max(self.peaks.get(kind, 0), int(line.split()[1]) * 1024)


class Bench:
    """One server with a source, a warehouse that is made anew for each round, and a keyed copy of the source's tables."""

    def __init__(self, settings: Settings, rows: int, seed: int) -> None:
        self.settings, self.runs, self.idle_cpu = settings, 0, 0.0
        self.postmaster = int((embedded.data_folder(settings) / "postmaster.pid").read_text().split()[0])
        self.spec: SystemSpec = load_spec("odoo")
        for name in ("source", "bare"):
            self._database(name)
        self.source, self.bare = (embedded.url(settings, name) for name in ("source", "bare"))
        demo.ensure(settings, url=self.source, cases=max(1, rows // ROWS_PER_CASE), seed=seed, desktop_limit=0)
        self.ready = replace(
            settings, source_urls={"odoo": self.source}, warehouse_url=embedded.url(settings, "warehouse")
        )
        with open_source(self.ready, self.spec) as source, psycopg.connect(self.bare) as db:
            self.queries = {}
            for name, table in describe(source).items():
                columns = ", ".join(f'"{column}" {kind}' for column, kind in table.types.items())
                db.execute(f"create table {name} ({columns}, primary key ({', '.join(table.spec.key)}))")
                self.queries[name] = source.select(table.spec, table.spec.column_names).as_string(source.db)

    def _database(self, name: str) -> None:
        with psycopg.connect(embedded.url(self.settings, "postgres"), autocommit=True) as db:
            db.execute(f"drop database if exists {name} with (force)")
            db.execute(f"create database {name} template template0")

    def fresh_warehouse(self) -> None:
        self._database("warehouse")
        migrate(self.ready.warehouse_url)

    def bare_copy(self) -> float:
        """Seconds of psql | psql, table after table, into tables that have their primary key; without what the same
        takes for no rows, since the start of two psql a table is no part of it."""
        seconds, before = self._pipes(""), cpu_seconds(self.postmaster)
        empty = self._pipes(" limit 0")
        self.idle_cpu = 2 * (cpu_seconds(self.postmaster) - before)  # both runs start the clients
        return max(0.01, seconds - empty)

    def _pipes(self, ending: str) -> float:
        with psycopg.connect(self.bare) as db:
            db.execute(f"truncate {', '.join(self.queries)}")
        psql = str(embedded.binary("psql"))
        with _clock() as clock:
            for name, query in self.queries.items():
                read = subprocess.Popen(
                    [psql, "-Xqd", self.source, "-c", f"copy ({query}{ending}) to stdout (format binary)"],
                    stdout=subprocess.PIPE,
                )
                write = [psql, "-Xqd", self.bare, "-c", f"copy {name} from stdin (format binary)"]
                subprocess.run(write, stdin=read.stdout, check=True)
                if read.wait():
                    raise SystemExit(f"the bare copy of {name} failed")
        return clock.seconds

    def night(self, mode: str) -> tuple[float, float]:
        """Seconds of copy and of land."""
        self.runs += 1
        ctx = RunContext(f"benchmark/{self.runs}", "odoo", date(2025, 7, 1), AS_OF, mode)
        with _clock() as copying:
            version = copy_source(self.ready, self.spec, ctx)
        with _clock() as landing:
            land_source(self.ready, self.spec, version, ctx)
        return copying.seconds, landing.seconds

    def shift(self, days: int) -> None:
        """Move the write dates of all rows; then the source is tidied up."""
        self._update("{c} = {c} + interval '%s days'" % days, "true")  # noqa: UP031

    def change_some(self, share: float) -> None:
        """A share of the rows gets the latest write date of their table."""
        self._update("{c} = (select max({c}) from {t})", f"mod(id, 1000) < {1000 * share:.0f}")

    def _update(self, assignment: str, condition: str) -> None:
        with psycopg.connect(self.source, autocommit=True) as db:
            for name, table in self.spec.tables.items():
                if table.cursor:
                    names = {"t": sql.Identifier(name), "c": sql.Identifier(table.cursor)}
                    db.execute(sql.SQL(f"update {{t}} set {assignment} where {condition}").format(**names))
            db.execute("vacuum full")
            db.execute("analyze")

    def loaded(self) -> tuple[int, int, int, int]:
        """Rows read, inserted, updated and deleted by the last load."""
        with psycopg.connect(self.ready.warehouse_url) as db:
            return db.execute(
                "select read_count, inserted_count, updated_count, deleted_count from ops.loads order by version desc limit 1"
            ).fetchone()

    def settle(self) -> None:
        """What an earlier part left to be written to the disk is not this one's."""
        with psycopg.connect(embedded.url(self.settings, "postgres"), autocommit=True) as db:
            db.execute("checkpoint")


class _Clock:
    seconds = 0.0


@contextmanager
def _clock():
    clock, began = _Clock(), time.monotonic()
    yield clock
    clock.seconds = time.monotonic() - began


def cpu_seconds(postmaster: int) -> float:
    """What this process, its ended children and the server's ended connections have used of the processors: unlike the
    time on the wall, hardly moved by what else the machine does."""
    time.sleep(0.3)  # until the server has seen its connections end
    fields = Path(f"/proc/{postmaster}/stat").read_text().rsplit(")", 1)[1].split()
    used = os.times()
    ended = (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")
    return ended + used.user + used.system + used.children_user + used.children_system


# what is timed: name, mode of the run, bar
PARTS = (
    ("first load", "night", 2.5),
    ("nothing changed: a night", "night", 2.0),
    ("nothing changed: everything read again", "full", 2.0),
    ("one row in a hundred changed", "night", None),
    ("all changed", "night", 4.0),
)


def measure(bench: Bench, rounds: int) -> dict[str, list[tuple[float, float, float, tuple]]]:
    """Part -> per round (bare copy, copy, land, rows of the load, ratio of processor time); a bare copy stands beside
    every part."""
    found = {name: [] for name, _, _ in PARTS}
    for _ in range(rounds):
        bench.fresh_warehouse()
        for name, mode, _ in PARTS:
            if name.startswith("all"):
                bench.shift(SHIFT)
            elif name.startswith("one"):
                bench.change_some(0.01)
            bench.settle()
            before = cpu_seconds(bench.postmaster)
            bare = bench.bare_copy()
            between = cpu_seconds(bench.postmaster)
            bench.settle()
            begin = cpu_seconds(bench.postmaster)
            times = bench.night(mode)
            cpu = (cpu_seconds(bench.postmaster) - begin) / (between - before - bench.idle_cpu)
            found[name].append((bare, *times, bench.loaded(), cpu))
        bench.shift(-SHIFT)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=500_000, help="rows that are read, over all tables")
    parser.add_argument("--rounds", type=int, default=3, help="alternations, of which the median is printed")
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="sluice-benchmark-"))
    settings = Settings(home=home)
    try:
        embedded.start(settings)
        bench = Bench(settings, asked.rows, asked.seed)
        memory = Memory(bench.postmaster)
        bench.shift(-2 * SHIFT)  # no watermark is ever beyond the clock
        memory.start()
        found = measure(bench, asked.rounds)
        memory.stopped.set()
    finally:
        embedded.stop(settings)
        shutil.rmtree(home, ignore_errors=True)
    report(found, memory, len(bench.queries), asked.rounds)


def report(found: dict[str, list[tuple]], memory: Memory, tables: int, rounds: int) -> None:
    rows = found[PARTS[0][0]][0][3][0]
    print(f"{rows:,} rows in {tables} tables of Odoo; median of {rounds} rounds; seconds\n")
    print(
        "| | bare copy | copy | land | ratio | lowest–highest | of processor time | rows read | inserted | updated | bar |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for name, _, bar in PARTS:
        bare, copying, landing = (statistics.median(times) for times in list(zip(*found[name], strict=True))[:3])
        ratios = sorted((copy + land) / base for base, copy, land, _, _ in found[name])
        read, inserted, updated, _ = found[name][0][3]
        cpu = statistics.median(one[4] for one in found[name])
        print(
            f"| {name} | {bare:.1f} | {copying:.1f} | {landing:.1f} | {statistics.median(ratios):.2f} | "
            f"{ratios[0]:.2f}–{ratios[-1]:.2f} | {cpu:.2f} | {read:,} | {inserted:,} | {updated:,} | {bar or '–'} |"
        )
    print("\n| process | peak memory, MB |\n|---|---|")
    for kind, size in sorted(memory.peaks.items(), reverse=True):
        print(f"| {kind} | {size / 1e6:.0f} |")


if __name__ == "__main__":
    main()
