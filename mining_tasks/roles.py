"""Roles: groups of activities that the same persons do in like parts.

Definition: Burattin, Sperduti and Veluscek, Business Models Enhancement through Discovery of Roles (2013).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import narwhals as nw
from narwhals.typing import IntoFrame

from mining_tasks.frames import collected, events_of

THRESHOLD = Fraction(65, 100)


@dataclass(frozen=True)
class Role:
    """activities: names, sorted. work: person -> events of these activities."""

    activities: tuple[str, ...]
    work: Mapping[int, int]

    @property
    def event_count(self) -> int:
        return sum(self.work.values())


def discover_roles(events: IntoFrame, *, names: Mapping[int, str], threshold: Fraction = THRESHOLD) -> list[Role]:
    """The roles of a log, most events first, equal ones by their activities. names: activity_key -> activity.

    Each activity begins as a role of its own, with the part that each person has in its events. As long as two roles are
    more alike than `threshold`, the two most alike become one (of equal ones the first by name). Likeness: the sum over
    persons of the smaller of their parts in the two roles, divided by the sum of the greater. Exact: no sum is rounded.
    """
    frame = events_of(events, needs=("case_key", "event_seq", "activity_key", "resource_key"))
    done = frame.filter(~nw.col("resource_key").is_null()).group_by("activity_key", "resource_key")
    work: dict[int, dict[int, int]] = {}
    counted = collected(done.agg(nw.len().alias("event_count")), order=["activity_key", "resource_key"])
    for activity, person, count in counted.iter_rows():
        work.setdefault(activity, {})[person] = count
    roles = {number: Role((names[key],), done) for number, (key, done) in enumerate(work.items())}
    alike = {pair: likeness for pair in _pairs(roles) if (likeness := _likeness(roles, *pair)) > threshold}
    fresh = len(roles)
    while alike:
        best = max(alike.values())
        first, second = min(
            (pair for pair, likeness in alike.items() if likeness == best), key=lambda pair: _names(roles, pair)
        )
        one, other = roles.pop(first), roles.pop(second)
        alike = {pair: likeness for pair, likeness in alike.items() if not {first, second} & set(pair)}
        both = {person: one.work.get(person, 0) + other.work.get(person, 0) for person in one.work | other.work}
        roles[fresh] = Role(tuple(sorted((*one.activities, *other.activities))), both)
        for number in roles:
            if number != fresh and (likeness := _likeness(roles, number, fresh)) > threshold:
                alike[number, fresh] = likeness
        fresh += 1
    return sorted(roles.values(), key=lambda role: (-role.event_count, role.activities))


def _pairs(roles: Mapping[int, Role]) -> list[tuple[int, int]]:
    numbers = sorted(roles)
    return [(one, other) for place, one in enumerate(numbers) for other in numbers[place + 1 :]]


def _names(roles: Mapping[int, Role], pair: tuple[int, int]) -> list[tuple[str, ...]]:
    return sorted(roles[number].activities for number in pair)


def _likeness(roles: Mapping[int, Role], one: int, other: int) -> Fraction:
    """Sum of the smaller parts by sum of the greater; both sums together are 2, since parts add up to 1."""
    few, many = sorted((roles[one].work, roles[other].work), key=len)
    few_total, many_total = sum(few.values()), sum(many.values())
    smaller = sum(min(count * many_total, many[person] * few_total) for person, count in few.items() if person in many)
    return Fraction(smaller, 2 * few_total * many_total - smaller)
