"""What a parser gives: actions without content, rows that could not be used, or the refusal of a whole file."""

from dataclasses import dataclass, fields
from datetime import datetime
from operator import attrgetter

from sluice.errors import BadInput

FORMATS = ("rpa_logger", "smartrpa", "activitywatch")


class Refused(BadInput):
    """A whole file that cannot be used. Its text says why and what to do, and holds nothing of the file's content."""


class EmptyExport(BadInput):
    """A file of a known format (or none) without a single row."""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot be used: its line (CSV) or position (JSON), and why. Never its content."""

    line: int
    check_name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Action:
    """One row of a recording after de-identification; the columns of raw_agent.<format> (README.md) in their order."""

    source_seq: int
    line: int
    occurred_at: datetime
    ended_at: datetime | None
    person: str | None
    application: str
    action: str
    element_key: str | None = None
    element_label: str | None = None
    target_kind: str | None = None
    target_row: int | None = None
    container_key: str | None = None
    value_kind: str | None = None
    value_length: int | None = None
    value_relation: str | None = None
    copy_seq: int | None = None
    document_ref: str | None = None
    stream_key: str | None = None
    host_key: str | None = None

    def row(self) -> tuple:
        """The values in the order of ACTION_COLUMNS."""
        return _values_of(self)


ACTION_COLUMNS = tuple(field.name for field in fields(Action))
_values_of = attrgetter(*ACTION_COLUMNS)
