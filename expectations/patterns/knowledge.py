"""What a process declares for the imperfection patterns, under `checks: patterns:` of its YAML; nothing is needed.

patterns:
  mandatory_order: [[Create PO, Approve PO, Send PO]]     # chains: each activity, where it happens, before the later ones
  form_based_event_capture: {activities: 3, accept: [[Confirm Order, Win Opportunity, Send Order]]}
  collateral_events: {activities: 3, seconds: 3, accept: [[Post Bill, Send Message, Update Status]]}
  scattered_event: {ignore: [promised_at]}                # attributes that hold times which are no events
  elusive_case: {placeholders: [UNKNOWN], once: [Create PO]}
  scattered_case: {prefixes: ["CRM:"]}                    # what systems put before the same id
  polluted_label: {labels: 3, ignore: [Level 1 approval, Level 2 approval, Level 3 approval]}
  distorted_label: {same: [[Approve, Aprove]], accept: [[Sent, Send]]}    # alike and the same, alike and not the same
  synonymous_labels: [[Approve, Approved, Sign off]]      # the first is the one to use
  homonymous_label: [Review]
"""

from collections.abc import Mapping
from dataclasses import dataclass

from expectations.declaration import GateDeclaration
from sluice.errors import BadInput

_KEYS = {
    "mandatory_order": None,
    "form_based_event_capture": ("activities", "accept"),
    "collateral_events": ("activities", "seconds", "accept"),
    "scattered_event": ("ignore",),
    "elusive_case": ("placeholders", "once"),
    "scattered_case": ("prefixes",),
    "polluted_label": ("labels", "ignore"),
    "distorted_label": ("same", "accept"),
    "synonymous_labels": None,
    "homonymous_label": None,
}


@dataclass(frozen=True)
class Knowledge:
    """The declaration, checked. Groups are tuples of activities; counts and seconds are positive."""

    mandatory_order: tuple[tuple[str, ...], ...] = ()
    form_activities: int = 3
    form_accept: tuple[tuple[str, ...], ...] = ()
    burst_activities: int = 3
    burst_seconds: float = 3
    burst_accept: tuple[tuple[str, ...], ...] = ()
    scattered_ignore: tuple[str, ...] = ()
    placeholders: tuple[str, ...] = ()
    once: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    polluted_labels: int = 3
    polluted_ignore: tuple[str, ...] = ()
    distorted_same: tuple[tuple[str, ...], ...] = ()
    distorted_accept: tuple[tuple[str, ...], ...] = ()
    synonyms: tuple[tuple[str, ...], ...] = ()
    homonyms: tuple[str, ...] = ()


def knowledge_of(declared: GateDeclaration) -> Knowledge:
    """What the process declares for the patterns; raises BadInput naming the process and the key."""
    reader = _Reader(f"{declared.where}, patterns", declared.patterns)
    return Knowledge(
        mandatory_order=reader.groups("mandatory_order"),
        form_activities=int(reader.number("form_based_event_capture", "activities", 3, at_least=2)),
        form_accept=reader.groups("form_based_event_capture", "accept"),
        burst_activities=int(reader.number("collateral_events", "activities", 3, at_least=2)),
        burst_seconds=reader.number("collateral_events", "seconds", 3, at_least=0.001),
        burst_accept=reader.groups("collateral_events", "accept"),
        scattered_ignore=reader.names("scattered_event", "ignore"),
        placeholders=reader.names("elusive_case", "placeholders"),
        once=reader.names("elusive_case", "once"),
        prefixes=reader.names("scattered_case", "prefixes"),
        polluted_labels=int(reader.number("polluted_label", "labels", 3, at_least=2)),
        polluted_ignore=reader.names("polluted_label", "ignore"),
        distorted_same=reader.groups("distorted_label", "same"),
        distorted_accept=reader.groups("distorted_label", "accept"),
        synonyms=reader.groups("synonymous_labels"),
        homonyms=reader.names("homonymous_label"),
    )


class _Reader:
    def __init__(self, where: str, given: object) -> None:
        if not isinstance(given, Mapping):
            raise BadInput(f"{where}: expected keys and values, found {given!r}")
        self.where, self.given = where, given
        for key, value in given.items():
            if key not in _KEYS:
                raise BadInput(f"{where}: unknown key {key!r}; expected {', '.join(_KEYS)}")
            parts = _KEYS[key]
            if parts is not None:
                if not isinstance(value, Mapping):
                    raise BadInput(f"{where}, {key}: expected keys and values such as {parts[0]}, found {value!r}")
                for part in value:
                    if part not in parts:
                        raise BadInput(f"{where}, {key}: unknown key {part!r}; expected {', '.join(parts)}")

    def _value(self, key: str, part: str | None) -> tuple[str, object]:
        value = self.given.get(key)
        if part is None:
            return f"{self.where}, {key}", value
        return f"{self.where}, {key}, {part}", None if value is None else value.get(part)

    def names(self, key: str, part: str | None = None) -> tuple[str, ...]:
        where, value = self._value(key, part)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
            raise BadInput(f"{where}: expected a list of texts, found {value!r}")
        return tuple(value)

    def groups(self, key: str, part: str | None = None) -> tuple[tuple[str, ...], ...]:
        where, value = self._value(key, part)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(
            isinstance(group, list)
            and len(group) >= 2
            and len(set(map(str, group))) == len(group)
            and all(isinstance(name, str) and name for name in group)
            for group in value
        ):
            raise BadInput(f"{where}: expected lists of at least two different activities, found {value!r}")
        return tuple(map(tuple, value))

    def number(self, key: str, part: str, default: float, *, at_least: float) -> float:
        where, value = self._value(key, part)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not at_least <= value < 1e6:
            raise BadInput(f"{where}: expected a number of at least {at_least:g}, found {value!r}")
        return value
