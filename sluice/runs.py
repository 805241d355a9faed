"""What a run is, and the record that it leaves in ops.runs and ops.steps."""

import errno
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import psycopg
from psycopg.types.json import Jsonb

from sluice.errors import Blocked, SluiceError, Unreachable
from sluice.owners import application_name, close_dead, here, step_lock, take, take_turn
from sluice.row_counts import fill_in
from sluice.versions import versions
from sluice.warehouse import connect
from sluice.warehouse.connection import at_work

MODES = ("night", "window", "full")
PATIENCE_SECONDS = 60.0  # how long a step waits for a warehouse that is gone; Airflow's retries come on top
DISK_IS_FULL = ": the disk is full: make room, then run again; nothing was lost"


@dataclass(frozen=True)
class RunContext:
    """One run of one source system or process.

    day: the partition. as_of: the data horizon; nothing else reads the clock. mode: `night` from the watermark,
    `window` re-reads [window_start, window_end) of a source, `full` rebuilds or reads everything.
    """

    run_id: str
    subject: str
    day: date
    as_of: datetime
    mode: str = "night"
    window_start: datetime | None = None
    window_end: datetime | None = None

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"mode: expected one of {', '.join(MODES)}, found {self.mode!r}")
        if self.mode == "window" and (self.window_start is None or self.window_end is None):
            raise ValueError("mode 'window' needs window_start and window_end")


def as_of_day(day: date) -> datetime:
    """The data horizon of a day's run: midnight UTC after it."""
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)


@dataclass
class StepRecord:
    """What a step may say of itself before it ends: rows in and out, one line.

    fingerprint, parameters: of the whole run, for ops.runs (parameters are added to those that it has).
    """

    rows_in: int | None = None
    rows_out: int | None = None
    message: str | None = None
    error_class: str | None = None
    fingerprint: str | None = None
    parameters: dict[str, object] = field(default_factory=dict)


def _kind(run: RunContext) -> str:
    head = run.run_id.split("/", 1)[0]
    return "import" if head == "import" else "extract" if head.startswith("extract__") else "mine"


@contextmanager
def step(
    url: str,
    run: RunContext,
    name: str,
    *,
    ends_run: str | None = None,
    waits_for: Callable[[psycopg.Connection], str | None] | None = None,
) -> Iterator[StepRecord]:
    """Record a step of `run` in ops.steps (one row per attempt) and keep ops.runs up to date.

    ends_run: the run's state when this step succeeds and is the last one ('landed' or 'published').
    waits_for: names a run that must go on first, or None (sluice.owners.take_turn).
    The step waits for its turn while another one of the same system or process works, and holds it as long as this
    process lives (sluice.owners). A Blocked leaves the step and the run 'blocked', any other exception 'failed'; both are
    raised on. Raises Unreachable when the connection that held the turn broke meanwhile: the step must be repeated.
    """
    try:
        with _step(url, run, name, ends_run, waits_for) as record:
            yield record
    except Exception as error:
        line = _line(error)
        if line.endswith(DISK_IS_FULL) and line != str(error):
            raise SluiceError(line) from error
        raise


@contextmanager
def _step(
    url: str,
    run: RunContext,
    name: str,
    ends_run: str | None,
    waits_for: Callable[[psycopg.Connection], str | None] | None,
) -> Iterator[StepRecord]:
    record, kind = StepRecord(), _kind(run)
    with (
        at_work(application_name(kind, run.subject), patience=PATIENCE_SECONDS),
        closing(connect(url, autocommit=True)) as holder,
    ):
        close_dead(holder)
        attempt = _begin(holder, run, name)
        began = time.monotonic()
        try:
            take_turn(
                holder,
                kind,
                run.subject,
                say=lambda text: _say(holder, run, name, attempt, text),
                waits_for=waits_for,
            )
            began = time.monotonic()
            yield record
            _require_turn(holder, run, name)
        except BaseException as error:
            state, message = "blocked" if isinstance(error, Blocked) else "failed", _line(error)
            record.error_class = None if isinstance(error, SluiceError) else type(error).__name__
            try:
                _finish(url, run, name, attempt, record, state, time.monotonic() - began, message, state)
            except (psycopg.Error, SluiceError) as unrecorded:
                # the next step of any run, or `sluice status`, gives it its end
                logging.getLogger("sluice").warning("the end of %s could not be recorded: %s", name, _line(unrecorded))
            raise
        _finish(url, run, name, attempt, record, "done", time.monotonic() - began, record.message, ends_run)


