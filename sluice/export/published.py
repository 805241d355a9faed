"""A published log as its readers may see it, case by case: one moment, server-side cursors, the memory of one case.

Read from the views of bi, never under more rights than needed; persons from bi_audit, for logins that have the auditor's role.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import itemgetter

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from sluice.errors import BadInput
from sluice.readers import AUDITOR, READER
from sluice.warehouse import connect

FETCHED = 10_000  # rows per round trip
READING_IS_REFUSED = "this login may not read the views of schema bi: grant it the role sluice_reader"
_PSEUDONYM = "^p_[0-9a-f]{16}$"
_ORIGINAL_NAME = re.compile(r"attribute '(.*)' of the imported log", re.DOTALL).fullmatch
_XES_TYPES = {
    "boolean": "boolean",
    "smallint": "int",
    "integer": "int",
    "bigint": "int",
    "real": "float",
    "double precision": "float",
    "numeric": "float",
    "date": "date",
    "timestamp with time zone": "date",
    "timestamp without time zone": "date",
}
_TIME = """'YYYY-MM-DD"T"HH24:MI:SS.US'"""


@dataclass(frozen=True)
class Event:
    """One event of a case; times are UTC as `2025-01-31T08:00:00.000000`, which sort as texts."""

    seq: int
    activity: str
    occurred_at: str
    started_at: str | None
    lifecycle: str | None
    resource: str | None


@dataclass(frozen=True)
class Case:
    """One case: the values of `PublishedLog.attributes` as texts, and its events in their order."""

    case_id: str
    values: Sequence[str | None]
    events: Sequence[Event]


@dataclass(frozen=True)
class Attribute:
    """A column of the cases: its name in the file that it came from (else the column's), and its type in XES."""

    name: str
    column: str
    kind: str


@dataclass(frozen=True)
class PublishedLog:
    """A log that is open for reading. has_intervals: whether an event has a start. held_back: attributes that hold
    persons and were not asked for."""

    process: str
    title: str
    order: tuple[str, ...]
    as_of: datetime
    case_count: int
    event_count: int
    has_resources: bool
    has_intervals: bool
    attributes: tuple[Attribute, ...]
    held_back: tuple[str, ...]
    db: psycopg.Connection

    def cases(self) -> Iterator[Case]:
        """The cases, by case_key, each with its events by event_seq. May be called once."""
        values = self._values()
        known = next(values, None)
        for (key, case_id), rows in groupby(self._events(), key=itemgetter(0, 1)):
            events = [Event(*row[2:]) for row in rows]
            while known is not None and known[0] < key:
                known = next(values, None)
            yield Case(case_id, known[1:] if known is not None and known[0] == key else (), events)

    def _events(self) -> Iterator[tuple]:
        with self.db.cursor("sluice_export_events") as cursor:
            cursor.itersize = FETCHED
            cursor.execute(_events_query(self.has_resources), {"process": self.process})
            yield from cursor

    def _values(self) -> Iterator[tuple]:
        if not self.attributes:
            return
        with self.db.cursor("sluice_export_attributes") as cursor:
            _become(self.db, None)
            cursor.itersize = FETCHED
            cursor.execute(_values_query(self.process, self.attributes))
            _become(self.db, _role(self.has_resources))
            yield from cursor

    def activities(self) -> list[str]:
        """The names of the activities that the process has, or has declared."""
        rows = self.db.execute("select activity from bi.activities where process = %s", (self.process,))
        return [activity for (activity,) in rows]

    def case_ids_like(self, pattern: str) -> list[str]:
        """The case ids that match a regular expression."""
        rows = self.db.execute(
            "select case_id from bi.cases where process = %s and case_id ~ %s", (self.process, pattern)
        )
        return [case_id for (case_id,) in rows]


@contextmanager
def open_published(
    url: str, process: str, *, with_resources: bool = False, with_attributes: bool = False
) -> Iterator[PublishedLog]:
    """Open the log of `process` as one moment of the warehouse, whatever is published meanwhile.

    with_resources: also who did what (pseudonyms), which needs the auditor's role. with_attributes: also the attributes of
    the cases, which needs the right to read event_log.<process>_attributes. Raises BadInput where there is nothing to read,
    or not for this login.
    """
    with connect(url) as db:
        db.execute("set transaction isolation level repeatable read, read only")
        attributes, held_back = (), ()
        with needed(process, READING_IS_REFUSED):
            become_reader(db)
            about = _about(db, process)
        if with_attributes:
            with needed(
                process, "--attributes needs the right to read the attributes of the cases, which this login has not"
            ):
                _become(db, None)
                attributes, held_back = _attributes(db, process, with_resources)
        _become(db, _role(with_resources))
        if with_resources:
            with needed(process, "--resources is for logins with the role sluice_auditor, which this one has not"):
                db.execute("select from bi_audit.event_resources limit 0")
        has_intervals = db.execute(
            "select exists (select from bi.events where process = %s and started_at is not null)", (process,)
        ).fetchone()[0]
        yield PublishedLog(
            process=process,
            title=about.title,
            order=tuple(about.order_declared.split(", ")),
            as_of=about.as_of,
            case_count=about.case_count,
            event_count=about.event_count,
            has_resources=with_resources,
            has_intervals=has_intervals,
            attributes=attributes,
            held_back=held_back,
            db=db,
        )
        db.rollback()


@dataclass(frozen=True)
class _About:
    title: str
    order_declared: str
    as_of: datetime
    is_case_level_public: bool
    case_count: int
    event_count: int
    is_in_range: bool


def _about(db: psycopg.Connection, process: str) -> _About:
    if db.execute("select to_regclass('bi.events') is null").fetchone()[0]:
        raise BadInput(
            f"export {process}: nothing is published in this warehouse yet: run `sluice run` or `import-log` first"
        )
    with db.cursor(row_factory=class_row(_About)) as cursor:
        about = cursor.execute(
            """select processes.title, processes.order_declared, processes.as_of, processes.is_case_level_public,
                   count(cases.case_key) as case_count, coalesce(sum(cases.event_count), 0) as event_count,
                   coalesce(min(cases.started_at) >= '0001-01-01 00:00:00+00'
                            and max(cases.ended_at) <= '9999-12-31 23:59:59.999999+00', true) as is_in_range
               from bi.processes as processes
               left join bi.cases as cases on cases.process = processes.process
               where processes.process = %s
               group by processes.title, processes.order_declared, processes.as_of, processes.is_case_level_public""",
            (process,),
        ).fetchone()
    if about is None:
        known = [name for (name,) in db.execute('select process from bi.processes order by process collate "C"')]
        raise BadInput(f"export: no process {process!r} is published (published: {', '.join(known) or 'none'})")
    if not about.is_case_level_public:
        raise BadInput(
            f"export {process}: its cases are people's own sessions, which may not be shown one by one: "
            "there is nothing to export"
        )
    if not about.is_in_range:
        raise BadInput(f"export {process}: it has times outside the years 1 to 9999, which XES and CSV cannot hold")
    return about


def _role(with_resources: bool) -> str:
    return AUDITOR if with_resources else READER


def _become(db: psycopg.Connection, role: str | None) -> None:
    """Read as `role` where the login may become it, else as the login itself (None)."""
    db.execute("reset role")
    if role is not None:
        with suppress(psycopg.errors.InsufficientPrivilege, psycopg.errors.InvalidParameterValue), db.transaction():
            db.execute(sql.SQL("set local role {}").format(sql.Identifier(role)))


def become_reader(db: psycopg.Connection) -> None:
    """Read with the rights of `sluice_reader` alone, where the login may."""
    _become(db, READER)


@contextmanager
def needed(process: str, otherwise: str) -> Iterator[None]:
    """What the database refuses to this login, as one line."""
    try:
        yield
    except psycopg.errors.InsufficientPrivilege:
        raise BadInput(f"export {process}: {otherwise}") from None


def _attributes(
    db: psycopg.Connection, process: str, with_persons: bool
) -> tuple[tuple[Attribute, ...], tuple[str, ...]]:
    table = f"{process}_attributes"
    rows = db.execute(
        """select attname::text, format_type(atttypid, null), col_description(attrelid, attnum) from pg_attribute
           where attrelid = to_regclass(format('event_log.%%I', %s::text)) and attnum > 0 and not attisdropped
           and attname not in ('process', 'case_id', 'case_key') order by attnum""",
        (table,),
    ).fetchall()
    found = []
    for column, kind, comment in rows:
        original = _ORIGINAL_NAME(comment or "")
        found.append(Attribute(original[1] if original else column, column, _XES_TYPES.get(kind, "string")))
    persons = _columns_with_persons(db, table, [one.column for one in found if one.kind == "string"])
    if with_persons:
        return tuple(found), ()
    kept = tuple(one for one in found if one.column not in persons)
    return kept, tuple(one.name for one in found if one.column in persons)


def _columns_with_persons(db: psycopg.Connection, table: str, columns: Sequence[str]) -> set[str]:
    if not columns:
        return set()
    tests = sql.SQL(", ").join(
        sql.SQL("bool_or({}::text ~ {})").format(sql.Identifier(column), sql.Literal(_PSEUDONYM)) for column in columns
    )
    query = sql.SQL("select {} from {}").format(tests, sql.Identifier("event_log", table))
    return {column for column, holds in zip(columns, db.execute(query).fetchone(), strict=True) if holds}


def _events_query(with_resources: bool) -> str:
    persons = "inner join bi_audit.event_resources as persons using (process, case_key, event_seq)"
    return f"""
        select events.case_key, events.case_id, events.event_seq, events.activity,
            to_char(events.occurred_at at time zone 'UTC', {_TIME}),
            to_char(events.started_at at time zone 'UTC', {_TIME}),
            events.lifecycle, {"persons.resource" if with_resources else "null::text"}
        from bi.events as events {persons if with_resources else ""}
        where events.process = %(process)s {"and persons.process = %(process)s" if with_resources else ""}
        order by events.case_key, events.event_seq"""


def _values_query(process: str, attributes: Sequence[Attribute]) -> sql.Composed:
    def text(one: Attribute) -> sql.Composed:
        column = sql.Identifier(one.column)
        if one.kind == "date":
            return sql.SQL("to_char({}::timestamptz at time zone 'UTC', {})").format(column, sql.SQL(_TIME))
        return sql.SQL("{}::text").format(column)

    return sql.SQL("select case_key, {} from {} order by case_key").format(
        sql.SQL(", ").join(text(one) for one in attributes), sql.Identifier("event_log", f"{process}_attributes")
    )
