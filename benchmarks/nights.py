"""What a night costs: a full build of the demo company, a night without news, a night that touches 1 % of the cases.

`python benchmarks/nights.py --events 1000000 [--keep FOLDER | --reuse FOLDER]` prints seconds, rows and peak memory per
step, and each night's share of the full build. On a PostgreSQL of its own; each step in a process of its own, forked as
the scheduler forks its tasks. Between two nights lie hours: what is written is on the disk when the next begins. Memory: of
the step's process its largest resident set, of a PostgreSQL process the largest sample of its anonymous pages (resident set
without shared buffers and files; one sample every 50 ms).
"""

import argparse
import gc
import importlib
import os
import pickle
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import psycopg

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sluice import demo
from sluice.airflow_launcher import PRELOADED
from sluice.dbt_runner import prepare
from sluice.processes import list_processes, load_process
from sluice.read_ahead import read_ahead
from sluice.runs import RunContext, as_of_day
from sluice.settings import Settings
from sluice.warehouse import embedded, migrate

SYSTEM, SOURCE, WAREHOUSE = "odoo", "demo_company", "nights"
EVENTS_PER_ORDER = 17.0  # of all processes together, per purchase order of the demo company
MEGABYTE = 1 << 20

# 1 % of the cases of each process: a new price in the document that a case stands on, and in its change log; an order that
# came of a lead goes with the lead, as both are of one case of lead_to_order
TOUCH = """
create temporary table touched on commit drop as
    select 'purchase.order' as model, id from purchase_order where id %% 100 = %(slice)s
    union all select 'sale.order', id from sale_order where coalesce(opportunity_id, id) %% 100 = %(slice)s
    union all select 'crm.lead', id from crm_lead where id %% 100 = %(slice)s;
update purchase_order set amount_untaxed = amount_untaxed + 1, write_date = %(now)s where id %% 100 = %(slice)s;
update sale_order set amount_untaxed = amount_untaxed + 1, write_date = %(now)s
    where coalesce(opportunity_id, id) %% 100 = %(slice)s;
update crm_lead set expected_revenue = expected_revenue + 1, write_date = %(now)s where id %% 100 = %(slice)s;
create temporary table messages on commit drop as
    select (select max(id) from mail_message) + row_number() over (order by model, id) as message_id, model, id from touched;
insert into mail_message (id, model, res_id, message_type, date, create_uid, create_date, write_date)
    select message_id, model, id, 'notification', %(now)s, 2, %(now)s, %(now)s from messages;
insert into mail_tracking_value (id, mail_message_id, field_id, old_value_float, new_value_float, create_uid, create_date,
                                 write_date)
    select (select max(id) from mail_tracking_value) + row_number() over (order by m.message_id), m.message_id, f.id, 1, 2, 2,
           %(now)s, %(now)s
    from messages as m inner join ir_model_fields as f on f.model = m.model
        and f.name = case m.model when 'crm.lead' then 'expected_revenue' else 'amount_untaxed' end;
"""


@dataclass(frozen=True)
class Measured:
    """One step: seconds, those of processors (its own and PostgreSQL's), rows (of what the step says of itself), peak bytes
    of its process and of PostgreSQL's."""

    subject: str
    step: str
    seconds: float
    processor: float
    rows: int | None
    client: int
    backend: int


class Watch:
    """Samples the anonymous memory of the server's processes while a block runs."""

    def __init__(self, postmaster: int) -> None:
        self.postmaster, self.peak, self._done = postmaster, 0, threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._done.wait(0.05):
            for pid in _children(self.postmaster):
                self.peak = max(self.peak, _anonymous(pid))


def _server_seconds(postmaster: int) -> float:
    """Processor time of the server's processes, those that ended and those that live."""
    while True:
        own = _times(postmaster)
        ticks = sum(own) + sum(sum(_times(pid)[:2]) for pid in _children(postmaster))
        if _times(postmaster)[2:] == own[2:]:  # else one ended meanwhile, and may be in neither sum
            return ticks / os.sysconf("SC_CLK_TCK")


