"""One look: close what died, compare what is wrong with what was told, tell what is new and what is over.

Called by the DAG `watch`, at the end of `sluice run`, and by `sluice alert` (a timer of your own, where no scheduler is).
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg

from sluice.alerts.channels import Channel, channels
from sluice.alerts.incidents import Incident, find_incidents, safe
from sluice.errors import SluiceError
from sluice.owners import close_dead
from sluice.settings import Settings
from sluice.versions import sluice_version
from sluice.warehouse import connect

TRIES, WAIT_SECONDS = 3, 1.0
SETTLE = timedelta(minutes=3)  # a task that lost its connection is tried again within it
MOST_ATTEMPTS = 60  # of all looks together: at one every five minutes, some two hours of a dead mail server
_log = logging.getLogger("sluice")


@dataclass(frozen=True)
class Looked:
    """What a look did: incidents that are open, told now, over now; and one line for each channel that failed."""

    open_count: int
    opened: tuple[Incident, ...]
    recovered: tuple[str, ...]
    errors: tuple[str, ...]


def look(settings: Settings, *, now: datetime | None = None, settle: timedelta = SETTLE) -> Looked:
    """Look once; two looks at once take turns. Incidents are recorded in ops.alerts even where no channel is set up.

    now: the time of the look (lateness is a question of the clock). settle: how long a run must have ended badly before
    it is told, as it may be tried again. Raises BadInput when a variable is wrong.
    """
    now = now or datetime.now(UTC)
    ways = channels(settings.operations)
    with connect(settings.warehouse_url, autocommit=True) as db:
        close_dead(db)
        with db.transaction():
            db.execute("select pg_advisory_xact_lock(hashtext('sluice:alerts'))")
            found = find_incidents(db, settings, now)
            opened, recovered = _record(db, found, ways, now - settle)
        db.execute("select pg_advisory_lock(hashtext('sluice:alerts:delivery'))")
        try:
            errors = [line for way in ways if (line := _deliver(db, settings, way))]
        finally:
            db.execute("select pg_advisory_unlock(hashtext('sluice:alerts:delivery'))")
    for line in errors:
        _log.warning("an alert could not be sent, it is tried again: %s", line)
    return Looked(len(found), opened, recovered, tuple(errors))


def _record(
    db: psycopg.Connection, found: Sequence[Incident], ways: Sequence[Channel], settled_at: datetime
) -> tuple[tuple[Incident, ...], tuple[str, ...]]:
    """Open, continue and close incidents in ops.alerts; each beginning and end gets its notices."""
    opened = []
    for incident in found:
        is_fresh = incident.since is not None and incident.since > settled_at
        if is_fresh and not _is_open(db, incident):
            continue
        row = db.execute(
            """insert into ops.alerts as a (subject, kind, run_id, day, reason, command)
               values (%s, %s, %s, %s, %s, %s)
               on conflict (subject, kind) where recovered_at is null do update
               set last_seen_at = clock_timestamp(), run_id = excluded.run_id, day = excluded.day,
                   seen_count = a.seen_count
                       + (row(excluded.run_id, excluded.day) is distinct from row(a.run_id, a.day))::int
               returning alert_id, (xmax = 0)""",
            (incident.subject, incident.kind, incident.run_id, incident.day, incident.reason, incident.command),
        ).fetchone()
        if row[1]:
            opened.append(incident)
            _notify(db, row[0], "opened", ways)
    still = [f"{incident.subject}\x1f{incident.kind}" for incident in found]
    over = db.execute(
        """update ops.alerts set recovered_at = clock_timestamp(),
               recovery = coalesce((select 'the run of ' || coalesce(r.day::text, r.started_at::date::text) || ' is '
                                        || r.state from ops.runs as r
                                    where r.subject = alerts.subject order by r.started_at desc limit 1), 'is over')
           where recovered_at is null and kind <> 'test' and subject || E'\\x1f' || kind <> all(%s)
           returning alert_id, subject""",
        (still,),
    ).fetchall()
    red = {incident.subject for incident in found}
    for alert_id, subject in over:
        # no good news where another incident of the subject goes on, nor to those who never heard the bad
        told = [way for way in ways if subject not in red and _was_told(db, alert_id, way)]
        _notify(db, alert_id, "recovered", told)
        db.execute(
            "delete from ops.alert_notices where alert_id = %s and notice = 'opened' and state = 'waiting'", (alert_id,)
        )
    return tuple(opened), tuple(subject for _, subject in over if subject not in red)


def _is_open(db: psycopg.Connection, incident: Incident) -> bool:
    return db.execute(
        "select exists (select from ops.alerts where subject = %s and kind = %s and recovered_at is null)",
        (incident.subject, incident.kind),
    ).fetchone()[0]


def _notify(db: psycopg.Connection, alert_id: int, notice: str, ways: Sequence[Channel]) -> None:
    for way in ways:
        db.execute(
            "insert into ops.alert_notices (alert_id, notice, channel) values (%s, %s, %s) on conflict do nothing",
            (alert_id, notice, way.name),
        )


def _was_told(db: psycopg.Connection, alert_id: int, way: Channel) -> bool:
    return db.execute(
        """select exists (select from ops.alert_notices
                          where alert_id = %s and channel = %s and notice = 'opened' and state = 'sent')""",
        (alert_id, way.name),
    ).fetchone()[0]


def _deliver(db: psycopg.Connection, settings: Settings, way: Channel) -> str | None:
    """Send everything that waits for a channel as one message; the line of the error when it could not be sent."""
    waiting = db.execute(
        """select a.alert_id, n.notice, a.subject, a.kind, a.day::text, a.reason, a.command, a.recovery, a.run_id
           from ops.alert_notices as n inner join ops.alerts as a on a.alert_id = n.alert_id
           where n.channel = %s and n.state = 'waiting' order by n.notice, a.subject, a.alert_id""",
        (way.name,),
    ).fetchall()
    if not waiting:
        return None
    error = _send(settings, way, *compose(waiting))
    for alert_id, notice, *_ in waiting:
        db.execute(
            """update ops.alert_notices set attempt_count = attempt_count + %s, last_error = %s::text,
                   sent_at = case when %s::text is null then clock_timestamp() end,
                   state = case when %s::text is null then 'sent' when attempt_count + %s >= %s then 'given up'
                                else 'waiting' end
               where alert_id = %s and notice = %s and channel = %s""",
            (TRIES if error else 1, error, error, error, TRIES, MOST_ATTEMPTS, alert_id, notice, way.name),
        )
    return error


def _send(settings: Settings, way: Channel, subject: str, text: str, facts: list[dict]) -> str | None:
    for number in range(1, TRIES + 1):
        try:
            way.send(subject, text, facts)
            return None
        except SluiceError as error:
            line = safe(settings, str(error))
        if number < TRIES:
            time.sleep(WAIT_SECONDS * number)
    return line


def compose(waiting: Sequence[tuple]) -> tuple[str, str, list[dict[str, str | None]]]:
    """Subject, text and facts of one message about the notices that wait."""
    lines, facts = [], []
    for _, notice, subject, kind, day, reason, command, recovery, run_id in waiting:
        night = f" (night of {day})" if day else ""
        if notice == "opened":
            lines += [f"{subject} {_VERBS[kind]}{night}", f"  why:  {reason}", f"  look: {command}"]
        else:
            lines += [f"{subject} is well again: {recovery} (was {kind}: {reason})"]
        if run_id and notice == "opened":
            lines += [f"  run:  {run_id}"]
        facts.append(
            {
                "notice": notice,
                "subject": subject,
                "kind": kind,
                "day": day,
                "reason": reason,
                "command": command,
                "run_id": run_id,
            }
        )
    begun = [fact for fact in facts if fact["notice"] == "opened"]
    told = begun or facts
    names = ", ".join(dict.fromkeys(str(fact["subject"]) for fact in told))
    what = " and ".join(dict.fromkeys(str(fact["kind"]) for fact in begun)) if begun else "well again"
    if begun:
        lines += ["", "What was published last stays in place. This is said once; you hear again when it is over."]
    return f"Sluice: {names}: {what}", "\n".join([*lines, "", f"Sluice {sluice_version()}"]), facts


_VERBS = {
    "failed": "failed",
    "blocked": "was blocked by a check",
    "interrupted": "was interrupted",
    "late": "is late",
    "test": "sends a test",
}


def send_test(settings: Settings) -> list[str]:
    """Send a test through every channel, recorded in ops.alerts; one line each. Raises SluiceError when one failed or
    none is set up."""
    ways = channels(settings.operations)
    if not ways:
        raise SluiceError(
            "no alerts are set up: set SLUICE_ALERT_TO with SLUICE_SMTP_HOST, or SLUICE_ALERT_WEBHOOK_URL"
        )
    lines, errors = [], []
    with connect(settings.warehouse_url, autocommit=True) as db:
        (alert_id,) = db.execute(
            """insert into ops.alerts (subject, kind, reason, command, recovered_at, recovery)
               values ('sluice', 'test', 'somebody asked for a test', 'sluice status', clock_timestamp(), 'a test')
               returning alert_id"""
        ).fetchone()
        for way in ways:
            _notify(db, alert_id, "opened", [way])
            error = _deliver(db, settings, way)
            if error:
                errors.append(error)
                db.execute(
                    "update ops.alert_notices set state = 'given up' where alert_id = %s and channel = %s",
                    (alert_id, way.name),
                )
            else:
                lines.append(f"{way.name}: sent")
    if errors:
        raise SluiceError("; ".join([*lines, *errors]))
    return lines
