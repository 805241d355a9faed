"""What a process declares of its performance (key `performance` of processes/<process>.yml), and the calendars of
processes/calendars/, read and checked here.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from mining_tasks.calendars import DAY_SECONDS, Calendar, Hours
from sluice.durations import duration_of, microseconds, working_duration_of
from sluice.errors import BadInput
from sluice.processes import PROJECT
from sluice.yaml_files import is_identifier, read_yaml, shown

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_HOURS = re.compile(r"(\d{2}):(\d{2})-(\d{2}):(\d{2})")
CASE_END = "end of the case"  # what is predicted of every process; no rule may be called so
_KEYS = ("calendar", "calendars", "costs", "due", "batch_gap", "rework_activities")


@dataclass(frozen=True)
class Rates:
    """Cost of an hour. processing: of work on a case; waiting: of a case that lies, in working time."""

    processing: float = 0.0
    waiting: float = 0.0


@dataclass(frozen=True)
class Due:
    """What is due. name: of the rule. activity: what must have happened (its first or last occurrence, `which`).

    Due at the case's `attribute`, or `within_us` of working (is_working) or clock time after `since` (an activity's
    first occurrence, None: the case's start).
    """

    name: str
    activity: str
    which: str = "first"
    attribute: str | None = None
    within_us: int | None = None
    is_working: bool = False
    since: str | None = None


@dataclass(frozen=True)
class Performance:
    """What a process declares of its performance; the defaults are those of a process that declares nothing.

    calendar: of the process; None: around the clock. by_attribute: (attribute, value -> calendar) of the case.
    by_activity, by_resource: calendars of those who do an activity, of single resources (pseudonyms); they say when
    a step can be done, and the resource's decides before the activity's. batch_gap_us: how long after the one before a
    case of a batch may begin. rework_activities: what is never right the first time.
    """

    calendar: str | None = None
    by_attribute: tuple[str, Mapping[str, str]] | None = None
    by_activity: Mapping[str, str] = field(default_factory=dict)
    by_resource: Mapping[str, str] = field(default_factory=dict)
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    currency: str | None = None
    rates: Rates = Rates()
    activity_rates: Mapping[str, Rates] = field(default_factory=dict)
    due: tuple[Due, ...] = ()
    batch_gap_us: int = 0
    rework_activities: tuple[str, ...] = ()

    @property
    def attributes(self) -> tuple[str, ...]:
        """The attributes of cases that are needed, sorted."""
        named = {rule.attribute for rule in self.due if rule.attribute}
        return tuple(sorted(named | ({self.by_attribute[0]} if self.by_attribute else set())))


def load_performance(name: str, project: Path = PROJECT) -> Performance:
    """What processes/<name>.yml declares under `performance`; BadInput names the file, the key and what is expected."""
    path = project / "processes" / f"{name}.yml"
    declared = read_yaml(path).get("performance") or {}
    return _Declaration(path, declared).read()


def load_calendar(name: str, project: Path = PROJECT) -> Calendar:
    """The calendar of processes/calendars/<name>.yml; BadInput names the file, the key and what is expected."""
    path = project / "processes" / "calendars" / f"{name}.yml"
    try:
        declared = read_yaml(path)
    except FileNotFoundError:
        raise BadInput(f"{path}: expected this file, as the calendar {name} is declared to be used") from None

    def fail(key: str, expected: str) -> BadInput:
        return BadInput(f"{path}: {key}: expected {expected}")

    known = ("calendar", "title", "zone", "hours", "holidays", "other_hours")
    if not isinstance(declared, dict) or not set(declared) <= set(known):
        raise fail("keys", f"some of {', '.join(known)}")
    if declared.get("calendar") != name:
        raise fail("calendar", f"the file's name, {name}")
    try:
        ZoneInfo(declared["zone"])
    except (KeyError, ValueError, TypeError, AttributeError, OSError):
        raise fail("zone", "a time zone such as Europe/Brussels") from None
    hours = declared.get("hours")
    if not isinstance(hours, dict) or not set(hours) <= set(WEEKDAYS):
        raise fail("hours", f"weekdays ({', '.join(WEEKDAYS)}) with their hours")
    single, yearly, from_easter = {}, {}, {}
    closed = declared.get("holidays", [])
    other = declared.get("other_hours", {})
    if not isinstance(closed, list) or not isinstance(other, dict):
        raise fail("holidays, other_hours", "a list of days; days with their hours")
    days = [("holidays", day, []) for day in closed] + [("other_hours", day, found) for day, found in other.items()]
    for key, day, given in days:
        found = _hours(given, lambda expected, key=key: fail(key, expected))
        text = str(day)
        if isinstance(day, date) or re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            place, into = _date(text), single
        elif re.fullmatch(r"\d{2}-\d{2}", text):
            place = _date(f"2024-{text}")  # a leap year
            place, into = place and (place.month, place.day), yearly
        else:
            match = re.fullmatch(r"easter(?:([+-]\d{1,3}))?", text)
            place, into = int(match[1] or 0) if match else None, from_easter
        if place is None:
            raise fail(key, f"days as 2025-12-24, 12-24 (every year), easter or easter+1, found {shown(day)}")
        into[place] = found
    week = tuple(_hours(hours.get(day, []), lambda expected: fail("hours", expected)) for day in WEEKDAYS)
    return Calendar(name, declared["zone"], week, single, yearly, from_easter)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _hours(given: Any, fail: Callable[[str], BadInput]) -> Hours:
    expected = "hours such as [08:00-12:00, 13:00-17:00]; 22:00-06:00 runs over midnight"
    if not isinstance(given, list):
        raise fail(expected)
    found = []
    for span in given:
        match = _HOURS.fullmatch(str(span))
        if match is None:
            raise fail(f"{expected}, found {shown(span)}")
        opens, closes = (int(match[n]) * 3600 + int(match[n + 1]) * 60 for n in (1, 3))
        if opens >= DAY_SECONDS or closes > DAY_SECONDS or int(match[2]) > 59 or int(match[4]) > 59 or opens == closes:
            raise fail(f"{expected}, found {shown(span)}")
        found.append((opens, closes if closes > opens else closes + DAY_SECONDS))
    return tuple(found)


class _Declaration:
    """The key `performance` of one process."""

    def __init__(self, path: Path, declared: Any) -> None:
        self.path, self.declared = path, declared

    def _fail(self, key: str, expected: str, found: Any) -> BadInput:
        return BadInput(f"{self.path}: performance: {key}: expected {expected}, found {shown(found)}")

    def read(self) -> Performance:
        given = self.declared
        if not isinstance(given, dict) or not set(given) <= set(_KEYS):
            raise self._fail("keys", f"some of {', '.join(_KEYS)}", given)
        others, gap = self._mapping(given, "calendars"), given.get("batch_gap", "0 seconds")
        if not set(others) <= {"attribute", "values", "activities", "resources"}:
            raise self._fail("calendars", "attribute with values, activities, resources", others)
        of_values = self._names(others, "values")
        if bool(of_values) != bool(others.get("attribute")) or not is_identifier(others.get("attribute", "a")):
            raise self._fail("calendars", "an attribute with values, or neither", others)
        of_activities, of_resources = self._names(others, "activities"), self._names(others, "resources")
        used = {*of_values.values(), *of_activities.values(), *of_resources.values()}
        if given.get("calendar") is not None:
            used.add(given["calendar"])
        for name in used:
            if not is_identifier(name):
                raise self._fail("calendar", "the name of a file of processes/calendars/", name)
        project = self.path.parent.parent
        costs = self._mapping(given, "costs")
        if not set(costs) <= {"currency", "processing_per_hour", "waiting_per_hour", "activities"}:
            raise self._fail("costs", "currency, processing_per_hour, waiting_per_hour, activities", costs)
        if not isinstance(costs.get("currency", ""), str) or (costs and not costs.get("currency")):
            raise self._fail("costs: currency", "a currency such as EUR", costs.get("currency"))
        rates = self._rates(costs, Rates())
        special = self._mapping(costs, "activities")
        return Performance(
            calendar=given.get("calendar"),
            by_attribute=(others["attribute"], of_values) if of_values else None,
            by_activity=of_activities,
            by_resource=of_resources,
            calendars={name: load_calendar(name, project) for name in sorted(used)},
            currency=costs.get("currency"),
            rates=rates,
            activity_rates={name: self._rates(found, rates) for name, found in special.items()},
            due=tuple(self._due(name, rule) for name, rule in self._mapping(given, "due").items()),
            batch_gap_us=self._microseconds("batch_gap", gap, duration_of(gap)),
            rework_activities=tuple(self._list(given, "rework_activities")),
        )

    def _mapping(self, given: Mapping[str, Any], key: str) -> dict[str, Any]:
        found = given.get(key, {})
        if not isinstance(found, dict) or not all(isinstance(name, str) for name in found):
            raise self._fail(key, "keys and values", found)
        return found

    def _names(self, given: Mapping[str, Any], key: str) -> dict[str, str]:
        found = self._mapping(given, key) if not isinstance(given.get(key), dict) else given[key]
        if not all(isinstance(value, str) for value in found.values()):
            raise self._fail(f"calendars: {key}", "names of calendars", found)
        return {str(name): value for name, value in found.items()}

    def _list(self, given: Mapping[str, Any], key: str) -> list[str]:
        found = given.get(key, [])
        if not isinstance(found, list) or not all(isinstance(value, str) for value in found):
            raise self._fail(key, "a list of activities", found)
        return found

    def _rates(self, given: Any, default: Rates) -> Rates:
        if not isinstance(given, dict):
            raise self._fail("costs: activities", "activities with their rates", given)
        found = []
        for key, value in (("processing_per_hour", default.processing), ("waiting_per_hour", default.waiting)):
            value = given.get(key, value)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
                raise self._fail(f"costs: {key}", "an amount of at least 0", value)
            found.append(float(value))
        return Rates(*found)

    def _due(self, name: str, rule: Any) -> Due:
        keys = {"activity", "which", "attribute", "within", "since"}
        if name == CASE_END:
            raise self._fail("due", "names of rules other than that of the prediction", name)
        if not isinstance(rule, dict) or not set(rule) <= keys or not isinstance(rule.get("activity"), str):
            raise self._fail(f"due: {name}", "activity, with attribute or within (and since, which)", rule)
        if rule.get("which", "first") not in ("first", "last") or not isinstance(rule.get("since", ""), str):
            raise self._fail(f"due: {name}: which", "first or last, and since an activity", rule)
        if ("attribute" in rule) == ("within" in rule) or not is_identifier(rule.get("attribute", "a")):
            raise self._fail(f"due: {name}", "either attribute or within", rule)
        within, is_working = None, False
        if "within" in rule:
            lasting, is_working = working_duration_of(rule["within"])
            within = self._microseconds(f"due: {name}: within", rule["within"], lasting)
        return Due(
            name=name,
            activity=rule["activity"],
            which=rule.get("which", "first"),
            attribute=rule.get("attribute"),
            within_us=within,
            is_working=is_working,
            since=rule.get("since"),
        )

    def _microseconds(self, key: str, given: Any, duration: timedelta | None) -> int:
        if duration is None:
            raise self._fail(key, "a number and a unit, such as `8 hours`, of a hundred years at most", given)
        return microseconds(duration)
