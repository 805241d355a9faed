"""What a rule expects, in words."""

from collections.abc import Sequence

from mining_tasks.rules.declaration import Rule
from sluice.durations import WORKING

_BINARY = {
    "responded_existence": ("{b} in every case with {a}",),
    "co_existence": ("{b} in every case with {a}", "{a} in every case with {b}"),
    "response": ("{b} after {a}",),
    "alternate_response": ("{b} after {a}, before {a} comes again",),
    "chain_response": ("{b} directly after {a}",),
    "precedence": ("{a} before {b}",),
    "alternate_precedence": ("{a} before {b}, anew for each {b}",),
    "chain_precedence": ("{a} directly before {b}",),
    "not_co_existence": ("never both {a} and {b} in a case", "never both {a} and {b} in a case"),
    "not_succession": ("no {b} after {a}",),
    "not_chain_succession": ("no {b} directly after {a}",),
}
_SUCCESSION = ("", "alternate_", "chain_")
_BINARY |= {f"{kind}succession": (*_BINARY[f"{kind}response"], *_BINARY[f"{kind}precedence"]) for kind in _SUCCESSION}
_UNITS = (("week", 604800), ("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


def expectations(rule: Rule) -> tuple[str, ...]:
    """What is expected, per side of the rule that can be violated.

    >>> expectations(Rule("r", "precedence", (("Approve", "Confirm"), ("Pay",))))
    ('Approve or Confirm before Pay',)
    """
    sides = [one_of(side) for side in rule.sides]
    if rule.template in _BINARY:
        a, b = sides
        return tuple(text.format(a=a, b=b) for text in _BINARY[rule.template])
    if rule.template in ("four_eyes", "segregation_of_duties"):
        distinct = "twice" if sides[0] == sides[1] else f"and {sides[-1]}"
        return (f"{', '.join(sides[:-1])} {distinct}: by different persons",)
    (a,) = sides[:1]
    if rule.template == "existence":
        return (f"{a} at least {times(rule.count)}",)
    if rule.template == "absence":
        return (f"{a} never" if rule.count == 1 else f"{a} at most {times(rule.count - 1)}",)
    if rule.template == "exactly":
        return (f"{a} exactly {times(rule.count)}",) * 2
    if rule.template in ("init", "last"):
        return (f"{a} {'first' if rule.template == 'init' else 'last'}",)
    if rule.template == "amount_limit":
        before = f", before {one_of(rule.before)}" if rule.before else ""
        return (f"{a} where {rule.attribute} is above {rule.above:.15g}{before}",)
    limits, working = [], WORKING if rule.is_working else ""
    if rule.at_most_us is not None:
        limits.append(f"within {lasting(rule.at_most_us)}{working}")
    if rule.at_least_us is not None:
        limits.append(f"not sooner than {lasting(rule.at_least_us)}{working}")
    return (f"{sides[1]} {' and '.join(limits)} after {a}",)


def one_of(side: Sequence[str]) -> str:
    """Activities as people say them: `A, B or C`."""
    return side[0] if len(side) == 1 else f"{', '.join(side[:-1])} or {side[-1]}"


def times(count: int) -> str:
    """How often, in words.

    >>> times(1), times(2), times(7)
    ('once', 'twice', '7 times')
    """
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def lasting(microseconds: int) -> str:
    """A duration in its largest whole unit.

    >>> lasting(5 * 86_400_000_000), lasting(3_600_000_000), lasting(0)
    ('5 days', '1 hour', '0 seconds')
    """
    seconds = microseconds // 1_000_000
    for unit, size in _UNITS:
        if seconds and seconds % size == 0:
            return f"{seconds // size} {unit}{'' if seconds == size else 's'}"
    return f"{seconds} seconds"
