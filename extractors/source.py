"""A Postgres source: opened read-only in one snapshot, compared with its table specs, read by COPY.

Whatever goes wrong at the source is Blocked with one line, which never holds a password.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from extractors.specs import SystemSpec, TableSpec
from sluice.errors import Blocked, SourceUnreachable
from sluice.settings import Settings
from sluice.warehouse.connection import KEEPALIVES, is_lost

BATCH_BYTES = 1 << 18


@dataclass(frozen=True)
class SourceTable:
    """A source table as its catalog shows it now.

    types: declared column -> type name that the warehouse has. catalog: every column of the source -> its type there.
    key_is_unique: the source itself guarantees that the spec's key is unique and not null. pages: how large it was when the
    source counted last, in its pages.
    """

    spec: TableSpec
    types: dict[str, str]
    catalog: dict[str, str]
    key_is_unique: bool
    pages: int = 0


class Source:
    """An open snapshot of a Postgres source.

    snapshot_at: the source's clock at the snapshot. horizon: what is surely complete, at most snapshot_at: the start of
    the oldest transaction that was still running, as far as the role may see it.
    """

    def __init__(self, spec: SystemSpec, db: psycopg.Connection, times: tuple[datetime, datetime] | None = None):
        self.spec, self.db = spec, db
        self.snapshot_at, self.horizon = times or self._times()

    def _times(self) -> tuple[datetime, datetime]:
        return self.db.execute(
            """select transaction_timestamp(), least(transaction_timestamp(), min(xact_start))
               from pg_stat_activity
               where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()"""
        ).fetchone()

    def select(
        self,
        spec: TableSpec,
        columns: tuple[str, ...],
        condition: sql.Composable | None = None,
        *,
        where: sql.Composable | None = None,
    ) -> sql.Composed:
        """The query that reads `columns` of the rows that the spec and `condition` let through. where: in place of the
        spec's own, what lets the same rows through."""
        expressions = {column.name: column.expression for column in spec.columns}
        listed = sql.SQL(", ").join(
            sql.SQL("({}) as {}").format(sql.SQL(expressions[name]), sql.Identifier(name))
            if expressions[name]
            else sql.Identifier(name)
            for name in columns
        )
        query = sql.SQL("select {} from {}").format(listed, sql.Identifier(self.spec.schema, spec.name))
        where = where or (spec.where and sql.SQL(spec.where))
        conditions = [sql.SQL("({})").format(part) for part in (where, condition) if part]
        return query + sql.SQL(" where ") + sql.SQL(" and ").join(conditions) if conditions else query

    def blocks(self, query: sql.Composed, table: str) -> Iterator[bytes]:
        """The rows of `query` in COPY's binary format, in blocks of about 256 kB.

        Works on libpq directly: a Python iteration per row would cost more than the copy itself.
        """
        connection = self.db.pgconn
        with self.errors(f"table {table}"):
            statement = sql.SQL("copy ({}) to stdout (format binary)").format(query).as_bytes(self.db)
            result = connection.exec_(statement)
            if result.status != psycopg.pq.ExecStatus.COPY_OUT:
                raise _error(result)
            parts, size, read = [], 0, connection.get_copy_data
            while (row := read(0))[0] > 0:
                parts.append(row[1])
                size += row[0]
                if size >= BATCH_BYTES:
                    yield b"".join(parts)
                    parts, size = [], 0
            yield b"".join(parts)
            failed = None
            while (result := connection.get_result()) is not None:  # to the last, when the server has done with it
                if result.status != psycopg.pq.ExecStatus.COMMAND_OK:
                    failed = failed or _error(result)
            if failed:
                raise failed

    def errors(self, place: str) -> AbstractContextManager[None]:
        """Turn what the source's server says into one line that begins with `place`."""
        return source_errors(self.spec.system, place)


@contextmanager
def source_errors(system: str, place: str) -> Iterator[None]:
    """Turn what a source's server says into Blocked with one line; SourceUnreachable where another try may help."""
    try:
        yield
    except psycopg.errors.InsufficientPrivilege as error:
        raise Blocked(
            f"{system}: {place}: {_line(error)}: grant select to the reading role "
            f"(extractors/{system}/README.md says how)"
        ) from None
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn) as error:
        raise Blocked(
            f"{system}: {place}: {_line(error)}: repair the source, or change extractors/{system}/tables.yml"
        ) from None
    except psycopg.errors.LockNotAvailable:
        raise Blocked(
            f"{system}: {place}: locked at the source for more than a minute (an upgrade?): run again later"
        ) from None
    except psycopg.Error as error:
        kind = SourceUnreachable if is_lost(error) else Blocked
        raise kind(
            f"{system}: {place}: the source failed while it was read ({_line(error)}): "
            "run again; what was copied is discarded"
        ) from None


