"""`sluice backfill`: read a window of days again through Airflow, window by window, and rebuild what it touches.

Nightly runs go on meanwhile: both take turns run by run. What is done stays done, so the same command goes on after an
interruption.
"""

import sys
import time
from contextlib import closing, nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import psycopg
from rich.console import Console
from rich.markup import escape

from sluice import backfill_records as records
from sluice import stack as airflow
from sluice.airflow_api import AirflowApi
from sluice.backfill_records import Record, Window
from sluice.errors import BadInput
from sluice.settings import Settings
from sluice.summary import make_console
from sluice.systems import configured_systems, minable_processes
from sluice.turns import turn
from sluice.warehouse import connect

EXIT_OK, EXIT_FAILED = 0, 1
MOST_WINDOWS = 31  # of a backfill that does not say how many days each has
LONG_DAYS = 366  # from here on --yes is asked for
START_SECONDS = 120
POLL_SECONDS = 1.0
_ENDED = ("success", "failed")


@dataclass(frozen=True)
class Request:
    """What was asked for. days_each: of a window (default: one day, more where there would be more than 31 windows)."""

    start: date | None = None
    end: date | None = None
    system: str | None = None
    reason: str = ""
    asked_by: str | None = None
    days_each: int | None = None
    resume: int | None = None  # 0: the last one that came to no end
    is_anew: bool = False  # do not go on with an unfinished one of the same days
    is_dry_run: bool = False
    is_sure: bool = False


def backfill(
    settings: Settings,
    start: date | None = None,
    end: date | None = None,
    *,
    system: str | None = None,
    reason: str = "",
    dry_run: bool = False,
    **options: object,
) -> int:
    """Read the days `start` … `end` (both included) of the configured systems again; returns the exit code.

    options: the other fields of Request. An unfinished backfill of the same systems and days is gone on with.
    Raises BadInput for a window that is empty or not over yet, SluiceError while another backfill works.
    """
    from sluice.nights import running_warehouse
    from sluice.run_night import expected_dags, night_stack

    asked = Request(start, end, system, reason, is_dry_run=dry_run, **options)
    if asked.resume is None:
        _check_days(asked)
    console = make_console()
    # with the Airflow of `sluice up` nights go on beside it; without one, both would need an Airflow of their own
    is_shared = asked.is_dry_run or airflow.running(settings) is not None
    with nullcontext() if is_shared else turn(settings, "sluice backfill"), running_warehouse(settings) as ready:
        if asked.is_dry_run and asked.resume is None:
            systems = _systems(settings, asked.system)
            _tell_plan(console, ready, systems, _windows(asked), preview=True)
            return EXIT_OK
        with closing(connect(ready.warehouse_url, autocommit=True)) as db:
            records.hold(db)
            record = _recorded(console, ready, db, asked)
            if record is None:
                return EXIT_OK
            try:
                with night_stack(ready) as stack:
                    airflow.wait_until_healthy(stack, expected_dags(ready))
                    work = _Backfill(ready, stack.api(), console, record, db)
                    return work.run()
            except KeyboardInterrupt:
                records.end(db, record, "interrupted", "stopped by hand: sluice backfill --resume goes on")
                raise
            except Exception as error:
                records.end(db, record, "failed", f"{type(error).__name__}: {error}".splitlines()[0])
                raise


def _recorded(console: Console, settings: Settings, db: psycopg.Connection, asked: Request) -> Record | None:
    """The backfill to work on, recorded as running: an unfinished one, or a new one; None when there is nothing to do."""
    if asked.resume is not None:
        found = records.read(db, asked.resume) if asked.resume else records.unfinished(db)
        if found is None or found.state not in records.UNFINISHED:
            console.print(f"{found.name} is {found.state}" if found else "no backfill is unfinished: nothing to resume")
            return None
    else:
        systems, windows = _systems(settings, asked.system), _windows(asked)
        found = records.unfinished(db, systems=systems, start=asked.start, end=asked.end)
        if found is not None and asked.is_anew:
            records.abandon(db, found)
            found = None
        if found is None:
            _tell_plan(console, settings, systems, windows, preview=False)
            _make_sure(asked, windows)
            return records.begin(
                db,
                systems,
                windows,
                reason=asked.reason or "(no reason given)",
                asked_by=asked.asked_by or records.asker(),
            )
    _systems(settings, None, found.systems)
    left = found.days_count - found.days_done
    console.print(
        f"{escape(found.name)} goes on: {found.days_done} of {found.days_count} days are done, {left} are left "
        f"({escape(found.reason)}, asked for by {escape(found.asked_by)}; --anew would begin at the first day again)"
    )
    return None if asked.is_dry_run else records.resume(db, found)


