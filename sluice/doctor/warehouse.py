"""The doctor on what is in the warehouse: its release, runs, locks, grants, alerts and backups."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
from psycopg import sql

from sluice.alerts.incidents import find_incidents
from sluice.backup import key_id
from sluice.doctor.findings import NOTE, WELL, WRONG, Finding
from sluice.owners import is_alive, step_lock
from sluice.readers import SCHEMAS
from sluice.settings import Settings
from sluice.warehouse.releases import migration_problems, missing_migrations

BACKUP_DAYS = 8
_LOCK_MINUTES = 15
_MIGRATE = "python -m sluice.migrate_warehouse"


def release(settings: Settings, db: psycopg.Connection) -> Iterator[Finding]:
    """Migrations: all there, none edited, none of a newer release."""
    if db.execute("select to_regclass('ops.migrations')").fetchone()[0] is None:
        yield NOTE, "warehouse: empty; `sluice run` sets it up"
        return
    problems, missing = migration_problems(db), missing_migrations(db)
    yield from ((WRONG, f"warehouse: {line}") for line in problems)
    if missing:
        yield WRONG, f"warehouse: migrations {', '.join(missing)} are missing; `{_MIGRATE}`, or any run, applies them"
    elif not problems:
        (count,) = db.execute("select count(*) from ops.migrations").fetchone()
        yield WELL, f"warehouse: all {count} migrations are applied"


def is_current(db: psycopg.Connection) -> bool:
    """Whether the warehouse is of this release, so that the other checks can be made."""
    there = db.execute("select to_regclass('ops.migrations')").fetchone()[0] is not None
    return there and not missing_migrations(db) and not migration_problems(db)


def last_runs(settings: Settings, db: psycopg.Connection) -> Iterator[Finding]:
    """The newest run of each system and process, and nights that are late."""
    bad = db.execute(
        """select subject, state, coalesce(message, '') from (
               select distinct on (kind = 'extract', subject) subject, state, message from ops.runs
               order by kind = 'extract', subject, started_at desc
           ) as latest where state in ('blocked', 'failed', 'interrupted') order by subject"""
    ).fetchall()
    for subject, state, message in bad:
        yield WRONG, f"last run of {subject}: {state}: {message}"
    late = [one for one in find_incidents(db, settings, datetime.now(UTC)) if one.kind == "late"]
    for incident in late:
        yield (
            WRONG,
            f"{incident.subject} is late: {incident.reason}; `sluice up` keeps the schedule, `sluice run` runs it now",
        )
    if not bad and not late:
        yield WELL, "last runs: none blocked, failed or late"


def dead_runs(settings: Settings, db: psycopg.Connection) -> Iterator[Finding]:
    """Steps that are recorded as running and whose process is gone."""
    for run_id, step, attempt, owner in db.execute(
        "select run_id, step, attempt, owner from ops.steps where state = 'running' order by started_at"
    ).fetchall():
        if not is_alive(db, step_lock(run_id, step, attempt)):
            yield (
                WRONG,
                f"run {run_id}: its step {step} is recorded as running, but its process {owner or ''} is gone: "
                "`sluice status` closes it; run again",
            )


def stale_locks(settings: Settings, db: psycopg.Connection) -> Iterator[Finding]:
    """Sessions that hold one of Sluice's locks and do nothing."""
    for pid, login, minutes in db.execute(
        """select a.pid, a.usename, extract(epoch from clock_timestamp() - a.state_change) / 60
           from pg_stat_activity as a
           where a.datname = current_database() and a.state in ('idle', 'idle in transaction (aborted)')
             and a.pid <> pg_backend_pid() and a.state_change < clock_timestamp() - make_interval(mins => %s)
             and exists (select from pg_locks as l where l.pid = a.pid and l.locktype = 'advisory' and l.granted)
             and not exists (select from ops.steps as s where s.state = 'running')
           order by a.pid""",
        (_LOCK_MINUTES,),
    ).fetchall():
        yield (
            WRONG,
            f"warehouse: session {pid} of {login} holds a lock of Sluice and does nothing since {minutes:.0f} minutes: "
            f"select pg_terminate_backend({pid})",
        )


