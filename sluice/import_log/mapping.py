"""Which column (CSV) or attribute (XES) plays which part: as declared, or by the names that the usual tools write.

Guesses are made of names alone, never of values, and every one is announced.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sluice.errors import BadInput

# part -> known names, best first, compared without case, spaces and punctuation.
# Sources: pm4py (case:concept:name …), Disco (Case ID, Complete Timestamp), Celonis (_CASE_KEY, ACTIVITY_EN, EVENTTIME)
_KNOWN = {
    "case": (
        "case:concept:name",
        "Case ID",
        "_CASE_KEY",
        "Case Key",
        "Case",
        "Case Number",
        "Case No",
        "Trace ID",
        "Trace",
    ),
    "activity": (
        "concept:name",
        "Activity",
        "ACTIVITY_EN",
        "Activity ID",
        "Activity Name",
        "Event Name",
        "Task",
        "Event",
    ),
    "timestamp": (
        "time:timestamp",
        "Complete Timestamp",
        "Completion Timestamp",
        "End Timestamp",
        "Complete Time",
        "End Time",
        "EVENTTIME",
        "Event Time",
        "Timestamp",
        "Event Timestamp",
        "Time",
        "Date Time",
        "Date",
    ),
    "start": ("start_timestamp", "start:timestamp", "time:start", "Start Timestamp", "Start Time"),
    "resource": ("org:resource", "Resource", "USER_NAME", "User", "User ID", "Employee"),
    "lifecycle": ("lifecycle:transition", "Lifecycle", "Lifecycle Transition", "Transition", "Event Type"),
    "instance": ("concept:instance", "Activity Instance ID", "Activity Instance"),
}
OPTIONS = {
    "case": "--case",
    "activity": "--activity",
    "timestamp": "--timestamp",
    "start": "--start-timestamp",
    "resource": "--resource",
    "lifecycle": "--lifecycle-column",
}
_REQUIRED = ("case", "activity", "timestamp")
_LONGEST_LIST = 1500  # characters of the columns that a message lists


@dataclass(frozen=True)
class Mapping:
    """Names of the columns that play each part; activity may be several, whose values are joined by '+' as XES does."""

    case: str
    activity: tuple[str, ...]
    timestamp: str
    start: str | None = None
    resource: str | None = None
    lifecycle: str | None = None
    instance: str | None = None
    guessed: frozenset[str] = field(default_factory=frozenset)

    def used(self) -> set[str]:
        """All names that play a part."""
        parts = (self.case, *self.activity, self.timestamp, self.start, self.resource, self.lifecycle, self.instance)
        return {name for name in parts if name is not None}

    def sentence(self) -> str:
        """One line for the user: what is taken for what."""
        said = []
        for part, label in (
            ("case", "case"),
            ("activity", "activity"),
            ("timestamp", "time"),
            ("start", "start"),
            ("resource", "resource"),
            ("lifecycle", "lifecycle"),
        ):
            value = getattr(self, part)
            if value:
                name = " + ".join(value) if part == "activity" else value
                said.append(f"{label} = '{name}'{' (guessed)' if part in self.guessed else ''}")
        return ", ".join(said)


def xes_mapping(declared: dict[str, str | None]) -> Mapping:
    """The parts of an XES log: the keys of the standard extensions unless declared."""
    activity = declared.get("activity")
    return Mapping(
        case=declared.get("case") or "concept:name",
        activity=tuple(activity.split("+")) if activity else ("concept:name",),
        timestamp=declared.get("timestamp") or "time:timestamp",
        start=declared.get("start") or "start_timestamp",
        resource=declared.get("resource") or "org:resource",
        lifecycle=declared.get("lifecycle") or "lifecycle:transition",
        instance="concept:instance",
    )


def csv_mapping(header: Sequence[str], declared: dict[str, str | None], *, where: str) -> Mapping:
    """The parts of a CSV log with the columns `header`; BadInput names what is missing and the columns found."""
    found: dict[str, str] = {}
    guessed = set()
    listed = " ".join(", ".join(header).split())  # names may hold line ends
    listed = listed or "(none)"
    columns = f"the columns found are: {listed if len(listed) <= _LONGEST_LIST else listed[:_LONGEST_LIST] + ' …'}"
    for part, option in OPTIONS.items():
        name = declared.get(part)
        if name and part != "activity":
            found[part] = _column(name, header, option, where, columns)
    activity = _activity(declared.get("activity"), header, where, columns)
    taken = set(found.values()) | set(activity or ())
    for part, known in _KNOWN.items():
        if part in found or (part == "activity" and activity):
            continue
        name = _guess(known, [column for column in header if column not in taken])
        if name is not None:
            found[part] = name
            taken.add(name)
            guessed.add(part)
    if "timestamp" not in found and "start" in found:  # a log that knows only when something began
        found["timestamp"] = found.pop("start")
        guessed.add("timestamp")
    if activity is None and "activity" in found:
        activity = (found.pop("activity"),)
    missing = [part for part in _REQUIRED if part not in found and not (part == "activity" and activity)]
    if missing:
        options = ", ".join(OPTIONS[part] for part in missing)
        raise BadInput(
            f"{where}: no column is known to be the {' or the '.join(missing)}: name it with {options}; {columns}"
        )
    for name in {*found.values(), *activity}:
        if header.count(name) > 1:
            raise BadInput(
                f"{where}: the column '{name}' is there {header.count(name)} times: rename all but one; {columns}"
            )
    return Mapping(activity=activity, guessed=frozenset(guessed), **found)


def _plain(name: str) -> str:
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def _guess(known: Sequence[str], columns: Sequence[str]) -> str | None:
    plain = {_plain(column): column for column in reversed(columns)}
    return next((plain[_plain(name)] for name in known if _plain(name) in plain), None)


def _column(name: str, header: Sequence[str], option: str, where: str, columns: str) -> str:
    if name in header:
        return name
    close = [column for column in header if column.casefold().strip() == name.casefold().strip()]
    if len(close) == 1:
        return close[0]
    raise BadInput(f"{where}: {option} '{name}': there is no such column; {columns}")


def _activity(name: str | None, header: Sequence[str], where: str, columns: str) -> tuple[str, ...] | None:
    if not name:
        return None
    if name in header or "+" not in name:
        return (_column(name, header, "--activity", where, columns),)
    return tuple(_column(part, header, "--activity", where, columns) for part in name.split("+"))