def _line(error: BaseException) -> str:
    """The error as one line; a full disk says what to do."""
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    line = str(error) if isinstance(error, SluiceError) else f"{type(error).__name__}: {first}"
    if isinstance(error, psycopg.errors.DiskFull):
        return f"the warehouse: {first}{DISK_IS_FULL}"
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return f"{error.filename or 'this machine'}: {error.strerror}{DISK_IS_FULL}"
    return f"{line}{DISK_IS_FULL}" if "No space left on device" in line else line


def _begin(db: psycopg.Connection, run: RunContext, name: str) -> int:
    """Record run and step as running; returns the attempt. The step's lock is held before its row can be seen."""
    parameters = {
        "mode": run.mode,
        "window_start": str(run.window_start or ""),
        "window_end": str(run.window_end or ""),
    }
    with db.transaction():
        db.execute(
            """insert into ops.runs (run_id, kind, subject, day, as_of, state, parameters, versions)
               values (%s, %s, %s, %s, %s, 'running', %s, %s)
               on conflict (run_id) do update set state = 'running', message = null, finished_at = null,
                                                  versions = excluded.versions""",
            (run.run_id, _kind(run), run.subject, run.day, run.as_of, Jsonb(parameters), Jsonb(versions(db))),
        )
        attempt = db.execute(
            "select coalesce(max(attempt), 0) + 1 from ops.steps where run_id = %s and step = %s", (run.run_id, name)
        ).fetchone()[0]
        take(db, step_lock(run.run_id, name, attempt))
        db.execute(
            """insert into ops.steps (run_id, step, attempt, state, owner, message)
               values (%s, %s, %s, 'running', %s, 'waits for its turn')""",
            (run.run_id, name, attempt, here()),
        )
    return attempt


def _say(db: psycopg.Connection, run: RunContext, name: str, attempt: int, text: str) -> None:
    """What a running step does besides its work; "": nothing, and its work begins now."""
    db.execute(
        """update ops.steps set message = nullif(%s::text, ''),
                  started_at = case when %s::text = '' then clock_timestamp() else started_at end
           where run_id = %s and step = %s and attempt = %s""",
        (text, text, run.run_id, name, attempt),
    )


def _require_turn(holder: psycopg.Connection, run: RunContext, name: str) -> None:
    """Whether this step was alone to the end, which it knows as long as the session lives that holds its locks."""
    try:
        holder.execute("select 1")
    except psycopg.Error as error:
        raise Unreachable(
            f"{run.subject}: {name}: the connection to the warehouse that held the turn was lost ({error}): repeat the step"
        ) from None


def _finish(
    url: str,
    run: RunContext,
    name: str,
    attempt: int,
    record: StepRecord,
    state: str,
    seconds: float,
    message: str | None,
    run_state: str | None,
) -> None:
    with connect(url) as db:
        if state == "done":
            fill_in(db, _kind(run), run.run_id, run.subject, name, record)
        db.execute(
            """update ops.steps set state = %s, rows_in = %s, rows_out = %s, seconds = %s, message = %s,
                                    error_class = %s, finished_at = clock_timestamp()
               where run_id = %s and step = %s and attempt = %s""",
            (
                state,
                record.rows_in,
                record.rows_out,
                seconds,
                message,
                record.error_class,
                run.run_id,
                name,
                attempt,
            ),
        )
        if record.fingerprint is not None or record.parameters:
            db.execute(
                """update ops.runs set fingerprint = coalesce(%s, fingerprint), parameters = parameters || %s
                   where run_id = %s""",
                (record.fingerprint, Jsonb(record.parameters), run.run_id),
            )
        if run_state is not None:
            db.execute(
                "update ops.runs set state = %s, message = %s, finished_at = clock_timestamp() where run_id = %s",
                (run_state, message, run.run_id),
            )