def _times(pid: int) -> list[int]:
    """utime, stime, cutime, cstime of a process, in ticks."""
    try:
        return [int(value) for value in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]]
    except OSError:  # it ended meanwhile
        return [0, 0, 0, 0]


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _anonymous(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:  # it ended meanwhile
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon:")), 0)


def run_step(postmaster: int, subject: str, step: str, task: Callable[[], int | None]) -> Measured:
    """Run `task` in a forked process and measure it; ends the benchmark where it fails."""
    began, used = time.monotonic(), _server_seconds(postmaster)
    reader, writer = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            os.close(reader)
            rows = task()
            peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
            with os.fdopen(writer, "wb") as pipe:
                pickle.dump((rows, peak * 1024, sum(os.times()[:4])), pipe)
            code = 0
        except BaseException:  # noqa: BLE001 - a forked child must never return into its parent's code
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(code)
    os.close(writer)
    with Watch(postmaster) as watch, os.fdopen(reader, "rb") as pipe:
        answer = pipe.read()
        _, status = os.waitpid(pid, 0)
    if status != 0:
        raise SystemExit(f"{subject} {step} failed")
    rows, client, own = pickle.loads(answer)
    processor = own + _server_seconds(postmaster) - used
    return Measured(subject, step, time.monotonic() - began, processor, rows, client, watch.peak)


def night(settings: Settings, postmaster: int, name: str, day: date, *, mode: str = "night") -> list[Measured]:
    """One night: the extraction, then each process that reads it."""
    done: list[Measured] = []

    def run(subject: str, step: str, task: Callable[[], int | None]) -> None:
        done.append(run_step(postmaster, subject, step, task))
        one = done[-1]
        rows = "" if one.rows is None else f"{one.rows:,}"
        print(
            f"{name:14} {one.subject:16} {one.step:12} {one.seconds:8.1f} s {one.processor:8.1f} s {rows:>12} "
            f"{one.client / MEGABYTE:8.0f} MB {one.backend / MEGABYTE:8.0f} MB",
            flush=True,
        )

    context = RunContext(f"extract__{SYSTEM}/{day}/{name}", SYSTEM, day, as_of_day(day), mode)
    run(SYSTEM, "copy", lambda: _copy(settings, context))
    version = _query(settings.warehouse_url, "select max(version) from ops.loads")
    run(SYSTEM, "gate", lambda: _gate_landing(settings, version, context))
    run(SYSTEM, "land", lambda: _land(settings, version, context))
    run(SYSTEM, "stage", lambda: _stage(settings))
    for process in list_processes(settings.project):
        if SYSTEM in load_process(process, settings.project).sources:
            context = RunContext(f"mine__{process}/{day}/{name}", process, day, as_of_day(day), mode)
            for step, task in (
                ("build", _build),
                ("gate", _gate),
                ("mine", _mine),
                ("gate_results", _gate_results),
                ("publish", _publish),
            ):
                run(process, step, lambda task=task, process=process, context=context: task(settings, process, context))
    return done


def _copy(settings: Settings, context: RunContext) -> int:
    from extractors import pipeline

    version = pipeline.copy(settings, SYSTEM, context)
    return _query(settings.warehouse_url, f"select read_count from ops.loads where version = {version}")


def _gate_landing(settings: Settings, version: int, context: RunContext) -> None:
    from expectations.landing import gate_landing

    gate_landing(settings, SYSTEM, version, context)


def _land(settings: Settings, version: int, context: RunContext) -> int:
    from extractors import pipeline

    pipeline.land(settings, SYSTEM, version, context)
    changed = "inserted_count + updated_count + deleted_count"
    return _query(settings.warehouse_url, f"select {changed} from ops.loads where version = {version}")


def _stage(settings: Settings) -> None:
    from sluice import transform

    transform.stage(settings, SYSTEM)
    transform.build_bi(settings)


def _build(settings: Settings, process: str, context: RunContext) -> int:
    from sluice import transform

    return transform.build(settings, process, context).event_count


def _gate(settings: Settings, process: str, context: RunContext) -> int:
    from expectations.candidate import gate_candidate

    gate_candidate(settings, process, context)
    return _query(settings.warehouse_url, f"select count(*) from candidate.{process}__quarantined")


def _mine(settings: Settings, process: str, context: RunContext) -> int:
    from mining_tasks import runner

    return sum(runner.mine(settings, process, context).values())


def _gate_results(settings: Settings, process: str, context: RunContext) -> None:
    from expectations.mining import gate_mining

    gate_mining(settings, process, context)


def _publish(settings: Settings, process: str, context: RunContext) -> int:
    from sluice.publish import publish

    return publish(settings, process, context).event_count


def _query(url: str, query: str) -> int:
    with psycopg.connect(url) as db:
        return db.execute(query).fetchone()[0]


def touch(url: str, day: date, part: int) -> None:
    """Change 1 % of the orders and leads, another 1 % for every `part`."""
    with psycopg.connect(url) as db:
        values = {"slice": part % 100, "now": f"{day} 12:00:00"}
        for statement in TOUCH.strip().split(";\n"):
            if statement.strip():
                db.execute(statement.rstrip(";"), values)


def settle(settings: Settings) -> None:
    """What was written before a night is on the disk when it begins, as after the hours that lie between two nights."""
    with psycopg.connect(embedded.url(settings, "postgres"), autocommit=True) as db:
        db.execute("checkpoint")
    os.sync()


def touched_cases(settings: Settings) -> str:
    """How many cases of each process the last build made anew."""
    found = []
    for process in list_processes(settings.project):
        if SYSTEM in load_process(process, settings.project).sources:
            made = _query(settings.warehouse_url, f"select count(*) from candidate.{process}__touched_cases")
            there = _query(settings.warehouse_url, f"select count(*) from event_log.cases where process = '{process}'")
            found.append(f"{made:,} of {there:,} cases of {process} ({made / there:.2%})")
    return ", ".join(found)


def fingerprint(url: str) -> dict[str, str]:
    """Hash of every published table, load times and runs aside."""
    left_out = ("loaded_at", "run_id", "published_at", "first_seen_at")
    found = {}
    with psycopg.connect(url) as db:
        tables = db.execute(
            """select table_schema, table_name, string_agg(quote_ident(column_name), ', ' order by ordinal_position)
               from information_schema.columns where table_schema in ('event_log', 'mining') and column_name <> all(%s)
               group by 1, 2 order by 1, 2""",
            (list(left_out),),
        ).fetchall()
        for schema, table, columns in tables:
            found[f"{schema}.{table}"] = db.execute(
                f"select count(*) || ':' || coalesce(sum(hashtextextended(({columns})::text, 0)::numeric), 0) "
                f"from {schema}.{table}"
            ).fetchone()[0]
    return found


def report(nights: dict[str, list[Measured]]) -> None:
    """A line per step, a column per night, and the shares of the full build."""
    full = nights["full build"]
    print(f"\n{'':30}" + "".join(f"{name:>18}" for name in nights))
    for index, one in enumerate(full):
        line = "".join(f"{steps[index].seconds:16.1f} s" for steps in nights.values())
        print(f"{one.subject:17}{one.step:13}{line}")
    totals = {name: sum(one.seconds for one in steps) for name, steps in nights.items()}
    print(f"{'all':30}" + "".join(f"{total:16.1f} s" for total in totals.values()))
    used = {name: sum(one.processor for one in steps) for name, steps in nights.items()}
    print(f"{'all, seconds of processors':30}" + "".join(f"{total:16.1f} s" for total in used.values()))
    for what, choose in (("client", lambda one: one.client), ("PostgreSQL", lambda one: one.backend)):
        peaks = [max((one for one in steps), key=choose) for steps in nights.values()]
        line = "".join(f"{choose(one) / MEGABYTE:15.0f} MB" for one in peaks)
        print(f"{'peak memory, ' + what:30}{line}")
    aside = max(one.client for steps in nights.values() for one in steps if one.step != "mine")
    print(f"peak memory, client, mining aside: {aside / MEGABYTE:.0f} MB")
    print(f"\n5 % of the full build: {totals['full build'] * 0.05:.1f} s")
    for start_up in (name for name in nights if name.startswith("no news")):
        print(f"{start_up}: {totals[start_up]:.1f} s; held against it,")
        for name, total in totals.items():
            if name.startswith("1 %"):
                share = (total - totals[start_up]) / totals["full build"]
                of_used = (used[name] - used[start_up]) / used["full build"]
                print(
                    f"  {name}: {total:.1f} s = start-up + {share:.1%} of the full build "
                    f"(in seconds of processors: + {of_used:.1%})"
                )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000, help="about how many events of all processes together")
    parser.add_argument("--keep", type=Path, help="a new folder that keeps the company and its server")
    parser.add_argument("--reuse", type=Path, help="a folder that an earlier --keep made")
    parser.add_argument("--nights", type=int, default=1, help="how many nights of 1 %% (default 1)")
    parser.add_argument("--skip-full", action="store_true", help="go on with the warehouse of the last --reuse")
    parser.add_argument("--scheduler", action="store_true", help="also nights without news through a real Airflow")
    parser.add_argument("--verify", action="store_true", help="compare with a full rebuild at the end")
    given = parser.parse_args()
    os.environ["SLUICE_DBT_FORK"] = "1"
    for module in PRELOADED:  # as the scheduler does, for its tasks
        importlib.import_module(module)

    home = (given.reuse or given.keep or Path(tempfile.mkdtemp(prefix="sluice-nights-"))).resolve()
    settings = Settings(home=home, pseudonym_key_hex="01" * 32)
    embedded.start(settings)
    prepare(embedded.url(settings, "postgres"), settings.project, home)  # as `sluice run` does
    read_ahead(replace(settings, source_urls={SYSTEM: embedded.url(settings, SOURCE)}))
    gc.freeze()  # as Airflow's executor does before it forks
    try:
        _benchmark(given, settings)
    finally:
        embedded.stop(settings)
        if not (given.keep or given.reuse):
            shutil.rmtree(home, ignore_errors=True)


