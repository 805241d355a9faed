"""The registry of plantings: a defect by name, planted into a share of the cases by a seed, with its truth."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.expectations.planting.log import Event, Log


@dataclass(frozen=True)
class Truth:
    """What was planted. cases: the cases with the defect. labels: the activities that are not what they seem.

    checks: what the process's YAML says under `checks:`, where finding the defect takes knowledge.
    """

    cases: frozenset[str] = frozenset()
    labels: frozenset[str] = frozenset()
    checks: Mapping[str, object] = field(default_factory=dict)


@dataclass
class Site:
    """Where a planting works: the log (its own copy, to be changed), the share, a seeded chance, the forms to draw."""

    log: Log
    share: float
    chance: random.Random
    forms: Sequence[str]

    def pick(self, is_suitable: Callable[[list[Event]], bool] = lambda events: True) -> dict[str, list[Event]]:
        """As many suitable cases as the share of all cases says, at least one, in their order; raises without any."""
        cases = self.log.cases()
        suitable = [case for case, events in cases.items() if is_suitable(events)]
        if not suitable:
            raise ValueError("the log has no case that this defect can be planted in")
        count = min(len(suitable), max(1, round(self.share * len(cases))))
        return {case: cases[case] for case in sorted(self.chance.sample(suitable, count))}

    def form(self) -> str:
        """One of the forms, by chance."""
        return self.chance.choice(self.forms)


@dataclass(frozen=True)
class Planting:
    """One kind of defect. check: the check that must find it. forms: the ways in which it shows."""

    name: str
    check: str
    forms: tuple[str, ...]
    function: Callable[[Site], Truth]


PLANTINGS: dict[str, Planting] = {}


def planting(name: str, *, check: str, forms: tuple[str, ...] = ("plain",)) -> Callable:
    """Register a function that plants a defect: it changes `site.log` and returns the truth."""

    def register(function: Callable[[Site], Truth]) -> Callable[[Site], Truth]:
        PLANTINGS[name] = Planting(name, check, forms, function)
        return function

    return register


def plant(name: str, log: Log, share: float, seed: int, *, forms: Sequence[str] | None = None) -> tuple[Log, Truth]:
    """Plant a defect into a share (0–1) of the cases of a log; the log given is left as it is.

    The same arguments give the same log. forms: some of the planting's forms; default all, drawn by chance.
    """
    changed = log.copy()
    chosen = PLANTINGS[name].forms if forms is None else tuple(forms)
    truth = PLANTINGS[name].function(Site(changed, share, random.Random(f"{name}/{seed}"), chosen))
    return changed, truth
