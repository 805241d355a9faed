"""Plays a history on the real layers and compares what it published with a full rebuild in a fresh warehouse.

Every step of a run is a forked child, so that it can be killed at a statement; the parent has no threads.
"""

import os
import pickle
import shutil
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
from psycopg import sql

from sluice.settings import PROJECT, Settings
from tests.integration.histories.desk import Drop
from tests.integration.histories.drawing import EXTRACTION, MINING, Edit, History, Mapping, Run
from tests.integration.histories.edits import LivingCompany
from tests.integration.published import differences, published

KEY = "5a" * 32
_EVENTS = "int_{process}__events_unioned"
_RENAMED = {
    "purchase_to_pay": ("int_purchase_to_pay__rfq_created.sql", "'Create RFQ'", "'Open RFQ'"),
    "order_to_cash": ("int_order_to_cash__quotation_created.sql", "'Create Quotation'", "'Open Quotation'"),
    "lead_to_order": ("int_lead_to_order__lead_created.sql", "'Create Lead'", "'Open Lead'"),
    "desktop_work": ("int_desktop_work__actions.sql", "'paste into '", "'insert into '"),
}


class StepFailed(Exception):
    """What a step said when it failed: its one line."""


class Killed(Exception):
    """The step's process was killed."""


@dataclass
class Outcome:
    """What a history came to. case_count: cases that were ever published or quarantined; changed_count: those of them
    that had two states at least, as published one after the other."""

    differences: list[str] = field(default_factory=list)
    case_count: int = 0
    changed_count: int = 0
    run_count: int = 0
    published_count: int = 0
    errors: list[str] = field(default_factory=list)


class Workshop:
    """What histories share: the server, and the project in all its variants, each parsed by dbt once."""

    def __init__(self, server_url: str, template: str, folder: Path, home: Path | None = None):
        self.server_url, self.template, self.folder = server_url, template, folder
        self.home = home or folder / "home"
        self.number = 0
        self._staged: dict[str, str] = {}

    def url(self, name: str) -> str:
        return self.server_url.rsplit("/", 1)[0] + f"/{name}"

    def database(self, name: str, template: str) -> str:
        """A new database; `template` is that of a migrated warehouse, or template0."""
        self.number += 1
        name = f"histories_{os.getpid()}_{self.number}_{name}"
        with psycopg.connect(self.server_url, autocommit=True) as db:
            db.execute(sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(template)))
        return self.url(name)

    def warehouse(self, process: str, name: str) -> str:
        """A fresh warehouse: empty, but that its staging views are made already, which costs dbt a start each time."""
        system = system_of(process)
        if system not in self._staged:
            play = Play(self, History(process, ()), warehouse=self.database(f"staged_{system}", self.template))
            play.extract({"full": True})
            with psycopg.connect(play.warehouse) as db:
                raw = db.execute(
                    "select format('%I.%I', schemaname, tablename) from pg_tables where schemaname ~ '^raw_'"
                )
                db.execute("truncate " + ", ".join(table for (table,) in raw.fetchall()))
                db.execute(f"drop schema landing_{system} cascade")
                db.execute("truncate ops.loads, ops.load_tables, ops.watermarks, ops.files, ops.runs, ops.steps")
                db.execute("truncate quality.quarantined_rows, quality.check_results")
            play.made.remove(play.warehouse)
            play.close()
            self._staged[system] = play.warehouse.rsplit("/", 1)[1]
        return self.database(name, self._staged[system])

    def drop(self, url: str) -> None:
        with psycopg.connect(self.server_url, autocommit=True) as db:
            db.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(url.rsplit("/", 1)[1])))

    def settings(self, process: str, variant: str) -> Settings:
        """Settings with the project as the variant has it, and a home of its own for what dbt parses."""
        if variant == "base":
            return Settings(home=self.home, pseudonym_key_hex=KEY)
        project = self.folder / f"{process}-{variant}" / "project"
        if not project.exists():
            for name in ("dbt_project", "processes"):
                shutil.copytree(PROJECT / name, project / name)
            _vary(project, process, variant)
        return Settings(home=project.parent / "home", project=project, pseudonym_key_hex=KEY)


def _vary(project: Path, process: str, variant: str) -> None:
    models = project / "dbt_project" / "models" / "intermediate" / process
    if variant == "yaml":
        _rewrite(project / "processes" / f"{process}.yml", ("k_anonymity: 5", "k_anonymity: 2"))
        if process != "desktop_work":
            order = ("order: [occurred_at, rank, source_seq, event_id]", "order: [occurred_at, event_id]")
            _rewrite(project / "processes" / f"{process}.yml", order)
    elif variant == "sql":
        name, old, new = _RENAMED[process]
        _rewrite(models / name, (old, new))
    elif variant == "seed":
        path = project / "dbt_project" / "seeds" / f"{process}__declared_activities.csv"
        header, *lines = path.read_text().splitlines()
        rows = [line.rsplit(",", 3) for line in lines]
        turned = [[name, rank and str(500 - int(rank)), f"{category}s", flag] for name, rank, category, flag in rows]
        path.write_text("\n".join([header, *(",".join(row) for row in turned)]) + "\n")
    elif variant == "broken":
        path = models / f"{_EVENTS.format(process=process)}.sql"
        path.write_text(path.read_text() + "\nwhere no_such_column > 0\n")
    elif variant == "forgetful":  # a fault that histories must find: where rows belonged before is not looked at
        place = "and published.source_key = changed_rows.source_key"
        _rewrite(project / "dbt_project" / "macros" / "touched_cases.sql", (place, f"{place} and false"))


