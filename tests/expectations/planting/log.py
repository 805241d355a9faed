"""A log in memory that can be changed event by event and written as the candidate tables of a process."""

import copy
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

import psycopg

from sluice.keys import activity_key, case_key, event_id, variant_id
from sluice.runs import RunContext

_TYPES = {datetime: "timestamptz", bool: "boolean", int: "bigint", float: "numeric"}
_EVENTS = """event_id uuid, case_id text, case_key bigint, event_seq int, activity text, activity_key int,
    occurred_at timestamptz, started_at timestamptz, lifecycle text, resource text, source_system text,
    source_table text, source_key text, source_seq bigint, order_basis text"""


@dataclass(frozen=True)
class Event:
    """One event. source_seq: the position in its source table, in the order in which the rows were recorded."""

    case_id: str
    activity: str
    occurred_at: datetime
    resource: str | None
    source_table: str
    source_seq: int
    source_key: str
    source_system: str = "erp"
    started_at: datetime | None = None
    lifecycle: str | None = "complete"


@dataclass
class Log:
    """Events, the attributes of each case, and the rank of each activity; `as_of` is the horizon.

    order: what people who know the process know of it: chains of activities that always come in this order.
    """

    events: list[Event]
    attributes: dict[str, dict[str, object]]
    as_of: datetime
    ranks: dict[str, int] = field(default_factory=dict)
    automated: frozenset[str] = frozenset()
    order: tuple[tuple[str, ...], ...] = ()

    def copy(self) -> "Log":
        """A log of its own: changing it leaves this one alone."""
        return copy.deepcopy(self)

    def cases(self) -> dict[str, list[Event]]:
        """The events of each case in the order of their times, ties by rank, then by place in the source."""
        found: dict[str, list[Event]] = {}
        for event in self.events:
            found.setdefault(event.case_id, []).append(event)
        return {
            case: sorted(
                events, key=lambda e: (e.occurred_at, self.ranks.get(e.activity, 10_000), e.source_seq, e.source_key)
            )
            for case, events in sorted(found.items())
        }

    def change(self, is_meant: Callable[[Event], bool], **values: object) -> None:
        """Replace fields of the events that are meant; a function as a value is called with the event."""
        self.events = [
            dataclasses.replace(
                event, **{name: value(event) if callable(value) else value for name, value in values.items()}
            )
            if is_meant(event)
            else event
            for event in self.events
        ]

    def rename_case(self, case: str, name: str, is_meant: Callable[[Event], bool] = lambda event: True) -> None:
        """Give events of a case another case id; the attributes go with it (copied where events stay behind)."""
        self.change(lambda event: event.case_id == case and is_meant(event), case_id=name)
        self.attributes.setdefault(name, dict(self.attributes[case]))
        if not any(event.case_id == case for event in self.events):
            del self.attributes[case]


def write(log: Log, url: str, ctx: RunContext, *, process: str = "demo") -> None:
    """Write the log as the candidate of a full build of `process`, in place of what was there."""
    p = f"candidate.{process}__"
    cases = log.cases()
    activities = sorted({event.activity for event in log.events})
    columns = _columns(log)
    with psycopg.connect(url, options="-c timezone=UTC") as db, db.cursor() as cursor:
        for (table,) in db.execute(
            "select tablename from pg_tables where schemaname = 'candidate' and tablename like %s",
            (f"{process}\\_\\_%",),
        ).fetchall():
            db.execute(f'drop table candidate."{table}"')
        made = {
            "touched_cases": "case_id text",
            "events": _EVENTS,
            "cases": "case_id text, case_key bigint, started_at timestamptz, ended_at timestamptz, event_count int, "
            "variant_id text, is_open boolean",
            "attributes": ", ".join(
                ("case_id text", "case_key bigint", *(f'"{name}" {kind}' for name, kind in columns.items()))
            ),
            "case_rows": "source_table text, source_key text, case_id text",
            "activities": "activity_key int, activity text, rank int, category text, is_automated boolean",
            "build": "process text, run_id text, as_of timestamptz, gated_version bigint, upto_version bigint, "
            "is_full_rebuild boolean, fingerprint text, touched_case_count bigint, event_count bigint",
        }
        for table, definition in made.items():
            db.execute(f"create table {p}{table} ({definition})")
        _copy(cursor, f"{p}touched_cases", [(case,) for case in cases])
        _copy(cursor, f"{p}events", [row for case, events in cases.items() for row in _rows(process, case, events)])
        _copy(cursor, f"{p}cases", [_case(process, case, events) for case, events in cases.items()])
        _copy(
            cursor,
            f"{p}attributes",
            [
                (case, case_key(process, case), *(log.attributes.get(case, {}).get(name) for name in columns))
                for case in cases
            ],
        )
        _copy(
            cursor,
            f"{p}case_rows",
            sorted({(event.source_table, event.source_key, event.case_id) for event in log.events}),
        )
        _copy(
            cursor,
            f"{p}activities",
            [(activity_key(name), name, log.ranks.get(name), None, name in log.automated) for name in activities],
        )
        _copy(
            cursor,
            f"{p}build",
            [(process, ctx.run_id, ctx.as_of, 0, 1, True, "f", len(cases), len(log.events))],
        )


def _copy(cursor: psycopg.Cursor, table: str, rows: list[tuple]) -> None:
    with cursor.copy(f"copy {table} from stdin") as copying:
        for row in rows:
            copying.write_row(row)


def _columns(log: Log) -> dict[str, str]:
    columns: dict[str, str] = {}
    for attributes in log.attributes.values():
        for name, value in attributes.items():
            if value is not None:
                columns.setdefault(name, _TYPES.get(type(value), "text"))
    return dict(sorted(columns.items()))


def _rows(process: str, case: str, events: list[Event]) -> list[tuple]:
    key, rows, times = case_key(process, case), [], [event.occurred_at for event in events]
    for number, event in enumerate(events, 1):
        place = f"{event.source_key}:{event.source_seq}"
        rows.append(
            (
                event_id(process, case, event.source_system, event.source_table, place, event.activity, number),
                case,
                key,
                number,
                event.activity,
                activity_key(event.activity),
                event.occurred_at,
                event.started_at,
                event.lifecycle,
                event.resource,
                event.source_system,
                event.source_table,
                event.source_key,
                event.source_seq,
                "occurred_at" if times.count(event.occurred_at) == 1 else "source_seq",
            )
        )
    return rows


def _case(process: str, case: str, events: list[Event]) -> tuple:
    return (
        case,
        case_key(process, case),
        min(event.started_at or event.occurred_at for event in events),
        max(event.occurred_at for event in events),
        len(events),
        variant_id([event.activity for event in events]),
        False,
    )
