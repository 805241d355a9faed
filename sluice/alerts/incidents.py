"""What is wrong at the moment, read from ops.*: runs that failed, were blocked or interrupted, and nights that are late."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import unquote, urlsplit

import psycopg

from sluice.errors import BadInput
from sluice.settings import Settings
from sluice.systems import configured_systems, minable_processes

DEFAULT_DEADLINE = "06:00"
BAD = ("failed", "blocked", "interrupted")
LONGEST_REASON = 400
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(\.[\w-]+)+")
_CREDENTIALS = re.compile(r"(\w+://)[^\s/@]+@")


@dataclass(frozen=True)
class Incident:
    """One thing that somebody should look at. kind: failed, blocked, interrupted or late. since: the end of the bad run."""

    subject: str
    kind: str
    reason: str
    command: str
    run_id: str | None = None
    day: date | None = None
    since: datetime | None = None


def deadline_of(settings: Settings) -> time:
    """The time of day, UTC, at which the last night must be published: SLUICE_NIGHT_DEADLINE, default 06:00."""
    text = settings.operations.get("SLUICE_NIGHT_DEADLINE", DEFAULT_DEADLINE)
    try:
        return datetime.strptime(text, "%H:%M").time()
    except ValueError:
        raise BadInput(f"SLUICE_NIGHT_DEADLINE: expected a time (UTC) such as 06:00, found {text!r}") from None


def due_day(settings: Settings, now: datetime) -> date:
    """The latest day whose night must be over at `now`: yesterday once the deadline has passed, else the day before."""
    now = now.astimezone(UTC)
    return now.date() - timedelta(days=1 if now.time() >= deadline_of(settings) else 2)


def find_incidents(db: psycopg.Connection, settings: Settings, now: datetime) -> list[Incident]:
    """All incidents at `now`, by subject. Nights are expected of systems and processes that have run before."""
    red = _bad_runs(db, settings)
    return sorted([*red, *_late(db, settings, now, {incident.subject for incident in red})], key=lambda i: i.subject)


def _bad_runs(db: psycopg.Connection, settings: Settings) -> list[Incident]:
    """The newest run of each system and process, where it ended badly. A backfill's runs count like any other."""
    rows = db.execute(
        """with latest as (
               select distinct on (kind = 'extract', subject)
                   run_id, kind, subject, day, state, message, finished_at
               from ops.runs where state <> 'running' order by kind = 'extract', subject, started_at desc
           )
           select l.run_id, l.kind, l.subject, l.day, l.state, l.message, s.step, s.error_class,
                  p.is_case_level_public, l.finished_at
           from latest as l
           left join lateral (
               select step, error_class from ops.steps where run_id = l.run_id and state <> 'done'
               order by started_at desc, attempt desc limit 1
           ) as s on true
           left join event_log.processes as p on p.process = l.subject and l.kind <> 'extract'
           where l.state = any(%s) order by l.subject""",
        (list(BAD),),
    ).fetchall()
    found = []
    for run_id, kind, subject, day, state, message, step, error_class, is_public, ended_at in rows:
        if error_class:  # its text may quote a value: the kind of error is enough, the rest is in the log
            text = f"{error_class} in step {step}"
        elif kind != "extract" and not is_public:  # the line may name a case, and a case is somebody's day
            text = f"in step {step}" if step else "see the command below"
        else:
            text = message or (f"in step {step}" if step else "no reason was recorded")
        command = "sluice status" if state != "blocked" or kind == "extract" else f"sluice status; {_checks(subject)}"
        found.append(Incident(subject, state, safe(settings, text), command, run_id, day, ended_at))
    return found


def _checks(process: str) -> str:
    return f"sluice psql -c \"select check_name, message from bi.check_results where subject = '{process}' and not is_success\""


def _late(db: psycopg.Connection, settings: Settings, now: datetime, red: Iterable[str]) -> list[Incident]:
    day, deadline = due_day(settings, now), deadline_of(settings)
    landed, found = set(), []
    if settings.agent_drop is not None and settings.agent_drop.is_relative_to(settings.home / "demo"):
        return []  # the demo company has a calendar of its own
    for system in configured_systems(settings):
        row = _night(db, "extract", system, day, "landed")
        if row is None or row[0]:
            landed |= {system} if row else set()
        elif system not in red:
            found.append(_late_incident(system, day, deadline, row[1]))
    for name, process in minable_processes(settings).items():
        if not landed.issuperset(process.sources):
            continue  # it waits for a source that is itself late or red
        row = _night(db, "mine", name, day, "published")
        if row is not None and not row[0] and name not in red:
            found.append(_late_incident(name, day, deadline, row[1]))
    return found


def _night(db: psycopg.Connection, kind: str, subject: str, day: date, good: str) -> tuple[bool, str | None] | None:
    """Whether the night of `day`, or a later one, ended well, and what is running; None for what never ran before."""
    return db.execute(
        """select coalesce(bool_or(state = %(good)s and day >= %(day)s), false),
                  (select s.step || ' since ' || to_char(s.started_at, 'YYYY-MM-DD HH24:MI') || ' UTC'
                   from ops.steps as s inner join ops.runs as running on running.run_id = s.run_id
                   where running.subject = %(subject)s and running.kind = %(kind)s and running.state = 'running'
                     and s.state = 'running' order by s.started_at desc limit 1)
           from ops.runs where kind = %(kind)s and subject = %(subject)s having count(*) > 0""",
        {"kind": kind, "subject": subject, "day": day, "good": good},
    ).fetchone()


def _late_incident(subject: str, day: date, deadline: time, running: str | None) -> Incident:
    what = f"still runs ({running})" if running else "has not run, or not to its end"
    reason = f"the night of {day} was to be ready by {deadline:%H:%M} UTC and {what}"
    return Incident(subject, "late", reason, "sluice status; sluice doctor", None, day)


def safe(settings: Settings, text: str) -> str:
    """`text` fit to leave the house: one line, no secrets, no addresses of people, not too long."""
    line = " ".join(text.split())
    for secret in sorted(_secrets(settings), key=len, reverse=True):
        line = line.replace(secret, "***")
    line = _ADDRESS.sub("***", _CREDENTIALS.sub(r"\1***@", line))
    return line if len(line) <= LONGEST_REASON else f"{line[: LONGEST_REASON - 1]}…"


def _secrets(settings: Settings) -> set[str]:
    urls = [settings.warehouse_url, getattr(settings, "loader_url", None), getattr(settings, "miner_url", None)]
    found = {urlsplit(url).password for url in [*urls, *settings.source_urls.values()] if url}
    found |= {unquote(password) for password in found if password}
    hook = settings.operations.get("SLUICE_ALERT_WEBHOOK_URL")
    found |= {settings.pseudonym_key_hex, hook, hook and hook.rstrip("/").rsplit("/", 1)[-1]}
    found |= {value for name, value in settings.operations.items() if name.endswith(("_PASSWORD", "_TOKEN"))}
    return {secret for secret in found if secret and len(secret) >= 4}
