"""Kills the processes of nights, from outside, and looks whether anybody could tell afterwards.

A kill waits until ops.steps shows the step at work ("named") or not ("random"), sleeps for a part of the step's known
duration, and sends SIGKILL. Then the same task runs again, as Airflow's retry does, or its run is given up and another
one begins, as the next night does.
"""

import itertools
import random
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import psutil
import psycopg

from sluice.owners import close_dead
from tests.integration.kills import tasks
from tests.integration.kills.reader import Reader, judge, state
from tests.integration.published import differences, published

STEP_SECONDS = 120
ORPHAN_SECONDS = 5


@dataclass(frozen=True)
class Kill:
    """One kill that hit a living process: at what, how many seconds after it began, what came next."""

    what: str
    subject: str
    how: str  # named, random
    delay: float
    then: str  # retry, next run, same command


@dataclass
class Nights:
    """Nights of one installation whose processes are killed.

    environment: the settings, as tasks find them. seed: decides whom, when and what then.
    """

    environment: dict[str, str]
    systems: tuple[str, ...]
    processes: tuple[str, ...]
    folder: Path
    seed: int
    is_cutting: bool = False  # cut the connections of a step instead of killing its process
    kills: list[Kill] = field(default_factory=list)
    missed: int = 0
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.url = self.environment["SLUICE_WAREHOUSE_URL"]
        self.log = self.folder / "tasks.log"
        self._numbers = itertools.count(1)
        self._seconds: dict[str, list[float]] = defaultdict(list)

    def night(self, day: date, reader: Reader | None = None, *, kills: Callable[[], bool] = lambda: False) -> None:
        """A night of all systems and processes; `kills()` says, for each step, whether its process is to be killed."""
        before = {process: state(self.url, process) for process in self.processes} if reader else {}
        for system in self.systems:
            self._run("extract", system, tasks.EXTRACT_STEPS, day, kills)
        for process in self.processes:
            self._run("mine", process, tasks.MINE_STEPS, day, kills)
            if reader:
                time.sleep(0.1)
                self.judge(reader, process, [before[process], state(self.url, process)])

    def judge(self, reader: Reader, process: str, states: list[dict[str, str]]) -> None:
        """What the reader saw of the process since the last time, against the states that there were."""
        self.wrong += [f"{process}: {line}" for line in judge(reader.take(process), states)]

    def _run(self, kind: str, subject: str, steps: tuple[str, ...], day: date, kills: Callable[[], bool]) -> None:
        """A run that comes through, whatever is killed on the way."""
        victims = {step for step in steps if kills()}
        while True:
            run_id, version = f"run_{next(self._numbers)}", None
            for step in steps:
                gave_up = False
                while True:
                    began = time.monotonic()
                    task = self._start(
                        tasks.run_step, kind, subject, step, day, run_id, {"full": False, "window_start": None}, version
                    )
                    if step in victims:
                        victims.discard(step)
                        then = self.random.choice(("retry", "retry", "next run"))
                        ops_id = f"{kind}__{subject}/{day}/{run_id}"
                        if self._kill(
                            task, f"{kind} {step}", subject, then, lambda i=ops_id, s=step: self._works(i, s)
                        ):
                            gave_up = then == "next run"
                            if gave_up:
                                break
                            continue
                    value = self._value(task, f"{kind} {subject} {step}")
                    self._seconds[f"{kind} {step}"].append(time.monotonic() - began)
                    version = value if kind == "extract" and value is not None else version
                    break
                if gave_up:
                    break
            else:
                return

    def command(self, what: str, subject: str, target: Callable, *arguments: object, kill: bool) -> object:
        """A command of its own that is killed at a random moment (if `kill`) and then given again; returns its value."""
        task = self._start(target, *arguments)
        if kill and self._kill(task, what, subject, "same command", None):
            task = self._start(target, *arguments)
        began = time.monotonic()
        value = self._value(task, what)
        if not kill or not self._seconds[what]:
            self._seconds[what].append(time.monotonic() - began)
        return value

    def _start(self, target: Callable, *arguments: object) -> tasks.Task:
        return tasks.start(target, *arguments, environment=self.environment, log=self.log)

    def _value(self, task: tasks.Task, what: str) -> object:
        if not task.wait(STEP_SECONDS):
            task.kill()
            raise AssertionError(f"{what} did not end within {STEP_SECONDS} s; see {self.log}")
        outcome, value = task.answer()
        assert outcome == "done", f"{what} {outcome}: {value}; kills so far: {self.kills[-3:]}; see {self.log}"
        return value

    def _kill(self, task: tasks.Task, what: str, subject: str, then: str, works: Callable[[], bool] | None) -> bool:
        known = statistics.median(self._seconds[what]) if self._seconds[what] else 0.5
        how = "named" if works and self.random.random() < 0.6 else "random"
        if how == "named":
            while not works() and not task.wait(0.005):
                continue
        began, delay = time.monotonic(), self.random.uniform(0, known * (0.8 if how == "named" else 1.1))
        task.wait(delay)
        if self.is_cutting:
            return self._cut(task, Kill(what, subject, how, round(time.monotonic() - began, 3), then))
        children = _children(task.process.pid)
        if not task.kill():
            self.missed += 1
            return False
        self.kills.append(Kill(what, subject, how, round(time.monotonic() - began, 3), then))
        deadline = time.monotonic() + ORPHAN_SECONDS
        while any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children):
            if time.monotonic() > deadline:
                self.wrong.append(f"{what} {subject}: a child of the killed process lives on: {children}")
                break
            time.sleep(0.05)
        return True

    def _cut(self, task: tasks.Task, kill: Kill) -> bool:
        """Cut all connections of the step to the warehouse; it must end, and say that another try may help."""
        with psycopg.connect(self.url) as db:
            cut = db.execute(
                """select count(pg_terminate_backend(pid)) from pg_stat_activity
                   where datname = current_database() and application_name like 'sluice %%#%%'"""
            ).fetchone()[0]
        if not task.wait(STEP_SECONDS):
            self.wrong.append(f"{kill.what} {kill.subject}: did not end after its connections were cut")
            task.kill()
            return True
        outcome, value = task.answer()
        if outcome == "done" or not cut:
            self.missed += 1
            return False
        self.kills.append(kill)
        if str(value).startswith("AirflowFailException"):
            self.wrong.append(f"{kill.what} {kill.subject}: not tried again after its connections were cut: {value}")
        return True

    def _works(self, run_id: str, step: str) -> bool:
        with psycopg.connect(self.url) as db:
            return (
                db.execute(
                    "select 1 from ops.steps where run_id = %s and step = %s and state = 'running' and message is null",
                    (run_id, step),
                ).fetchone()
                is not None
            )

    def left_running(self) -> list[tuple]:
        """Runs and steps that ops still calls running when nobody works, nor will; must be none.

        A run that was given up before its next step could be recorded lies idle after one that is done.
        """
        running = """select 'run', run_id, state from ops.runs where state = 'running'
                     union all select 'step', run_id || ' ' || step, state from ops.steps where state = 'running'"""
        with psycopg.connect(self.url, autocommit=True) as db:
            close_dead(db)
            after_no_end = db.execute(
                """select * from (select distinct on (s.run_id) s.run_id, s.step, s.state
                                  from ops.steps as s inner join ops.runs as r on r.run_id = s.run_id
                                  where r.state = 'running' order by s.run_id, s.started_at desc, s.attempt desc) as last
                   where state <> 'done'"""
            ).fetchall()
            close_dead(db, idle=timedelta(0))
            return after_no_end + db.execute(running).fetchall()

    def interrupted_count(self) -> int:
        with psycopg.connect(self.url) as db:
            return db.execute("select count(*) from ops.steps where state = 'interrupted'").fetchone()[0]

    def full_rebuild_differs(self, day: date) -> list[str]:
        """Where the published state differs from that of a full rebuild of the same raw rows."""
        found = published(self.url)
        for process in self.processes:
            for step in tasks.MINE_STEPS:
                task = self._start(tasks.run_step, "mine", process, step, day, "full_rebuild", {"full": True}, None)
                self._value(task, f"full rebuild of {process}: {step}")
        return differences(found, published(self.url))

    def fresh_warehouse_differs(self, url: str, day: date) -> list[str]:
        """Where the published state differs from that of an empty warehouse that reads the source in one night."""
        fresh = Nights(
            self.environment | {"SLUICE_WAREHOUSE_URL": url}, self.systems, self.processes, self.folder, self.seed
        )
        fresh.night(day)
        return differences(published(self.url), published(url))

    def report(self) -> list[str]:
        """Lines that say what was killed, when and how often."""
        by_what = Counter(kill.what for kill in self.kills)
        lines = [f"{'killed at':<24}{'kills':>6}  seconds into it (least, median, most)"]
        for what, count in sorted(by_what.items()):
            delays = sorted(kill.delay for kill in self.kills if kill.what == what)
            lines.append(f"{what:<24}{count:>6}  {delays[0]:.2f}  {statistics.median(delays):.2f}  {delays[-1]:.2f}")
        for name in ("how", "then"):
            counted = Counter(getattr(kill, name) for kill in self.kills)
            lines.append(f"{name}: " + ", ".join(f"{count} {word}" for word, count in sorted(counted.items())))
        return lines


def _children(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
