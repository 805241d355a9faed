"""Plantings in events and cases: events hidden in attributes, cases without an id of their own, cases in two parts."""

import re
from datetime import timedelta

from tests.expectations.planting.log import Event
from tests.expectations.planting.registry import Site, Truth, planting

PLACEHOLDER = "UNKNOWN"


@planting("scattered_event", check="scattered_event", forms=("time", "iso_text", "local_text", "prose"))
def plant_scattered_events(site: Site) -> Truth:
    """Something happened while the case went on, and only an attribute tells: as a time or as a text that holds one."""
    form = site.form()
    picked = site.pick(lambda events: events[-1].occurred_at - events[0].occurred_at > timedelta(hours=6))
    for case, events in picked.items():
        begin, span = events[0].occurred_at, events[-1].occurred_at - events[0].occurred_at
        at = (begin + span * site.chance.uniform(0.05, 0.95)).replace(microsecond=0) + timedelta(seconds=7)
        if any(abs(event.occurred_at - at) < timedelta(minutes=1) for event in events):
            at += timedelta(minutes=3)
        value = {
            "time": at,
            "iso_text": at.isoformat(),
            "local_text": f"{at:%Y-%m-%d %H:%M:%S}",
            "prose": f"Surgical procedure, procedure end time {at:%Y-%m-%d %H:%M:%S}, no findings",
        }[form]
        site.log.attributes[case]["detail"] = value
    return Truth(frozenset(picked))


@planting("elusive_case", check="elusive_case", forms=("placeholder", "merged"))
def plant_elusive_cases(site: Site) -> Truth:
    """placeholder: events of several cases stand under an id that says that there is none. merged: under one of them.
    Both, where both may be: a half of the cases each."""
    opening = site.log.order[0][0]
    picked = list(site.pick(lambda events: events[0].activity == opening))
    site.chance.shuffle(picked)
    nowhere, merged = {
        ("placeholder",): (picked, []),
        ("merged",): ([], picked),
    }.get(tuple(site.forms), (picked[::2], picked[1::2]))
    if len(merged) < 2:
        nowhere, merged = picked, []
    for case in nowhere:
        site.log.rename_case(case, PLACEHOLDER)
    pairs = list(zip(merged[::2], merged[1::2], strict=False))
    for one, other in pairs:
        site.log.rename_case(other, one)
    cases = {one for one, _ in pairs} | ({PLACEHOLDER} if nowhere else set())
    known = {"placeholders": [PLACEHOLDER], "once": [opening]}
    return Truth(frozenset(cases), checks={"patterns": {"elusive_case": known}})


@planting("scattered_case", check="scattered_case", forms=("case", "separators", "zeros", "decimal", "prefix"))
def plant_scattered_cases(site: Site) -> Truth:
    """The later tables of a case come from a system that writes its id in another way; two half cases are left."""

    def other_id(case: str, form: str) -> str | None:
        number = re.search(r"\d+$", case)
        made = {
            "case": case.lower(),
            "separators": case.replace("-", site.chance.choice("/ _."))
            if "-" in case
            else re.sub(r"(?<=[A-Z])(?=\d)", site.chance.choice("-/ "), case),
            "zeros": case[: number.start()] + (number[0].lstrip("0") if number[0][0] == "0" else f"00{number[0]}"),
            "decimal": f"{case}.0",
            "prefix": f"CRM:{case}",
        }[form]
        return made if made != case else None

    picked = site.pick(_has_a_later_half)
    cases = set()
    for case, events in picked.items():
        name = other_id(case, site.form()) or f"{case}.0"
        keys = {event.source_key for event in _later_half(events)}
        site.log.rename_case(case, name, lambda event, keys=keys: event.source_key in keys)
        site.log.change(lambda event, name=name: event.case_id == name, source_system="crm2")
        cases |= {case, name}
    return Truth(frozenset(cases), checks={"patterns": {"scattered_case": {"prefixes": ["CRM:"]}}})


def _later_half(events: list[Event]) -> list[Event]:
    """The events from the first activity on that never comes before the middle."""
    middle = len(events) // 2
    earlier = {event.activity for event in events[:middle]}
    return [event for event in events[middle:] if event.activity not in earlier]


def _has_a_later_half(events: list[Event]) -> bool:
    return len(events) >= 4 and bool(_later_half(events))
