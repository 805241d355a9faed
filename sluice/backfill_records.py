"""The record of backfills: ops.backfills and its windows. One works at a time; one whose process is gone can be resumed."""

import getpass
import socket
from dataclasses import dataclass
from datetime import date, timedelta

import psycopg

from sluice.errors import BadInput, SluiceError
from sluice.owners import here, is_alive, take

LOCK = "sluice:backfill"
UNFINISHED = ("failed", "interrupted")


@dataclass(frozen=True)
class Window:
    """Days that one run of each system reads again, both included."""

    first_day: date
    last_day: date
    is_done: bool = False

    @property
    def days_count(self) -> int:
        return (self.last_day - self.first_day).days + 1


@dataclass(frozen=True)
class Record:
    """A backfill as it was asked for, with all its windows, the oldest first."""

    backfill_id: int
    systems: tuple[str, ...]
    first_day: date
    last_day: date
    reason: str
    asked_by: str
    state: str
    windows: tuple[Window, ...]

    @property
    def days_done(self) -> int:
        return sum(window.days_count for window in self.windows if window.is_done)

    @property
    def days_count(self) -> int:
        return (self.last_day - self.first_day).days + 1

    @property
    def name(self) -> str:
        return f"backfill {self.backfill_id} ({', '.join(self.systems)}, {self.first_day} … {self.last_day})"


def windows_of(start: date, end: date, days_each: int) -> tuple[Window, ...]:
    """`start` … `end` in windows of `days_each` days, the last one shorter where it does not come out even."""
    firsts = [start + timedelta(days=number) for number in range(0, (end - start).days + 1, days_each)]
    return tuple(Window(first, min(end, first + timedelta(days=days_each - 1))) for first in firsts)


def asker() -> str:
    """Who gives the command."""
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (KeyError, OSError):  # an account without a name
        return f"(unknown)@{socket.gethostname()}"


def hold(db: psycopg.Connection) -> None:
    """Be the one backfill that works, until the session of `db` ends; SluiceError naming the other one."""
    if not take(db, LOCK):
        row = db.execute(
            """select backfill_id, system, first_day, last_day, asked_by, owner,
                      to_char(started_at, 'YYYY-MM-DD HH24:MI:SS')
               from ops.backfills where state = 'running' order by backfill_id desc limit 1"""
        ).fetchone()
        what = (
            f"backfill {row[0]} ({row[1]}, {row[2]} … {row[3]}, asked for by {row[4]}) works since {row[6]} UTC, process {row[5]}"
            if row
            else "another backfill is about to begin"
        )
        raise SluiceError(
            f"{what}: wait for its end (`sluice status`), or end that process; then give this command again"
        )
    close_dead(db, holds_lock=True)


def close_dead(db: psycopg.Connection, *, holds_lock: bool = False) -> int:
    """Backfills that are recorded as running and whose process is gone become 'interrupted'; returns how many."""
    if not holds_lock and is_alive(db, LOCK):
        return 0
    closed = db.execute(
        """update ops.backfills set state = 'interrupted', finished_at = clock_timestamp(),
                  message = 'its process ' || owner || ' is gone: sluice backfill --resume goes on with the days that are missing'
           where state = 'running'"""
    ).rowcount
    db.execute(
        """update ops.backfill_windows as w set state = 'waiting' from ops.backfills as b
           where b.backfill_id = w.backfill_id and b.state = 'interrupted' and w.state = 'running'"""
    )
    return closed


def begin(
    db: psycopg.Connection, systems: tuple[str, ...], windows: tuple[Window, ...], *, reason: str, asked_by: str
) -> Record:
    """Record a new backfill as running; the caller holds the lock."""
    first, last = windows[0].first_day, windows[-1].last_day
    with db.transaction():
        backfill_id = db.execute(
            """insert into ops.backfills (system, first_day, last_day, reason, asked_by, owner, state, days_count)
               values (%s, %s, %s, %s, %s, %s, 'running', %s) returning backfill_id""",
            (", ".join(systems), first, last, reason, asked_by, here(), (last - first).days + 1),
        ).fetchone()[0]
        with db.cursor() as cursor:
            cursor.executemany(
                "insert into ops.backfill_windows (backfill_id, first_day, last_day, state) values (%s, %s, %s, 'waiting')",
                [(backfill_id, window.first_day, window.last_day) for window in windows],
            )
    return read(db, backfill_id)


def resume(db: psycopg.Connection, record: Record) -> Record:
    """Take up an unfinished backfill; the caller holds the lock."""
    with db.transaction():
        db.execute(
            "update ops.backfills set state = 'running', owner = %s, message = null, finished_at = null where backfill_id = %s",
            (here(), record.backfill_id),
        )
        db.execute(
            "update ops.backfill_windows set state = 'waiting' where backfill_id = %s and state <> 'done'",
            (record.backfill_id,),
        )
    return read(db, record.backfill_id)