def _error(result: psycopg.pq.PGresult) -> psycopg.Error:
    field = psycopg.pq.DiagnosticField
    message = (result.error_field(field.MESSAGE_PRIMARY) or result.error_message).decode(errors="replace")
    state = (result.error_field(field.SQLSTATE) or b"").decode()
    try:
        return psycopg.errors.lookup(state)(message)
    except KeyError:
        return psycopg.OperationalError(message)


def _line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__


def source_url(settings: Settings, system: str) -> str:
    """The source's connection URL; Blocked when none is set."""
    url = settings.source_urls.get(system)
    if not url:
        raise Blocked(
            f"{system}: no source is set: set SLUICE_SOURCE_{system.upper()}_URL to "
            "postgresql://user:password@host:port/database"
        )
    return url


@contextmanager
def open_source(settings: Settings, spec: SystemSpec) -> Iterator[Source]:
    """Open the source in one REPEATABLE READ, READ ONLY snapshot; Blocked when it cannot be reached."""
    db = _connect(source_url(settings, spec.system), spec.system)
    try:
        with source_errors(spec.system, "opening a snapshot"):
            _set_up(db, spec)
            source = Source(spec, db)
        yield source
    finally:
        db.close()


@contextmanager
def open_beside(settings: Settings, source: Source) -> Iterator[list[Source]]:
    """Further connections that see the very snapshot of `source`, so that together they are as many as the spec's
    `connections`; fewer where its server does not give them (a limit of connections, several servers of one address)."""
    found: list[Source] = []
    try:
        snapshot = _export(source) if source.spec.connections > 1 else None
        while snapshot and len(found) + 1 < source.spec.connections:
            try:
                db = _connect(source_url(settings, source.spec.system), source.spec.system)
            except Blocked:
                break
            found.append(Source(source.spec, db, (source.snapshot_at, source.horizon)))
            if not _adopt(db, source, snapshot):
                found.pop().db.close()
                break
        yield found
    finally:
        for one in found:
            one.db.close()


def _export(source: Source) -> str | None:
    """The snapshot's name for other connections; None where the role may not ask for it."""
    may = "select has_function_privilege('pg_catalog.pg_export_snapshot()', 'execute')"
    with source.errors("sharing a snapshot"):
        if not source.db.execute(may).fetchone()[0]:  # asking all the same would end the snapshot
            return None
        return source.db.execute("select pg_catalog.pg_export_snapshot()").fetchone()[0]


def _adopt(db: psycopg.Connection, source: Source, snapshot: str) -> bool:
    """Have a connection see the snapshot; False where it cannot, or where another server has one of that name."""
    try:
        _set_up(db, source.spec)
        db.execute(sql.SQL("set transaction snapshot {}").format(sql.Literal(snapshot)))
        return db.execute(_SEEN).fetchone() == source.db.execute(_SEEN).fetchone()
    except psycopg.Error:
        return False


_SEEN = "select txid_current_snapshot()::text, pg_postmaster_start_time(), current_database(), current_user"


def _set_up(db: psycopg.Connection, spec: SystemSpec) -> None:
    """Settings of a connection that reads a source, before its snapshot."""
    db.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    db.read_only = True
    for name, value in (
        ("search_path", spec.schema),
        ("timezone", "UTC"),
        ("datestyle", "ISO, MDY"),
        ("row_security", "off"),
        ("statement_timeout", "0"),
        ("lock_timeout", "60s"),
        ("transaction_timeout", "0"),
        ("idle_in_transaction_session_timeout", "0"),
        ("default_transaction_read_only", "on"),
    ):
        # a server that is too old to know a setting can do without it
        db.execute("select set_config(name, %s, false) from pg_settings where name = %s", (value, name))
    db.commit()


def _connect(url: str, system: str) -> psycopg.Connection:
    variable = f"SLUICE_SOURCE_{system.upper()}_URL"
    try:
        parts = conninfo_to_dict(url)
    except psycopg.Error:
        raise Blocked(
            f"{system}: {variable} is not a connection URL: expected postgresql://user:password@host:port/database"
        ) from None
    place = f"{parts.get('host', 'localhost')}:{parts.get('port', 5432)}/{parts.get('dbname', '')}"
    try:
        return psycopg.connect(
            url,
            connect_timeout=parts.get("connect_timeout", 10),
            client_encoding="UTF8",
            application_name="sluice extract",
            **{name: value for name, value in KEEPALIVES.items() if name not in parts},
        )
    except psycopg.Error as error:
        lines = str(error).strip().splitlines()
        reason = lines[-1].strip() if lines else type(error).__name__
        if parts.get("password"):
            reason = reason.replace(str(parts["password"]), "***")
        kind = SourceUnreachable if is_lost(error) else Blocked
        raise kind(
            f"{system}: the source {place} cannot be reached ({reason}): is it running, is {variable} right?"
        ) from None