def _benchmark(given: argparse.Namespace, settings: Settings) -> None:
    source = _database(settings, SOURCE)
    with psycopg.connect(embedded.url(settings, "postgres"), autocommit=True) as db:
        # PostgreSQL's own value, which an Odoo's server has; the embedded one has none for the warehouse's sake
        db.execute(f"alter database {SOURCE} set max_parallel_workers_per_gather = 2")
    warehouse = _database(settings, WAREHOUSE, fresh=not given.skip_full)
    began = time.monotonic()
    made = demo.state(settings.home / "demo") if given.reuse else None
    made = made or demo.ensure(
        settings, url=source, cases=max(round(given.events / EVENTS_PER_ORDER), 1), folder=settings.home / "demo"
    )
    print(f"{platform.platform()}, {os.cpu_count()} cores; made the company in {time.monotonic() - began:.0f} s")
    settings = replace(settings, warehouse_url=warehouse, source_urls={SYSTEM: source}, person_map=made.person_map)
    migrate(warehouse)
    postmaster = int((embedded.data_folder(settings) / "postmaster.pid").read_text().split()[0])
    _query(source, "select count(*) from purchase_order")
    counter = settings.home / "night"
    past = int(counter.read_text()) if counter.exists() else 0
    print(f"{'':44} {'seconds':>10} {'processor':>10} {'rows':>12} {'client':>11} {'PostgreSQL':>11}")
    nights: dict[str, list[Measured]] = {}
    plan = ([] if given.skip_full else ["full build"]) + ["no news"]
    plan += ["1 % touched" + (f" ({n})" if n else "") for n in range(given.nights)]
    plan += ["no news again"]  # the first comes after the load, whose pages nobody has read since
    for name in plan:
        past += 1
        counter.write_text(str(past))
        day = made.day + timedelta(days=past)
        if name.startswith("1 %"):
            touch(source, day, past)
        settle(settings)
        nights[name] = night(settings, postmaster, name, day)
        if name.startswith("1 %"):
            print(f"{name}: {touched_cases(settings)}", flush=True)
    if not given.skip_full:
        report(nights)
    counts = ("event_log.events", "event_log.cases")
    print(", ".join(f"{_query(warehouse, f'select count(*) from {table}'):,} {table}" for table in counts))
    if given.scheduler:
        for what in ("the first time, which makes Airflow's tables", "again"):
            past += 1
            counter.write_text(str(past))
            seconds = scheduled(settings, made.day + timedelta(days=past))
            print(f"a night without news through a real scheduler, {what}: {seconds:.1f} s")
    if given.verify:
        before = fingerprint(warehouse)
        night(settings, postmaster, "rebuild", made.day + timedelta(days=past), mode="full")
        after = fingerprint(warehouse)
        differing = [table for table in after if before.get(table) != after[table]]
        print("a full rebuild differs in " + (", ".join(differing) or "no table") + f" of {len(after)}")


