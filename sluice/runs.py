"""What a run is, and the record that it leaves in ops.runs and ops.steps."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from psycopg.types.json import Jsonb

from sluice.errors import Blocked, SluiceError
from sluice.warehouse import connect

MODES = ("night", "window", "full")


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
    """What a step may say of itself before it ends: rows in and out, one line."""

    rows_in: int | None = None
    rows_out: int | None = None
    message: str | None = None


def _kind(run: RunContext) -> str:
    head = run.run_id.split("/", 1)[0]
    return "import" if head == "import" else "extract" if head.startswith("extract__") else "mine"


@contextmanager
def step(url: str, run: RunContext, name: str, *, ends_run: str | None = None) -> Iterator[StepRecord]:
    """Record a step of `run` in ops.steps (one row per attempt) and keep ops.runs up to date.

    ends_run: the run's state when this step succeeds and is the last one ('landed' or 'published').
    A Blocked leaves the step and the run 'blocked', any other exception 'failed'; both are raised on.
    """
    record = StepRecord()
    with connect(url) as db:
        db.execute(
            """insert into ops.runs (run_id, kind, subject, day, as_of, state, parameters)
               values (%s, %s, %s, %s, %s, 'running', %s)
               on conflict (run_id) do update set state = 'running', message = null, finished_at = null""",
            (
                run.run_id,
                _kind(run),
                run.subject,
                run.day,
                run.as_of,
                Jsonb(
                    {
                        "mode": run.mode,
                        "window_start": str(run.window_start or ""),
                        "window_end": str(run.window_end or ""),
                    }
                ),
            ),
        )
        attempt = db.execute(
            """insert into ops.steps (run_id, step, attempt, state)
               select %(run)s, %(step)s, coalesce(max(attempt), 0) + 1, 'running'
               from ops.steps where run_id = %(run)s and step = %(step)s returning attempt""",
            {"run": run.run_id, "step": name},
        ).fetchone()[0]
    began = time.monotonic()
    try:
        yield record
    except BaseException as error:
        state = "blocked" if isinstance(error, Blocked) else "failed"
        message = (
            str(error)
            if isinstance(error, SluiceError)
            else f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
        )
        _finish(url, run, name, attempt, record, state, time.monotonic() - began, message, state)
        raise
    _finish(url, run, name, attempt, record, "done", time.monotonic() - began, record.message, ends_run)


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
        db.execute(
            """update ops.steps set state = %s, rows_in = %s, rows_out = %s, seconds = %s, message = %s
               where run_id = %s and step = %s and attempt = %s""",
            (state, record.rows_in, record.rows_out, seconds, message, run.run_id, name, attempt),
        )
        if run_state is not None:
            db.execute(
                "update ops.runs set state = %s, message = %s, finished_at = clock_timestamp() where run_id = %s",
                (run_state, message, run.run_id),
            )
