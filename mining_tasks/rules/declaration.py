"""Rules as they are declared under `rules:` of a process's YAML: read and checked, one clear line per mistake."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sluice.durations import microseconds, working_duration_of
from sluice.errors import BadInput
from sluice.yaml_files import is_identifier, shown

# template -> (how many sides its `activities` have, keys that it takes besides, whether they must be given)
_UNARY_COUNTED = ("existence", "absence", "exactly")
_ENDS = ("init", "last")
_POSITIVE = (
    "responded_existence",
    "co_existence",
    "response",
    "alternate_response",
    "chain_response",
    "precedence",
    "alternate_precedence",
    "chain_precedence",
    "succession",
    "alternate_succession",
    "chain_succession",
)
_NEGATIVE = ("not_co_existence", "not_succession", "not_chain_succession")
DECLARE = (*_UNARY_COUNTED, *_ENDS, *_POSITIVE, *_NEGATIVE)
PLAIN = ("four_eyes", "segregation_of_duties", "amount_limit", "time_limit")
TEMPLATES = (*DECLARE, *PLAIN)
_COMMON = ("name", "rule", "activities", "description")
_OWN = {
    **dict.fromkeys(_UNARY_COUNTED, ("count",)),
    "amount_limit": ("attribute", "above", "before"),
    "time_limit": ("at_most", "at_least"),
}
_LONGEST_TEXT = 500


@dataclass(frozen=True)
class Rule:
    """One rule. sides: the activities of each side, in the order of the template: `response` of ((A,), (B, C)) says that
    each A is followed by B or C. count: the n of existence, absence and exactly. attribute, above, before: of an amount
    limit. at_most_us, at_least_us: of a time limit, microseconds; is_working: of working time.
    """

    name: str
    template: str
    sides: tuple[tuple[str, ...], ...]
    description: str = ""
    count: int = 1
    attribute: str | None = None
    above: float | None = None
    before: tuple[str, ...] = ()
    at_most_us: int | None = None
    at_least_us: int | None = None
    is_working: bool = False

    @property
    def activities(self) -> set[str]:
        """Every activity that the rule names."""
        return {name for side in self.sides for name in side} | set(self.before)


def read_rules(where: str, declared: Any, *, known: Collection[str] | None = None) -> tuple[Rule, ...]:
    """The rules of a list as YAML gives it; BadInput names the place, the rule and the key.

    where: how messages call the place, such as `processes/orders.yml: rules`. known: the activities that there are;
    None: not checked.
    """
    if not isinstance(declared, list):
        raise BadInput(f"{where}: expected a list of rules, found {shown(declared)}")
    rules: dict[str, Rule] = {}
    for number, entry in enumerate(declared, 1):
        rule = _read(where, number, entry)
        if rule.name in rules:
            raise BadInput(f"{where}: {rule.name}: expected names that differ, found this one twice")
        unknown = sorted(rule.activities - set(known)) if known is not None else []
        if unknown:
            raise BadInput(
                f"{where}: {rule.name}: {shown(unknown[0])} is no declared activity: expected one of the process's own"
            )
        rules[rule.name] = rule
    return tuple(rules.values())


def _read(where: str, number: int, entry: Any) -> Rule:
    if not isinstance(entry, dict):
        raise BadInput(f"{where}: rule {number}: expected keys and values such as `name: …`, found {shown(entry)}")
    name = entry.get("name")
    if not is_identifier(name):
        raise BadInput(
            f"{where}: rule {number}: name: expected lower-case letters, digits and underscores, beginning with a "
            f"letter, found {shown(name)}"
        )
    place = f"{where}: {name}"
    template = entry.get("rule")
    if template not in TEMPLATES:
        raise BadInput(f"{place}: rule: expected one of {', '.join(TEMPLATES)}, found {shown(template)}")
    allowed = (*_COMMON, *_OWN.get(template, ()))
    for key in entry:
        if key not in allowed:
            raise BadInput(f"{place}: {shown(key)}: no such key of {template}; expected {', '.join(allowed)}")
    description = entry.get("description", "")
    if not isinstance(description, str) or len(description) > _LONGEST_TEXT or "\x00" in description:
        raise BadInput(f"{place}: description: expected a text of at most {_LONGEST_TEXT} characters")
    rule = Rule(name, template, _sides(place, template, entry.get("activities")), description)
    return _with_own_keys(place, rule, entry)


def _sides(place: str, template: str, activities: Any) -> tuple[tuple[str, ...], ...]:
    if not isinstance(activities, list) or not activities:
        raise BadInput(f"{place}: activities: expected a list of activities, found {shown(activities)}")
    sides = tuple(_side(place, "activities", side) for side in activities)
    if template in (*_UNARY_COUNTED, *_ENDS, "amount_limit"):
        if len(sides) != 1:
            raise BadInput(f"{place}: activities: expected one activity (or [[one, or another]]), found {len(sides)}")
    elif template == "segregation_of_duties":
        if len(sides) < 2:
            raise BadInput(f"{place}: activities: expected two duties or more, found {len(sides)}")
    elif len(sides) != 2:
        raise BadInput(f"{place}: activities: expected two, found {len(sides)}")
    flat = [activity for side in sides for activity in side]
    both = sorted({activity for activity in flat if flat.count(activity) > 1})
    if both and not (template == "four_eyes" and sides[0] == sides[1] and len(set(sides[0])) == len(sides[0])):
        raise BadInput(f"{place}: activities: expected each activity once, found {shown(both[0])} twice")
    return sides


def _side(place: str, key: str, side: Any) -> tuple[str, ...]:
    names = side if isinstance(side, list) else [side]
    if not names or not all(isinstance(name, str) and name and "\x00" not in name for name in names):
        raise BadInput(f"{place}: {key}: expected an activity or a list of them, found {shown(side)}")
    return tuple(names)


def _with_own_keys(place: str, rule: Rule, entry: Mapping[str, Any]) -> Rule:
    given: dict[str, Any] = {}
    if "count" in entry:
        if type(entry["count"]) is not int or not 1 <= entry["count"] <= 1_000_000:
            raise BadInput(f"{place}: count: expected a whole number of at least 1, found {shown(entry['count'])}")
        given["count"] = entry["count"]
    if rule.template == "amount_limit":
        if not is_identifier(entry.get("attribute")):
            raise BadInput(
                f"{place}: attribute: expected a column of the process's attributes, found "
                f"{shown(entry.get('attribute'))}"
            )
        above = entry.get("above")
        if type(above) not in (int, float) or not math.isfinite(above):
            raise BadInput(f"{place}: above: expected a number, found {shown(above)}")
        given |= {"attribute": entry["attribute"], "above": float(above)}
        if "before" in entry:
            given["before"] = _side(place, "before", entry["before"])
            if set(given["before"]) & rule.activities:
                raise BadInput(f"{place}: before: expected other activities than the needed one")
    if rule.template == "time_limit":
        kinds = set()
        for key in ("at_most", "at_least"):
            if key in entry:
                duration, is_working = working_duration_of(entry[key])
                if duration is None:
                    raise BadInput(
                        f"{place}: {key}: expected a number and a unit, such as `5 days`, of a hundred years at most, "
                        f"found {shown(entry[key])}"
                    )
                given[f"{key}_us"] = microseconds(duration)
                kinds.add(is_working)
        if not given:
            raise BadInput(f"{place}: at_most: expected a time such as `5 days` (or at_least)")
        if len(kinds) == 2:
            raise BadInput(f"{place}: at_least: expected working time as well as at_most, or neither of them")
        if len(given) == 2 and given["at_least_us"] > given["at_most_us"]:
            raise BadInput(f"{place}: at_least: expected no more than at_most, found {shown(entry['at_least'])}")
        given["is_working"] = kinds == {True}
    return Rule(rule.name, rule.template, rule.sides, rule.description, **given)
