"""Connections to the warehouse: one place that knows how, and that never shows a password."""

from urllib.parse import urlsplit, urlunsplit

import psycopg

from sluice.errors import SluiceError


def redacted(url: str) -> str:
    """`url` with its password masked, fit for a message."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    host = parts.netloc.rsplit("@", 1)[-1]
    return urlunsplit(parts._replace(netloc=f"{parts.username}:***@{host}"))


def connect(url: str, **options) -> psycopg.Connection:
    """Open a psycopg connection in UTC; SluiceError with one clear line when the server cannot be reached."""
    try:
        db = psycopg.connect(
            url,
            connect_timeout=options.pop("connect_timeout", 10),
            application_name=options.pop("application_name", "sluice"),
            **options,
        )
    except psycopg.OperationalError as error:
        reason = str(error).strip().splitlines()[-1]
        raise SluiceError(
            f"the database {redacted(url)} cannot be reached ({reason}): is it running, is the URL right?"
        ) from error
    except psycopg.ProgrammingError as error:
        raise SluiceError(
            f"the database URL is not one ({error}): expected postgresql://user:password@host:port/name"
        ) from None
    with db.cursor() as cursor:
        cursor.execute("set time zone 'UTC'")
    db.commit()
    return db
