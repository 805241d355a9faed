"""Who works on what: a step holds two advisory locks as long as its process lives, its own and that of its subject.

The first tells whether a step that is recorded as running has an owner still; the second keeps two runs of one system or
process apart. Both end with the session that holds them, however it ends.
"""

import logging
import os
import socket
import time
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256

import psutil
import psycopg

from sluice.errors import SluiceError

TURN_SECONDS = 6 * 3600
POLL_SECONDS = 0.5
LEFTOVER_SECONDS = 5.0
# between two steps of a run lies a retry's delay at most (RETRIES of sluice.dag_steps)
IDLE_RUN = timedelta(minutes=15)

_GONE = (
    "its process {owner} is gone (killed, or its machine or the database stopped); nothing half-done was published: "
    "run again, it goes on from what was committed"
)


def here() -> str:
    """This process, as ops.steps.owner has it."""
    return f"{socket.gethostname()}:{os.getpid()}"


def step_lock(run_id: str, step: str, attempt: int) -> str:
    return f"sluice:step:{run_id}:{step}:{attempt}"


def subject_lock(kind: str, subject: str) -> str:
    """An import and a run of a declared process write the same candidate tables."""
    return f"sluice:subject:{'extract' if kind == 'extract' else 'mine'}:{subject}"


def application_name(kind: str, subject: str) -> str:
    """What the sessions of a step call themselves: the part before `#` tells the subject, the rest the process."""
    process = f"{here()} {psutil.Process().create_time()}"
    return f"{_application_prefix(kind, subject)}{sha256(process.encode()).hexdigest()[:8]}"


def _application_prefix(kind: str, subject: str) -> str:
    short = subject if len(subject) <= 36 else f"{subject[:24]}~{sha256(subject.encode()).hexdigest()[:8]}"
    return f"sluice {'extract' if kind == 'extract' else 'mine'} {short} #"


def take(db: psycopg.Connection, lock: str) -> bool:
    """Take the lock for the session of `db` if it is free; the session then lasts however long it is idle."""
    db.execute("select set_config(name, '0', false) from pg_settings where name = 'idle_session_timeout'")
    return db.execute("select pg_try_advisory_lock(hashtextextended(%s, 0))", (lock,)).fetchone()[0]


def is_alive(db: psycopg.Connection, lock: str) -> bool:
    """Whether some session holds the lock. To be asked from another session than the one that may hold it."""
    return db.execute(
        """select exists (
               select from pg_locks where locktype = 'advisory' and objsubid = 1 and granted
               and database = (select oid from pg_database where datname = current_database())
               and classid::bigint = (hashtextextended(%(lock)s, 0) >> 32) & 4294967295
               and objid::bigint = hashtextextended(%(lock)s, 0) & 4294967295)""",
        {"lock": lock},
    ).fetchone()[0]


def close_dead(db: psycopg.Connection, *, idle: timedelta = IDLE_RUN) -> int:
    """Give steps and runs that are recorded as running, and whose process is gone, their end: 'interrupted', or what they
    had reached. Returns how many steps. Safe at any time, from any session, whatever works at the moment.

    idle: how long a run may lie between two of its steps before nobody is expected to go on with it.
    """
    closed = 0
    for run_id, step, attempt, owner in db.execute(
        "select run_id, step, attempt, owner from ops.steps where state = 'running'"
    ).fetchall():
        if is_alive(db, step_lock(run_id, step, attempt)):
            continue
        closed += db.execute(
            """update ops.steps set state = 'interrupted', message = %s,
                      seconds = extract(epoch from clock_timestamp() - started_at)
               where run_id = %s and step = %s and attempt = %s and state = 'running'""",
            (_GONE.format(owner=owner or "(unknown)"), run_id, step, attempt),
        ).rowcount
    # a publication is one transaction: where it was committed, only its record is missing
    db.execute(
        """with published as (
               update ops.steps as s set state = 'done', message = 'published; its process ended before it could say so'
               from ops.process_state as p
               where s.state = 'interrupted' and s.step = 'publish' and p.run_id = s.run_id
               and p.published_at >= s.started_at and s.attempt = (
                   select max(other.attempt) from ops.steps as other
                   where other.run_id = s.run_id and other.step = s.step)
               returning s.run_id
           )
           update ops.runs as r set state = 'published', message = null, finished_at = clock_timestamp()
           from published where r.run_id = published.run_id and r.state in ('running', 'interrupted')"""
    )
    db.execute(
        """with last_step as (
               select distinct on (s.run_id) s.run_id, s.step, s.state, s.message,
                      s.started_at + coalesce(s.seconds, 0) * interval '1 second' as ended_at
               from ops.steps as s inner join ops.runs as r on r.run_id = s.run_id
               where r.state = 'running' order by s.run_id, s.started_at desc, s.attempt desc
           )
           update ops.runs as r set state = 'interrupted', finished_at = clock_timestamp(),
                  message = case when l.state = 'interrupted' then l.step || ': ' || l.message
                      else format('after %%s nothing of it has run for %%s minutes: the scheduler stopped? run again',
                                   l.step, (extract(epoch from %(idle)s::interval) / 60)::int) end
           from last_step as l
           where l.run_id = r.run_id and r.state = 'running'
           and (l.state = 'interrupted'
                or (l.state <> 'running' and l.ended_at < clock_timestamp() - %(idle)s::interval))""",
        {"idle": idle},
    )
    return closed


