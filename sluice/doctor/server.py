"""The doctor on the warehouse's server: its release, clock and settings, and what holds vacuum back."""

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg

from sluice.doctor.findings import NOTE, WELL, WRONG, Finding
from sluice.settings import Settings
from sluice.warehouse import redacted
from sluice.warehouse.releases import MINIMUM_POSTGRES

_SKEW_SECONDS = 60
_IDLE_MINUTES = 15
_OLD_XIDS = 1_000_000_000
_DEAD_ROWS, _DEAD_SHARE = 50_000, 0.3


def release(settings: Settings, db: psycopg.Connection) -> Iterator[Finding]:
    version = db.info.server_version // 10000
    state = WELL if version >= MINIMUM_POSTGRES else WRONG
    repair = "" if state == WELL else ": upgrade the server"
    where = redacted(settings.warehouse_url) if settings.warehouse_url else "the embedded server"
    yield state, f"warehouse: {where}, PostgreSQL {version} ({MINIMUM_POSTGRES} or newer is needed){repair}"
    (encoding,) = db.execute("select current_setting('server_encoding')").fetchone()
    if encoding != "UTF8":
        yield (
            WRONG,
            f"warehouse: the database's encoding is {encoding}: make one with `create database … encoding 'UTF8'`",
        )


def clock(settings: Settings, db: psycopg.Connection) -> Iterator[Finding]:
    (moment,) = db.execute("select clock_timestamp()").fetchone()
    skew = abs((moment - datetime.now(UTC)).total_seconds())
    if skew > _SKEW_SECONDS:
        yield (
            WRONG,
            f"warehouse: its clock and ours differ by {skew:.0f} s: set both by NTP (`timedatectl set-ntp true`)",
        )
    (zone,) = db.execute("select reset_val from pg_settings where name = 'TimeZone'").fetchone()
    if zone.upper() not in ("UTC", "ETC/UTC", "GMT"):
        yield NOTE, f"warehouse: sessions begin in time zone {zone}; Sluice sets UTC itself, your own queries may not"


def settings_of_server(settings: Settings, db: psycopg.Connection) -> Iterator[Finding]:
    wanted = {
        "autovacuum": "dead rows stay and queries slow down",
        "track_counts": "autovacuum sees nothing to do",
        "fsync": "a power cut can destroy the warehouse",
        "full_page_writes": "a power cut can destroy the warehouse",
    }
    for name, value in db.execute(
        "select name, setting from pg_settings where name = any(%s) order by name", (list(wanted),)
    ).fetchall():
        if value == "off":
            yield (
                WRONG,
                f"warehouse: {name} is off, so {wanted[name]}: alter system set {name} = on; select pg_reload_conf()",
            )


def held_back(settings: Settings, db: psycopg.Connection) -> Iterator[Finding]:
    """What keeps vacuum from removing dead rows: old transactions, slots, prepared transactions."""
    for pid, login, application, minutes in db.execute(
        """select pid, usename, application_name, extract(epoch from clock_timestamp() - xact_start) / 60
           from pg_stat_activity where datname = current_database() and state like 'idle in transaction%%'
             and pid <> pg_backend_pid() and state_change < clock_timestamp() - make_interval(mins => %s)
           order by xact_start""",
        (_IDLE_MINUTES,),
    ).fetchall():
        who = f"{login}{f' ({application})' if application else ''}"
        yield (
            WRONG,
            f"warehouse: session {pid} of {who} is idle in a transaction since {minutes:.0f} minutes and holds vacuum "
            f"back: select pg_terminate_backend({pid})",
        )
    for slot, is_active in db.execute(
        "select slot_name::text, active from pg_replication_slots where xmin is not null or catalog_xmin is not null "
        "or (not active and restart_lsn is not null) order by 1"
    ).fetchall():
        if not is_active:
            yield (
                WRONG,
                f"warehouse: nobody uses the replication slot {slot} and it keeps old rows and log: "
                f"select pg_drop_replication_slot('{slot}')",
            )
    for gid, minutes in db.execute(
        """select gid, extract(epoch from clock_timestamp() - prepared) / 60 from pg_prepared_xacts
           where database = current_database() and prepared < clock_timestamp() - make_interval(mins => %s)""",
        (_IDLE_MINUTES,),
    ).fetchall():
        yield WRONG, f"warehouse: a prepared transaction waits since {minutes:.0f} minutes: rollback prepared '{gid}'"


def bloat(settings: Settings, db: psycopg.Connection) -> Iterator[Finding]:
    for table, dead, live in db.execute(
        """select format('%%I.%%I', schemaname, relname), n_dead_tup, n_live_tup from pg_stat_user_tables
           where n_dead_tup > %s and n_dead_tup > %s * (n_live_tup + n_dead_tup) order by n_dead_tup desc limit 5""",
        (_DEAD_ROWS, _DEAD_SHARE),
    ).fetchall():
        yield WRONG, f"warehouse: {table} has {dead:,} dead rows beside {live:,}: vacuum (analyze) {table}"
    (age,) = db.execute("select age(datfrozenxid) from pg_database where datname = current_database()").fetchone()
    if age > _OLD_XIDS:
        yield (
            WRONG,
            f"warehouse: its oldest transaction is {age:,} back: vacuum freeze, before the server stops at 2 billion",
        )


CHECKS = (release, clock, settings_of_server, held_back, bloat)
