"""Reads the values of a process's `checks:` block; what cannot be used is refused with its place, in one line."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sluice.errors import BadInput

# what systems and spreadsheets write where there is no date: day zero of their calendars, or the last day that they know
PLACEHOLDERS = (
    date(1, 1, 1),
    date(1753, 1, 1),
    date(1899, 12, 30),
    date(1899, 12, 31),
    date(1900, 1, 1),
    date(1904, 1, 1),
    date(1970, 1, 1),
    date(9999, 12, 31),
)
_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_UNITS = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(weeks=1)}


@dataclass(frozen=True)
class Mandatory:
    """An activity that every finished case has, unless it has one of `unless`."""

    activity: str
    unless: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reference:
    """raw_<system>.<table>.<column> is the `key` of a row of raw_<system>.<to>."""

    system: str
    table: str
    column: str
    to: str
    key: str = "id"


class Options:
    """The values of one `checks:` block by key; every method raises BadInput for a value that it cannot use."""

    def __init__(self, where: str, checks: Mapping[str, object]) -> None:
        self.where, self.checks = where, checks

    def _refuse(self, key: str, expected: str) -> BadInput:
        return BadInput(f"{self.where}, {key}: expected {expected}, found {self.checks.get(key)!r}"[:500])

    def day(self, key: str, default: date) -> date:
        """A date."""
        value = self.checks.get(key, default)
        if not isinstance(value, date) or isinstance(value, datetime):
            raise self._refuse(key, "a date such as 2000-01-01")
        return value

    def days(self, key: str, default: tuple[date, ...]) -> tuple[date, ...]:
        """Dates; an empty list for none."""
        value = self.checks.get(key, default)
        if not isinstance(value, list | tuple) or any(type(one) is not date for one in value):
            raise self._refuse(key, "a list of dates such as [1900-01-01]")
        return tuple(value)

    def zone(self, key: str) -> str:
        """An IANA time zone; UTC where none is declared."""
        value = self.checks.get(key, "UTC")
        try:
            return ZoneInfo(value).key
        except (OSError, ValueError, KeyError, TypeError):
            raise self._refuse(key, "an IANA time zone such as Europe/Berlin") from None

    def flag(self, key: str) -> bool:
        """true or false."""
        value = self.checks.get(key, False)
        if type(value) is not bool:
            raise self._refuse(key, "true or false")
        return value

    def number(self, key: str, default: float | None) -> float | None:
        """A number of at least 0."""
        value = self.checks.get(key, default)
        if value is default:
            return value
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
            raise self._refuse(key, "a number of at least 0")
        return value

    def text(self, key: str) -> str | None:
        """A text."""
        value = self.checks.get(key)
        if value is not None and not isinstance(value, str):
            raise self._refuse(key, "a text")
        return value

    def duration(self, key: str) -> timedelta | None:
        """A number and a unit."""
        if self.checks.get(key) is None:
            return None
        match = re.fullmatch(r"(\d{1,5}) (hour|day|week)s?", str(self.checks[key]))
        if match is None:
            raise self._refuse(key, "a number and a unit such as 3 days")
        return int(match[1]) * _UNITS[match[2]]

    def mapping(self, key: str) -> dict[str, object]:
        """Keys and values."""
        value = self.checks.get(key) or {}
        if not isinstance(value, Mapping):
            raise self._refuse(key, "keys and values")
        return dict(value)

    def activities(self, key: str) -> tuple[str, ...]:
        """Names of activities."""
        value = self.checks.get(key) or []
        if not _is_texts(value):
            raise self._refuse(key, "a list of activities")
        return tuple(value)

    def names(self, key: str) -> tuple[str, ...]:
        """Names of attribute columns."""
        value = self.checks.get(key) or []
        if not _is_texts(value) or not all(_NAME.fullmatch(name) for name in value):
            raise self._refuse(key, "a list of attribute columns")
        return tuple(value)

    def pairs(self, key: str) -> tuple[tuple[str, str], ...]:
        """Pairs of activities."""
        value = self.checks.get(key) or []
        if not isinstance(value, list) or not all(_is_texts(pair) and len(pair) == 2 for pair in value):
            raise self._refuse(key, "pairs of activities, [[earlier, later], …]")
        return tuple((first, second) for first, second in value)

    def columns(self, key: str) -> tuple[tuple[str, str], ...]:
        """Pairs of attribute columns."""
        value = self.checks.get(key) or []
        if not isinstance(value, list) or not all(
            _is_texts(pair) and len(pair) == 2 and all(_NAME.fullmatch(column) for column in pair) for pair in value
        ):
            raise self._refuse(key, "pairs of attribute columns, [[start, end], …]")
        return tuple((first, second) for first, second in value)

    def mandatory(self, key: str) -> tuple[Mandatory, ...]:
        """Activities, or {activity: …, unless: […]}."""
        made, value = [], self.checks.get(key) or []
        expected = "activities, or {activity: Register Payment, unless: [Cancel]}"
        if not isinstance(value, list):
            raise self._refuse(key, expected)
        for one in value:
            if isinstance(one, str):
                made.append(Mandatory(one))
            elif (
                isinstance(one, Mapping)
                and set(one) <= {"activity", "unless"}
                and isinstance(one.get("activity"), str)
                and _is_texts(one.get("unless", []))
            ):
                made.append(Mandatory(one["activity"], tuple(one.get("unless", []))))
            else:
                raise self._refuse(key, expected)
        return tuple(made)

    def references(self, key: str, sources: Sequence[str]) -> tuple[Reference, ...]:
        """{table, column, to} and, where it is not `id`, `key`; where a process reads several systems, `system`."""
        made, value = [], self.checks.get(key) or []
        expected = "a list of {table: purchase_order_line, column: order_id, to: purchase_order}"
        if not isinstance(value, list):
            raise self._refuse(key, expected)
        for one in value:
            names = dict(one) if isinstance(one, Mapping) else {}
            system = names.setdefault("system", sources[0] if len(sources) == 1 else None)
            if (
                not {"table", "column", "to"} <= set(names) <= {"system", "table", "column", "to", "key"}
                or not _is_texts(list(names.values()))
                or not all(_NAME.fullmatch(name) for name in names.values())
            ):
                raise self._refuse(key, expected + (", each with its system" if len(sources) != 1 else ""))
            if system not in sources:
                raise self._refuse(key, f"a system of the process ({', '.join(sources)})")
            made.append(Reference(**names))
        return tuple(made)


def _is_texts(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(one, str) and one for one in value)