def scheduled(settings: Settings, day: date) -> float:
    """Seconds of `sluice run` on the warehouse, a night without news through a real Airflow: from its start to its end."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")} | {
        "SLUICE_HOME": str(settings.home / "scheduler"),
        "SLUICE_WAREHOUSE_URL": settings.warehouse_url,
        f"SLUICE_SOURCE_{SYSTEM.upper()}_URL": settings.source_urls[SYSTEM],
        "SLUICE_PERSON_MAP": str(settings.person_map),
        "SLUICE_PSEUDONYM_KEY": settings.pseudonym_key_hex,
    }
    began = time.monotonic()
    done = subprocess.run(
        [Path(sys.executable).with_name("sluice"), "run", "--day", str(day)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        raise SystemExit(f"sluice run ended with {done.returncode}:\n{done.stdout}")
    return time.monotonic() - began


def _database(settings: Settings, name: str, *, fresh: bool = False) -> str:
    with psycopg.connect(embedded.url(settings, "postgres"), autocommit=True) as db:
        if fresh:
            db.execute(f'drop database if exists "{name}" with (force)')
        if not db.execute("select 1 from pg_database where datname = %s", (name,)).fetchone():
            db.execute(f'create database "{name}"')
    return embedded.url(settings, name)


if __name__ == "__main__":
    main()
