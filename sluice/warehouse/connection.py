"""Connections to the warehouse: one place that knows how, that waits where waiting may help, and never shows a password."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from sluice.errors import SluiceError, Unreachable
from sluice.urls import redacted, without_secrets

# a peer that vanished without a word (a machine without power) is noticed within a minute and a half
KEEPALIVES = {"keepalives": 1, "keepalives_idle": 30, "keepalives_interval": 15, "keepalives_count": 4}
FIRST_DELAY, LONGEST_DELAY = 0.25, 8.0
SHORT_PATIENCE = 15.0  # seconds for a server that is there and not ready: starting up, recovering, out of slots
_NOT_READY = (
    "the database system is starting up",
    "the database system is in recovery mode",
    "the database system is shutting down",
    "the database system is not yet accepting connections",
    "too many clients already",
    "remaining connection slots are reserved",
)
_NEVER = (
    "authentication failed",
    "does not exist",
    "no pg_hba.conf entry",
    "is not permitted to log in",
    "no password supplied",
    "certificate verify failed",
    "server does not support SSL",
    "not currently accepting connections",  # of a database, not of the server
)
# SQLSTATEs of a connection or server that went away, or of a transaction that lost to another one
_LOST_STATES = ("08", "57P01", "57P02", "57P03", "57P05", "53300", "40001", "40P01", "25P03", "25P04")


@dataclass(eq=False)
class _Work:
    application: str
    patience: tuple[float, float]  # seconds, for a server that is not ready and for one that is gone
    libpq_name: str | None  # PGAPPNAME meanwhile: libpq's own, for ADBC and dbt


_works = [_Work("sluice", (SHORT_PATIENCE, 0.0), None)]  # the last one counts; threads may end theirs in any order


@contextmanager
def at_work(application: str, *, patience: float) -> Iterator[None]:
    """While the block runs, connections of this process bear the name `application`, and a server that cannot be
    reached is waited for up to `patience` seconds, with back-off."""
    work = _Work(application, (max(patience, SHORT_PATIENCE), patience), application)
    if len(_works) == 1:
        _works[0].libpq_name = os.environ.get("PGAPPNAME")
    _works.append(work)
    os.environ["PGAPPNAME"] = application
    try:
        yield
    finally:
        _works.remove(work)
        if _works[-1].libpq_name is None:
            os.environ.pop("PGAPPNAME", None)
        else:
            os.environ["PGAPPNAME"] = _works[-1].libpq_name


def connect(url: str, **options) -> psycopg.Connection:
    """Open a psycopg connection in UTC, with PostgreSQL's own ways of writing times and numbers, whatever the server's are.

    A server that is starting or recovering is waited for; in a step, one that is gone, too. Raises Unreachable with one
    clear line when the server cannot be reached, SluiceError when the URL or the login is wrong.
    """
    not_ready, gone = options.pop("patience", None) or _works[-1].patience
    began, delay = time.monotonic(), FIRST_DELAY
    options = {"connect_timeout": 10, "application_name": _works[-1].application, **KEEPALIVES} | options
    while True:
        try:
            db = psycopg.connect(url, **options)
            break
        except psycopg.OperationalError as error:
            text = str(error)
            patience = not_ready if any(words in text for words in _NOT_READY) else gone if is_lost(error) else 0.0
            if time.monotonic() - began + delay > patience:
                raise _unreachable(url, error) from error
            time.sleep(delay)
            delay = min(2 * delay, LONGEST_DELAY)
        except psycopg.ProgrammingError as error:
            raise SluiceError(
                f"the database URL is not one ({without_secrets(str(error).strip(), url)}): expected "
                "postgresql://user:password@host:port/name, with %-signs for what is special in a password (%40 for @)"
            ) from None
    db.execute(
        "set time zone 'UTC'; set datestyle = 'ISO, MDY'; set intervalstyle = 'postgres'; set extra_float_digits = 1; "
        # a statement whose process was killed ends within seconds, where the server can look
        "select set_config(name, '10s', false) from pg_settings where name = 'client_connection_check_interval'"
    )
    db.commit()
    return db


def _unreachable(url: str, error: psycopg.OperationalError) -> SluiceError:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    reason = without_secrets(lines[-1].strip(), url)
    kind = Unreachable if is_lost(error) else SluiceError
    return kind(f"the database {redacted(url)} cannot be reached ({reason}): is it running, is the URL right?")


def is_lost(error: BaseException) -> bool:
    """Whether this very error says that a connection could not be made or broke, or that its transaction lost to another
    one: what waiting may repair. A full disk, a wrong password or a missing table is not."""
    if isinstance(error, Unreachable | ConnectionError | TimeoutError):
        return True
    state = getattr(error, "sqlstate", None)
    if isinstance(error, psycopg.Error):
        if state:
            return state.startswith(_LOST_STATES)
        return isinstance(error, psycopg.OperationalError) and not any(words in str(error) for words in _NEVER)
    # ADBC has errors of its own, with the server's state or libpq's words
    if type(error).__module__.startswith("adbc_driver_manager"):
        return bool(state and state.startswith(_LOST_STATES)) or is_lost_text(str(error))
    return False


_LOST_WORDS = (
    "server closed the connection unexpectedly",
    "terminating connection due to",
    "could not connect to server",
    "connection refused",
    "connection reset by peer",
    "connection to server",
    "connection already closed",
    "ssl connection has been closed unexpectedly",
    "could not receive data from server",
    "could not send data to server",
    "no connection to the server",
    "deadlock detected",
    *_NOT_READY,
)


def is_lost_text(text: str) -> bool:
    """The same, where only the message of another program is left (dbt, ADBC)."""
    lowered = text.lower()
    return any(words in lowered for words in _LOST_WORDS) and not any(words in text for words in _NEVER)