def read(db: psycopg.Connection, backfill_id: int) -> Record:
    """A backfill by its number; BadInput when there is none."""
    row = db.execute(
        """select backfill_id, system, first_day, last_day, reason, asked_by, state from ops.backfills
           where backfill_id = %s""",
        (backfill_id,),
    ).fetchone()
    if row is None:
        raise BadInput(f"--resume {backfill_id}: there is no such backfill (`sluice status` shows them)")
    windows = db.execute(
        """select first_day, last_day, state = 'done' from ops.backfill_windows where backfill_id = %s
           order by first_day""",
        (backfill_id,),
    ).fetchall()
    return Record(row[0], tuple(row[1].split(", ")), *row[2:], tuple(Window(*window) for window in windows))


def unfinished(
    db: psycopg.Connection,
    *,
    systems: tuple[str, ...] | None = None,
    start: date | None = None,
    end: date | None = None,
) -> Record | None:
    """The last backfill that came to no end (of these systems and days, where they are given); None where there is none."""
    row = db.execute(
        """select backfill_id from ops.backfills where state = any (%s)
           and (%s::text is null or system = %s) and (%s::date is null or (first_day, last_day) = (%s, %s))
           order by backfill_id desc limit 1""",
        (list(UNFINISHED), systems and ", ".join(systems), systems and ", ".join(systems), start, start, end),
    ).fetchone()
    return read(db, row[0]) if row else None


def abandon(db: psycopg.Connection, record: Record) -> None:
    """Leave an unfinished backfill as it is, for good."""
    db.execute("update ops.backfills set state = 'abandoned' where backfill_id = %s", (record.backfill_id,))


def start_window(db: psycopg.Connection, record: Record, window: Window) -> None:
    db.execute(
        """update ops.backfill_windows set state = 'running', started_at = clock_timestamp(), message = null
           where backfill_id = %s and first_day = %s""",
        (record.backfill_id, window.first_day),
    )


def end_window(
    db: psycopg.Connection,
    record: Record,
    window: Window,
    *,
    seconds: float,
    run_ids: list[str],
    failure: str | None = None,
) -> tuple[int, int]:
    """Record how a window ended; returns the rows that it changed and the cases that were gated again because of it."""
    counts = db.execute(
        """select coalesce((select sum(inserted_count + updated_count + deleted_count) from ops.loads
                            where run_id = any (%(runs)s) and state = 'landed'), 0)::bigint,
                  coalesce((select sum(rows_in) from ops.steps
                            where run_id = any (%(runs)s) and step = 'publish' and state = 'done'), 0)::bigint""",
        {"runs": run_ids},
    ).fetchone()
    with db.transaction():
        db.execute(
            """update ops.backfill_windows set state = %s, finished_at = clock_timestamp(), seconds = %s, run_ids = %s,
                      changed_count = %s, touched_count = %s, message = %s
               where backfill_id = %s and first_day = %s""",
            (
                "failed" if failure else "done",
                seconds,
                run_ids,
                *counts,
                failure,
                record.backfill_id,
                window.first_day,
            ),
        )
        db.execute(
            """update ops.backfills set seconds = seconds + %s, days_done = (
                   select coalesce(sum(last_day - first_day + 1), 0) from ops.backfill_windows
                   where backfill_id = %s and state = 'done')
               where backfill_id = %s""",
            (seconds, record.backfill_id, record.backfill_id),
        )
    return counts


def end(db: psycopg.Connection, record: Record, state: str, message: str | None = None) -> None:
    db.execute(
        """update ops.backfills set state = %s, message = %s, finished_at = clock_timestamp() where backfill_id = %s""",
        (state, message, record.backfill_id),
    )


def seconds_per_window(db: psycopg.Connection, systems: tuple[str, ...]) -> tuple[float, int] | None:
    """(mean seconds, days of a window) of the last ten windows that were done for these systems."""
    row = db.execute(
        """select avg(seconds), round(avg(days))::int from (
               select w.seconds, w.last_day - w.first_day + 1 as days
               from ops.backfill_windows as w inner join ops.backfills as b on b.backfill_id = w.backfill_id
               where w.state = 'done' and b.system = %s order by w.finished_at desc limit 10) as last""",
        (", ".join(systems),),
    ).fetchone()
    return None if row[0] is None else (float(row[0]), row[1])


def seconds_of_a_night(db: psycopg.Connection) -> float | None:
    """Mean seconds of the steps of the last five days that ran, where no backfill did."""
    return db.execute(
        """select avg(seconds)::float8 from (
               select sum(s.seconds) as seconds from ops.steps as s inner join ops.runs as r on r.run_id = s.run_id
               where r.kind in ('extract', 'mine') and s.state = 'done' and r.day is not null
               group by r.day order by r.day desc limit 5) as nights"""
    ).fetchone()[0]