def grants(settings: Settings, db: psycopg.Connection) -> Iterator[Finding]:
    """Readers can read their views and nothing else."""
    for role, schemas in SCHEMAS.items():
        if db.execute("select 1 from pg_roles where rolname = %s", (role,)).fetchone() is None:
            yield WRONG, f"role {role} is missing: create role {role} nologin; then `{_MIGRATE}` grants it its views"
            continue
        for view, is_theirs, is_readable in db.execute(
            """select format('%%I.%%I', n.nspname, c.relname), n.nspname = any(%(schemas)s),
                      has_schema_privilege(%(role)s, n.oid, 'usage') and has_table_privilege(%(role)s, c.oid, 'select')
               from pg_class as c inner join pg_namespace as n on n.oid = c.relnamespace
               where c.relkind in ('r', 'p', 'v', 'm') and n.nspname not in ('pg_catalog', 'information_schema')
                 and n.nspname !~ '^pg_' and not c.relispartition
                 and (n.nspname = any(%(schemas)s))
                     <> (has_schema_privilege(%(role)s, n.oid, 'usage')
                         and has_table_privilege(%(role)s, c.oid, 'select'))
               order by 1 limit 20""",
            {"role": role, "schemas": list(schemas)},
        ).fetchall():
            if is_theirs and not is_readable:
                yield WRONG, f"{role} cannot read {view}: `{_MIGRATE}` grants it"
            else:
                yield (
                    WRONG,
                    f"{role} can read {view}, which is not for readers: revoke all on {view} from {role}, public",
                )


def news(settings: Settings, db: psycopg.Connection) -> Iterator[Finding]:
    """Alerts that nobody got."""
    for channel, count, error in db.execute(
        """select channel, count(*), max(last_error) from ops.alert_notices
           where state = 'given up' or (state = 'waiting' and attempt_count > 0)
             and exists (select from ops.alerts as a where a.alert_id = alert_notices.alert_id
                         and a.opened_at > clock_timestamp() - interval '14 days')
           group by channel order by channel"""
    ).fetchall():
        yield WRONG, f"alerts: {count} could not be sent by {channel} ({error}): correct it, then `sluice alert --test`"


def backups(settings: Settings, db: psycopg.Connection) -> Iterator[Finding]:
    row = db.execute(
        "select taken_at, location, pseudonym_key_id from ops.backups order by backup_id desc limit 1"
    ).fetchone()
    if row is None:
        yield NOTE, "backups: none by `sluice backup` yet"
        return
    taken_at, location, key = row
    age = datetime.now(UTC) - taken_at
    state = WELL if age < timedelta(days=BACKUP_DAYS) else WRONG
    repair = "" if state == WELL else ": `sluice backup FILE.dump`"
    yield state, f"backups: the last is of {taken_at:%Y-%m-%d %H:%M} UTC, {location}{repair}"
    has_key = settings.pseudonym_key_hex or (settings.home / "secrets" / "pseudonym_key").exists()
    if not has_key or key != key_id(settings.pseudonym_key):
        yield (
            WRONG,
            "the pseudonym key is another than at the last backup, or gone: every person gets another pseudonym; bring the old "
            "one back (SLUICE_PSEUDONYM_KEY), or, if it was meant, take a new backup",
        )


def room(settings: Settings, db: psycopg.Connection) -> Iterator[Finding]:
    (size,) = db.execute(sql.SQL("select pg_database_size(current_database())")).fetchone()
    yield WELL, f"warehouse: {size / 1024**2:,.0f} MiB"


CHECKS = (last_runs, dead_runs, stale_locks, grants, news, backups, room)