def take_turn(
    db: psycopg.Connection,
    kind: str,
    subject: str,
    *,
    say: Callable[[str], None],
    waits_for: Callable[[psycopg.Connection], str | None] | None = None,
    seconds: float = TURN_SECONDS,
) -> None:
    """Wait until no other step of the subject works; `say` is told who is waited for, once per holder, and "" at the end.

    waits_for: names another run that must go on first, though none of its steps works at the moment, or None.
    Raises SluiceError naming the holder after `seconds`.
    """
    lock, deadline, told = subject_lock(kind, subject), time.monotonic() + seconds, None
    while True:
        if take(db, lock):
            holder = waits_for(db) if waits_for else None
            if holder is None:
                break
            db.execute("select pg_advisory_unlock(hashtextextended(%s, 0))", (lock,))
        else:
            holder = holder_of(db, kind, subject)
        if holder != told:
            logging.getLogger("sluice").info("%s waits for its turn: %s", subject, holder)
            say(f"waits for its turn: {holder}")
            told = holder
        if time.monotonic() >= deadline:
            raise SluiceError(
                f"{subject}: {holder}; waited {seconds:.0f} s: end it (kill that process), then run again"
            )
        time.sleep(POLL_SECONDS)
    say("")
    _end_leftovers(db, kind, subject)


def holder_of(db: psycopg.Connection, kind: str, subject: str) -> str:
    """One line about the step that holds the subject."""
    kinds = ["extract"] if kind == "extract" else ["mine", "import"]
    for run_id, step, attempt, owner, since in db.execute(
        """select s.run_id, s.step, s.attempt, s.owner, to_char(s.started_at, 'YYYY-MM-DD HH24:MI:SS')
           from ops.steps as s inner join ops.runs as r on r.run_id = s.run_id
           where s.state = 'running' and r.subject = %s and r.kind = any (%s) and s.message is null
           order by s.started_at""",
        (subject, kinds),
    ).fetchall():
        if is_alive(db, step_lock(run_id, step, attempt)):
            return f"{step} of run {run_id} works on it since {since} UTC (process {owner})"
    return "another run works on it"


def _end_leftovers(db: psycopg.Connection, kind: str, subject: str) -> None:
    """Sessions that an ended process of the subject left at the server: a statement goes on there until it notices.

    They end by themselves within seconds or are ended; the caller holds the subject, so nobody else's can be meant.
    """
    others = """from pg_stat_activity where datname = current_database() and usename = current_user
                and starts_with(application_name, %s) and application_name <> %s"""
    names = (_application_prefix(kind, subject), application_name(kind, subject))
    deadline = time.monotonic() + LEFTOVER_SECONDS
    while db.execute(f"select count(*) {others}", names).fetchone()[0]:
        if time.monotonic() >= deadline:
            db.execute(f"select pg_terminate_backend(pid, 5000) {others}", names)
            return
        time.sleep(0.1)