def _check_days(asked: Request) -> None:
    if asked.start is None or asked.end is None:
        raise BadInput("expected --from DAY and --to DAY, or --resume")
    if asked.end < asked.start:
        raise BadInput(f"--to {asked.end}: expected a day not before --from {asked.start}")
    if asked.end >= datetime.now(UTC).date():
        raise BadInput(f"--to {asked.end}: expected a day that is over (before today, UTC)")
    if asked.days_each is not None and asked.days_each < 1:
        raise BadInput(f"--days-each {asked.days_each}: expected at least 1")


def _windows(asked: Request) -> tuple[Window, ...]:
    days = (asked.end - asked.start).days + 1
    return records.windows_of(asked.start, asked.end, asked.days_each or -(-days // MOST_WINDOWS))


def _systems(settings: Settings, system: str | None, wanted: tuple[str, ...] | None = None) -> tuple[str, ...]:
    systems = configured_systems(settings)
    if system is not None and system not in systems:
        raise BadInput(f"--system {system}: expected a configured system ({', '.join(systems) or 'none is'})")
    if not systems:
        raise BadInput(
            "no source is configured: set SLUICE_SOURCE_ODOO_URL (a database) or SLUICE_AGENT_DROP (a folder)"
        )
    if wanted and set(wanted) - set(systems):
        raise BadInput(
            f"--resume: the system {', '.join(sorted(set(wanted) - set(systems)))} is not configured any more"
        )
    return (system,) if system else tuple(systems)


def _make_sure(asked: Request, windows: tuple[Window, ...]) -> None:
    days = (asked.end - asked.start).days + 1
    if days < LONG_DAYS or asked.is_sure:
        return
    if not sys.stdin.isatty():
        raise BadInput(f"{days} days in {len(windows)} windows: more than a year needs --yes (or --dry-run first)")
    if input(f"read {days} days again? [y/N] ").strip().lower() not in ("y", "yes"):
        raise BadInput("nothing was read again")


def _processes(settings: Settings, systems: tuple[str, ...]) -> dict[str, set[str]]:
    return {
        name: set(process.sources)
        for name, process in minable_processes(settings).items()
        if set(process.sources) & set(systems)
    }


def _tell_plan(
    console: Console, settings: Settings, systems: tuple[str, ...], windows: tuple[Window, ...], *, preview: bool
) -> None:
    """What would be read, what it would touch, and how long such windows took the last time."""
    first, last = windows[0].first_day, windows[-1].last_day
    days = (last - first).days + 1
    console.print(
        f"backfill {first} … {last}: {days} days in {len(windows)} windows × {', '.join(systems)} → "
        f"{', '.join(_processes(settings, systems)) or '(no process)'}"
    )
    if preview:
        for system in systems:
            _tell_preview(console, settings, system, first, last)
    with connect(settings.warehouse_url) as db:
        known, night = records.seconds_per_window(db, systems), records.seconds_of_a_night(db)
    if known:
        seconds, days_each = known
        console.print(
            f"  the last such windows took {seconds:.0f} s each ({days_each} days): about {len(windows) * seconds:.0f} s in all"
        )
    elif night:
        console.print(
            f"  no such backfill was done yet; the last nights' steps took {night:.0f} s each: expect up to "
            f"{len(windows) * night:.0f} s"
        )
    else:
        console.print("  no such backfill was done yet, nor a night: how long it takes is not known")


def _tell_preview(console: Console, settings: Settings, system: str, first: date, last: date) -> None:
    from extractors.preview import preview, window

    seen = preview(settings, system, window(_midnight(first), _midnight(last + timedelta(days=1))))
    for table in seen.tables:
        if table.row_count is None:
            console.print(f"  {system}.{table.table_name}: no cursor, compared whole each time")
        elif table.row_count:
            console.print(
                f"  {system}.{table.table_name}: {table.row_count:,} rows of these days, {table.news_count:,} of them "
                "not in the warehouse as they are now"
            )
    if system == "agent":
        console.print("  agent: files are read once, by their content, whatever the days")
        return
    if not any(table.row_count for table in seen.tables):
        console.print(f"  {system}: no row was changed in these days; deletions are looked for all the same")
    for process, count in seen.cases.items():
        console.print(f"  {process}: {count:,} cases have rows of these days")
    if seen.unseen_count:
        console.print(f"  {seen.unseen_count:,} rows belong to no case yet, or to none of a process")


class _Backfill:
    """The work: window after window, each read by one run of each system, then built, gated and mined."""

    def __init__(
        self, settings: Settings, api: AirflowApi, console: Console, record: Record, db: psycopg.Connection
    ) -> None:
        self.settings, self.api, self.console, self.record, self.db = settings, api, console, record, db
        processes = _processes(settings, record.systems)
        self.complete = sorted(name for name, sources in processes.items() if sources <= set(record.systems))
        # a process that also reads a system that is not read again waits for that one's asset: started here, at the end
        self.partial = sorted(set(processes) - set(self.complete))

    def run(self) -> int:
        known = self.api.dags()
        for dag_id in [f"extract__{name}" for name in self.record.systems] + [
            f"mine__{name}" for name in (*self.complete, *self.partial)
        ]:
            if known[dag_id]["is_paused"]:
                self.api.set_paused(dag_id, False)
        windows = self.record.windows
        for number, window in enumerate(windows, 1):
            if window.is_done:
                continue
            failure = self._work_on(number, window, is_last=number == len(windows))
            if failure:
                records.end(self.db, self.record, "failed", failure)
                self.console.print(
                    f"[red]failed[/] {window.first_day} … {window.last_day}: {escape(failure)}\n"
                    f"repair it, then `sluice backfill --resume {self.record.backfill_id}` goes on from there"
                )
                return EXIT_FAILED
        records.end(self.db, self.record, "done")
        done = self.record.days_count
        self.console.print(f"[bold green]all is well[/]: {done} days read again ({escape(self.record.name)})")
        return EXIT_OK

    def _work_on(self, number: int, window: Window, *, is_last: bool) -> str | None:
        """Returns what went wrong, or None."""
        began = time.monotonic()
        records.start_window(self.db, self.record, window)
        conf = {
            "window_start": _midnight(window.first_day).isoformat(),
            "window_end": _midnight(window.last_day + timedelta(days=1)).isoformat(),
        }
        note = f"{self.record.name}: {self.record.reason}"
        extracts = {
            f"extract__{name}": self.api.trigger(f"extract__{name}", window.last_day, conf, note=note)
            for name in self.record.systems
        }
        run_ids = [_ops_id(dag_id, window, run_id) for dag_id, run_id in extracts.items()]
        failure = self._follow_extracts(extracts, window)
        if failure is None:
            processes = [*self.complete, *(self.partial if is_last else ())]
            failure, mined = self._follow_processes(processes, window, run_ids)
            run_ids += mined
        seconds = time.monotonic() - began
        changed, touched = records.end_window(
            self.db, self.record, window, seconds=seconds, run_ids=run_ids, failure=failure
        )
        if failure is None:
            left = sum(not other.is_done for other in self.record.windows[number:])
            self.console.print(
                f"  {number:>3}/{len(self.record.windows)}  {window.first_day} … {window.last_day}  [green]done[/]  "
                f"{changed:,} rows changed, {touched:,} cases gated, {seconds:.0f} s"
                + (f"; about {left * seconds:.0f} s left" if left else "")
            )
        return failure

    def _follow_extracts(self, extracts: dict[str, str], window: Window) -> str | None:
        while True:
            states = {dag_id: self.api.run(dag_id, run_id)["state"] for dag_id, run_id in extracts.items()}
            if all(state in _ENDED for state in states.values()):
                break
            time.sleep(POLL_SECONDS)
        failed = [dag_id for dag_id, state in states.items() if state != "success"]
        return self._why(_ops_id(failed[0], window, extracts[failed[0]])) if failed else None

    def _follow_processes(
        self, processes: list[str], window: Window, sources: list[str]
    ) -> tuple[str | None, list[str]]:
        """Wait until each process was published by a run that began after the window had landed, whoever started it.

        Returns what went wrong (or None) and the runs.
        """
        landed_at = self.db.execute(
            "select max(finished_at) from ops.runs where run_id = any (%s)", (sources,)
        ).fetchone()[0]
        since, asked, done = time.monotonic(), set(), {}
        while True:
            for name in processes:
                dag_id = f"mine__{name}"
                row = self.db.execute(
                    """select run_id, state, message from ops.runs where kind = 'mine' and subject = %s
                       and started_at > %s and state in ('published', 'blocked', 'failed') order by started_at desc""",
                    (name, landed_at),
                ).fetchone()
                if row and row[1] == "published":
                    done[name] = row[0]
                    continue
                runs = [run for run in self.api.runs(dag_id) if run["partition_key"] and run["state"] not in _ENDED]
                if runs:
                    continue  # one is at work or queued: another one of another day will do as well
                if row:
                    return f"{name}: {row[2] or row[1]}", [row[0]]
                if name not in asked and (name in self.partial or time.monotonic() - since > START_SECONDS / 8):
                    asked.add(name)
                    self.api.trigger(dag_id, window.last_day, note=self.record.name)
                elif time.monotonic() - since > START_SECONDS:
                    return f"{dag_id} did not start within {START_SECONDS} s: is it paused in Airflow?", []
            if len(done) == len(processes):
                return None, list(done.values())
            time.sleep(POLL_SECONDS)

    def _why(self, run_id: str) -> str:
        row = self.db.execute("select state, message from ops.runs where run_id = %s", (run_id,)).fetchone()
        return f"{run_id.split('/')[0]}: {row[1] or row[0]}" if row else f"{run_id}: see `sluice status`"


def _ops_id(dag_id: str, window: Window, run_id: str) -> str:
    return f"{dag_id}/{window.last_day}/{run_id}"


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