def _rewrite(path: Path, change: tuple[str, str]) -> None:
    text = path.read_text()
    assert text.count(change[0]) == 1, f"{path.name}: {change[0]} is not there once"
    path.write_text(text.replace(*change))


def system_of(process: str) -> str:
    return "agent" if process == "desktop_work" else "odoo"


class Play:
    """One history on one warehouse (default: a fresh one)."""

    def __init__(
        self,
        workshop: Workshop,
        history: History,
        *,
        warehouse: str | None = None,
        variant: str = "base",
        say: Callable[[str], None] = lambda line: None,
    ):
        self.workshop, self.history, self.say = workshop, history, say
        self.process, self.system = history.process, system_of(history.process)
        self.warehouse = warehouse or workshop.warehouse(self.process, "warehouse")
        self.made = [self.warehouse]
        self.folder = workshop.folder / f"play-{workshop.number}"
        if self.system == "agent":
            self.source: LivingCompany | Drop = Drop(self.folder / "drop")
        else:
            source_url = workshop.database("source", "template0")
            self.made.append(source_url)
            self.source, self.source_url = LivingCompany(source_url, self.process), source_url
        self.variant, self.day, self.number = variant, date(2025, 3, 3), 0
        self.outcome, self.seen = Outcome(), {}
        self.repair: Callable[[], None] | None = None

    def run(self) -> Outcome:
        """Play all steps, a clean night after them, and compare."""
        try:
            for step in self.history.steps:
                self._do(step)
            if self.variant == "broken":
                self.variant = "base"
            self._do(Run(1, "night", "night", None))
            self._compare()
        finally:
            self.close()
        self.outcome.case_count = len(self.seen)
        self.outcome.changed_count = sum(len(states) > 1 for states in self.seen.values())
        return self.outcome

    def close(self) -> None:
        """Drop what was made."""
        if isinstance(self.source, LivingCompany):
            self.source.db.close()
        for url in self.made:
            self.workshop.drop(url)
        shutil.rmtree(self.folder, ignore_errors=True)

    def extract(self, params: dict[str, Any], fate: tuple = (None,)) -> None:
        """The steps of an extraction from the source as it is now."""
        self.source.flush()
        self._steps(self._settings(self.warehouse), EXTRACTION, f"extract__{self.system}", params, fate)

    def _do(self, step: Edit | Mapping | Run) -> None:
        self.say(str(step))
        match step:
            case Edit("shuffle", seed):
                self.source.flush()
                self.source.shuffle(str(seed))
            case Edit(kind, seed):
                self.source.edit(kind, str(seed))
            case Mapping(variant):
                self.variant = variant
            case Run():
                self._run(step)

    def _run(self, run: Run) -> None:
        self.source.wait(run.days)
        if self.repair is not None:
            self.repair()
            self.repair = None
        self.source.flush()
        fate = run.fate or (None,)
        if fate[0] == "duplicate" and isinstance(self.source, LivingCompany):
            self.repair = self.source.duplicate_a_key(str(fate[1]))
        self.day, self.number = self.source.now.date(), self.number + 1
        self.outcome.run_count += 1
        settings = self._settings(self.warehouse)
        try:
            if run.extract is not None:
                params: dict[str, Any] = {"full": run.extract == "full"}
                if isinstance(run.extract, tuple):
                    back, length = run.extract
                    start = datetime.fromordinal(self.day.toordinal() - back).replace(tzinfo=UTC)
                    end = datetime.fromordinal(self.day.toordinal() - back + length).replace(tzinfo=UTC)
                    params |= {"window_start": start.isoformat(), "window_end": end.isoformat()}
                self.extract(params, fate)
            has_raw = not (fate[0] == "stop" and fate[1] in EXTRACTION)
            mining = (MINING, f"mine__{self.process}", {"full": run.mine == "full"}, fate)
            if run.mine is not None and has_raw and self._steps(settings, *mining):
                self._remember()
        except (StepFailed, Killed) as error:
            self.say(f"  {type(error).__name__}: {error}")
            self.outcome.errors.append(str(error))
            if not (isinstance(error, Killed) or fate[0] == "duplicate" or self.variant == "broken"):
                raise  # nothing else may stop a run

    def _steps(self, settings: Settings, names: tuple[str, ...], dag_id: str, params: dict, fate: tuple) -> bool:
        """The steps of a run, up to the one that the fate stops it at; whether all were done."""
        version = None
        for name in names:
            dag_run = SimpleNamespace(
                dag_id=dag_id, partition_key=str(self.day), run_id=f"run_{self.number}", run_type="manual"
            )
            times = 2 if fate[:2] == ("repeat", name) else 1
            kill_at = fate[2] if fate[:2] == ("kill", name) else None
            for _ in range(times):
                if kill_at is not None:
                    try:
                        version = self._step(settings, name, version, dag_run, params, kill_at) or version
                        continue
                    except Killed:
                        if not fate[3]:
                            raise
                        self.say(f"  killed in {name}, tried again")
                version = self._step(settings, name, version, dag_run, params, None) or version
            if fate[:2] == ("stop", name):
                return False
        return True

    def _step(self, settings: Settings, name: str, version, dag_run, params, kill_at: int | None):
        def work():
            from sluice import dag_steps

            dag_steps.load_settings = lambda: settings
            _set_the_clock(self.source)
            if name == "copy":
                return dag_steps.copy(self.system, dag_run, params, lambda run_id: False)
            if name in EXTRACTION:
                return getattr(dag_steps, name)(self.system, version, dag_run, params)
            return getattr(dag_steps, name)(self.process, dag_run, params)

        began = time.monotonic()
        answer = in_child(work, kill_at=kill_at)
        self.say(f"  {name} {time.monotonic() - began:.1f} s")
        return answer

    def _settings(self, warehouse: str) -> Settings:
        settings = replace(self.workshop.settings(self.process, self.variant), warehouse_url=warehouse)
        if self.system == "agent":
            return replace(settings, agent_drop=self.source.folder)
        return replace(settings, source_urls={"odoo": self.source_url})

    def _remember(self) -> None:
        """The state of each case, as published now."""
        self.outcome.published_count += 1
        with psycopg.connect(self.warehouse) as db:
            now = dict(
                db.execute(
                    """select case_id,
                              md5(string_agg((activity, occurred_at, resource, source_key)::text, ',' order by event_seq))
                       from event_log.events where process = %s group by case_id""",
                    (self.process,),
                )
            )
            for (case_id,) in db.execute(
                "select case_id from quality.quarantined_cases where process = %s", (self.process,)
            ):
                now[case_id] = "quarantined"
        for case_id in self.seen.keys() | now.keys():  # to be gone is a state, too, of one that was there
            self.seen.setdefault(case_id, set()).add(now.get(case_id))

    def _compare(self) -> None:
        fresh = self.workshop.warehouse(self.process, "fresh")
        self.made.append(fresh)
        settings = self._settings(fresh)
        if isinstance(self.source, Drop):
            with psycopg.connect(self.warehouse) as db:
                read = {name for (name,) in db.execute("select file_id from ops.files")}
            settings = replace(settings, agent_drop=self.folder / "all")
            self.source.restore(settings.agent_drop, read)
        self.number += 1
        self._steps(settings, EXTRACTION, f"extract__{self.system}", {"full": True}, (None,))
        self._steps(settings, MINING, f"mine__{self.process}", {"full": True}, (None,))
        self.outcome.differences = differences(published(self.warehouse), published(fresh))


