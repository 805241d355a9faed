"""Rules a second way: one case at a time, plain loops over lists, written from the definitions; nothing shared."""

from dataclasses import dataclass

from tests.mining_tasks.logs import Event


@dataclass(frozen=True)
class Broken:
    """A violated activation: position of its event (0: the case), of the event it clashes with (0: none), curable."""

    at: int
    clash: int = 0
    is_curable: bool = False


def declare(
    template: str, case: list[str], a: set[str], b: set[str] = frozenset(), n: int = 1
) -> tuple[int, list[Broken]]:
    """(activations, violated ones) of a template in one case, a list of activities."""
    spots = lambda of: [i for i, name in enumerate(case, 1) if name in of]  # noqa: E731
    in_a, in_b = spots(a), spots(b)
    if template == "existence":
        return 1, [] if len(in_a) >= n else [Broken(0, is_curable=True)]
    if template == "absence":
        return 1, [Broken(in_a[n - 1])] if len(in_a) >= n else []
    if template == "exactly":
        if len(in_a) < n:
            return 1, [Broken(0, is_curable=True)]
        return 1, [Broken(in_a[n])] if len(in_a) > n else []
    if template == "init":
        return 1, [] if case[0] in a else [Broken(1)]
    if template == "last":
        return 1, [] if case[-1] in a else [Broken(len(case), is_curable=True)]
    if template == "responded_existence":
        return len(in_a), [Broken(i, is_curable=True) for i in in_a if not in_b]
    if template == "co_existence":
        return _sum(declare("responded_existence", case, a, b), declare("responded_existence", case, b, a))
    if template == "not_co_existence":
        one = [Broken(i, in_b[0]) for i in in_a if in_b]
        return len(in_a) + len(in_b), one + [Broken(i, in_a[0]) for i in in_b if in_a]
    for kind in ("alternate_", "chain_", ""):
        if template == f"{kind}succession":
            return _sum(declare(f"{kind}response", case, a, b), declare(f"{kind}precedence", case, a, b))
    broken = []
    if template.endswith("precedence"):
        for i in in_b:
            before = case[: i - 1]
            if template == "precedence" and not set(before) & a:
                broken.append(Broken(i))
            if template == "chain_precedence" and not (before and before[-1] in a):
                broken.append(Broken(i, i - 1))
            if template == "alternate_precedence":
                seen = [j for j in range(i - 1, 0, -1) if case[j - 1] in a | b]
                if not seen or case[seen[0] - 1] in b:
                    broken.append(Broken(i, seen[0] if seen else 0))
        return len(in_b), broken
    for i in in_a:
        after = case[i:]
        if template == "response" and not set(after) & b:
            broken.append(Broken(i, is_curable=True))
        if template == "chain_response" and not (after and after[0] in b):
            broken.append(Broken(i, i + 1 if after else 0, is_curable=not after))
        if template == "alternate_response":
            coming = [j for j in range(i + 1, len(case) + 1) if case[j - 1] in a | b]
            if not coming or case[coming[0] - 1] in a:
                broken.append(Broken(i, coming[0] if coming else 0, is_curable=not coming))
        if template == "not_succession" and set(after) & b:
            broken.append(Broken(i, next(j for j in in_b if j > i)))
        if template == "not_chain_succession" and after and after[0] in b:
            broken.append(Broken(i, i + 1))
    return len(in_a), broken


def _sum(one: tuple[int, list[Broken]], other: tuple[int, list[Broken]]) -> tuple[int, list[Broken]]:
    return one[0] + other[0], one[1] + other[1]


def duties(case: list[Event], sides: list[set[str]]) -> tuple[int, list[Broken]]:
    """Four eyes (two sides, perhaps the same) and segregation of duties."""
    active, broken = 0, []
    for i, event in enumerate(case, 1):
        mine = [n for n, side in enumerate(sides) if event.activity in side]
        if not mine or event.person is None:
            continue
        others = set().union(*(side for n, side in enumerate(sides) if n != mine[0]))
        before = [
            (j, other)
            for j, other in enumerate(case[: i - 1], 1)
            if other.activity in others and other.person is not None
        ]
        active += bool(before)
        same = [j for j, other in before if other.person == event.person]
        if same:
            broken.append(Broken(i, same[-1]))
    return active, broken


def amount(case: list[str], is_above: bool, needed: set[str], before: set[str]) -> tuple[int, list[Broken]]:
    """Amount limit."""
    if not is_above or (before and not set(case) & before):
        return 0, []
    if not before:
        return 1, [] if set(case) & needed else [Broken(0, is_curable=True)]
    first = next(i for i, name in enumerate(case, 1) if name in before)
    return 1, [] if set(case[: first - 1]) & needed else [Broken(first)]


def time(
    case: list[Event], a: set[str], b: set[str], at_most: int | None, at_least: int | None
) -> tuple[int, list[Broken]]:
    """Time limit."""
    active, broken = 0, []
    for i, event in enumerate(case, 1):
        if event.activity not in a:
            continue
        follower = next((j for j in range(i + 1, len(case) + 1) if case[j - 1].activity in b), None)
        if follower is None:
            if at_most is not None:
                active += 1
                broken.append(Broken(i, is_curable=True))
            continue
        active += 1
        gap = case[follower - 1].at - event.at
        if (at_most is not None and gap > at_most) or (at_least is not None and gap < at_least):
            broken.append(Broken(i, follower))
    return active, broken
