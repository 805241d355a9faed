"""Connection URLs: shown without their secrets, taken apart into libpq's variables, moved to another database or login.

Every option of libpq (sslmode, sslrootcert, …) survives each of these.
"""

import re
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

from sluice.errors import BadInput

_SHAPE = (
    "expected postgresql://user:password@host:port/name, with %-signs for what is special in a password (%40 for @)"
)
_IN_TEXT = re.compile(r"((?:^|[?&\s])(?:ssl)?password\s*=\s*)('(?:[^'\\]|\\.)*'|[^&\s]+)", re.IGNORECASE)


def redacted(url: str) -> str:
    """`url` with its passwords masked, fit for a message; what cannot be taken apart is not shown at all."""
    try:
        parts = urlsplit(url)
        has_password = parts.password is not None
    except ValueError:
        return "(not a URL)"
    if has_password:
        parts = parts._replace(netloc=f"{parts.username}:***@{parts.netloc.rsplit('@', 1)[-1]}")
    return _IN_TEXT.sub(r"\1***", urlunsplit(parts) if parts.netloc else url)


def without_secrets(text: str, url: str) -> str:
    """A message of libpq's about `url`, without any part of its password that it may quote."""
    netloc = url.split("://", 1)[-1].split("/", 1)[0] if "://" in url else ""
    found = set()
    if "@" in netloc and ":" in netloc.rsplit("@", 1)[0]:
        password = netloc.rsplit("@", 1)[0].split(":", 1)[1]
        # an unescaped @ ends the password too early, and its rest is taken for the host
        found |= {password, unquote(password), *password.split("@")[1:]}
    found |= {match.strip("'") for _, match in _IN_TEXT.findall(url)}
    for secret in sorted(found, key=len, reverse=True):
        if len(secret) > 1:
            text = text.replace(secret, "***")
    return text


def options_of(url: str) -> dict[str, str]:
    """The options of `url` by libpq's keywords; BadInput when it is none."""
    try:
        return {name: str(value) for name, value in conninfo_to_dict(url).items() if value not in (None, "")}
    except psycopg.ProgrammingError:
        raise BadInput(f"the database URL is not one: {_SHAPE}") from None


def environment_of(url: str) -> dict[str, str]:
    """libpq's variables (PGHOST, PGPASSWORD, PGSSLMODE, …) that say the same as `url`."""
    names = {one.keyword.decode(): one.envvar.decode() for one in pq.Conninfo.get_defaults() if one.envvar}
    return {names[name]: value for name, value in options_of(url).items() if name in names}


def with_database(url: str, name: str) -> str:
    """The same server, login and options, another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{quote(name, safe='')}"))


def database_of(url: str) -> str:
    """The name of the database in `url`."""
    return options_of(url).get("dbname", "")


def with_login(url: str, user: str, password: str) -> str:
    """The same server, database and options, another login."""
    parts = urlsplit(url)
    host = parts.netloc.rsplit("@", 1)[-1]
    return urlunsplit(parts._replace(netloc=f"{quote(user, safe='')}:{quote(password, safe='')}@{host}"))