def _set_the_clock(source: LivingCompany | Drop) -> None:
    """The source's clock, and the begin of its oldest open transaction, are those of the history."""
    from extractors.source import Source

    now, horizon = (moment.replace(tzinfo=UTC) for moment in (source.now, source.horizon()))
    assert hasattr(Source, "_times")
    Source._times = lambda self: (now, horizon)


def in_child(work: Callable[[], Any], *, kill_at: int | None = None) -> Any:
    """Do `work` in a forked child and return its result; raises StepFailed, or Killed when it came to statement
    `kill_at` that it, or the dbt that it runs, sends."""
    reader, writer = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reader)
            if kill_at is not None:
                _kill_at(kill_at)
            try:
                answer = ("done", work())
            except BaseException as error:  # noqa: BLE001 - told to the parent
                answer = ("failed", f"{type(error).__name__}: {error}")
            os.write(writer, pickle.dumps(answer))
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read()
    os.waitpid(pid, 0)
    if not said:
        raise Killed()
    state, value = pickle.loads(said)
    if state == "failed":
        raise StepFailed(value)
    return value


def _kill_at(number: int) -> None:
    """Kill this process, and the one that forked it to run dbt, before the statement of that number is sent."""
    import adbc_driver_manager.dbapi
    from dbt.adapters.sql import SQLConnectionManager

    step, sent = os.getpid(), [0]

    def counted(call: Callable) -> Callable:
        def wrapper(*args, **kwargs):
            sent[0] += 1
            if sent[0] >= number:
                os.kill(step, signal.SIGKILL)
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*args, **kwargs)

        return wrapper

    psycopg.Connection.execute = counted(psycopg.Connection.execute)
    psycopg.Cursor.execute = counted(psycopg.Cursor.execute)
    adbc_driver_manager.dbapi.Cursor.execute = counted(adbc_driver_manager.dbapi.Cursor.execute)
    SQLConnectionManager.add_query = counted(SQLConnectionManager.add_query)
