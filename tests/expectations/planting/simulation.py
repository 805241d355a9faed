"""Small clean logs of several kinds of work, simulated by a seed: what defects are planted into.

Clean does not mean tame: there are pairs of events in one second, work at night, long waits, rework, steps in either
order. What there is none of is a defect.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tests.expectations.planting.log import Event, Log

BEGIN = datetime(2024, 1, 8, tzinfo=UTC)


@dataclass(frozen=True)
class Step:
    """A step: its activity, source table, longest usual wait, chance to happen, chance to happen again, partner.

    together: the step after it follows in the same second (posted by the same transaction) with this chance.
    """

    activity: str
    table: str
    wait: timedelta
    chance: float = 1.0
    again: float = 0.0
    together: float = 0.0


@dataclass(frozen=True)
class Shape:
    """A kind of work. hours: when people work (UTC); places: case ids; per_case: positions count within a case's file."""

    steps: tuple[Step, ...]
    hours: tuple[int, int]
    case_id: Callable[[int], str]
    swaps: tuple[tuple[str, str], ...] = ()
    is_one_file: bool = False
    system: str = "erp"


_D, _H, _M = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
SHAPES = {
    "purchasing": Shape(
        steps=(
            Step("Create Order", "order_log", 2 * _H),
            Step("Check Budget", "order_log", 6 * _H, 0.8),
            Step("Approve Order", "order_log", 3 * _D, again=0.05),
            Step("Send Order", "order_log", 5 * _H, together=0.1),
            Step("Change Quantity", "order_log", 2 * _D, 0.15, 0.2),
            Step("Receive Goods", "receipts", 20 * _D, again=0.2),
            Step("Enter Invoice", "invoices", 8 * _D),
            Step("Clear Invoice", "invoices", 4 * _D),
            Step("Pay Invoice", "payments", 30 * _D, 0.95),
        ),
        hours=(7, 17),
        case_id=lambda number: f"P{number + 10_000:06d}",
        swaps=(("Receive Goods", "Enter Invoice"),),
    ),
    "claims": Shape(
        steps=(
            Step("Register Claim", "crm_log", 1 * _H),
            Step("Assign Handler", "crm_log", 10 * _M, together=0.3),
            Step("Request Documents", "mail_log", 2 * _D, 0.6, 0.3),
            Step("Assess Damage", "claim_log", 9 * _D, again=0.1),
            Step("Decide Claim", "claim_log", 5 * _D),
            Step("Notify Customer", "mail_log", 30 * _M, together=0.2),
            Step("Pay Out", "claim_log", 14 * _D, 0.7),
            Step("Close Claim", "claim_log", 3 * _D),
        ),
        hours=(6, 22),
        case_id=lambda number: f"CL-{2024 + number % 2}-{number:05d}",
        swaps=(("Request Documents", "Assess Damage"),),
        system="crm",
    ),
    "clinic": Shape(
        steps=(
            Step("Registration", "file", 30 * _M),
            Step("Triage", "file", 20 * _M),
            Step("Blood Sample", "file", 2 * _H, 0.9, 0.4),
            Step("X-Ray", "file", 4 * _H, 0.4),
            Step("Treatment", "file", 6 * _H, again=0.5),
            Step("Ward Round", "file", 1 * _D, 0.8, 0.6),
            Step("Discharge", "file", 2 * _D),
            Step("Follow-up Visit", "file", 60 * _D, 0.4),
        ),
        hours=(0, 24),
        case_id=lambda number: str(number * 7 + 31),
        swaps=(("Blood Sample", "X-Ray"),),
        is_one_file=True,
        system="file",
    ),
}


def clean_log(shape: str = "purchasing", *, cases: int = 400, seed: int = 1) -> Log:
    """A clean log of so many cases of a shape; the same arguments give the same log."""
    kind, chance = SHAPES[shape], random.Random(f"{shape}/{seed}")
    people = [f"p_{chance.getrandbits(64):016x}" for _ in range(12)]
    events: list[Event] = []
    attributes: dict[str, dict[str, object]] = {}
    for number in range(cases):
        case = kind.case_id(number)
        begin = _at_work(BEGIN + timedelta(seconds=chance.uniform(0, 420 * 86400)), kind.hours, chance)
        steps = _case(kind, case, begin, people, chance)
        events += steps
        attributes[case] = {
            "amount": round(chance.lognormvariate(6, 1), 2),
            "region": chance.choice(("north", "south", "west")),
            "reference": f"{chance.randrange(10**6):06d}/{chance.randrange(100)}",
            "created_at": steps[0].occurred_at,
        }
    order = (lambda e: (e.case_id, e.occurred_at)) if kind.is_one_file else (lambda e: e.occurred_at)
    places: dict[str, int] = {}
    placed = []
    for event in sorted(events, key=order):
        places[event.source_table] = places.get(event.source_table, 0) + chance.choice((1, 1, 1, 2, 3))
        placed.append(_at_place(event, places[event.source_table]))
    ranks = {step.activity: 10 * position for position, step in enumerate(kind.steps, 1)}
    names = tuple(step.activity for step in kind.steps)
    order = tuple(tuple(name for name in names if name != left_out) for left_out in kind.swaps[0])
    return Log(placed, attributes, max(event.occurred_at for event in placed) + timedelta(days=1), ranks, order=order)


def _case(kind: Shape, case: str, begin: datetime, people: list[str], chance: random.Random) -> list[Event]:
    steps = [step for step in kind.steps if chance.random() < step.chance]
    for one, other in kind.swaps:
        places = [position for position, step in enumerate(steps) if step.activity in (one, other)]
        if len(places) == 2 and places[1] == places[0] + 1 and chance.random() < 0.2:
            steps[places[0]], steps[places[1]] = steps[places[1]], steps[places[0]]
    made, at, is_together = [], begin, False
    for step in steps:
        while True:
            if made and not is_together:
                wait = step.wait * min(3.0, chance.lognormvariate(-1, 0.8)) + timedelta(seconds=chance.uniform(20, 60))
                at = _at_work(at + wait, kind.hours, chance)
            made.append(Event(case, step.activity, at, chance.choice(people), step.table, 0, "", kind.system))
            # only pairs are posted together
            is_together = not is_together and chance.random() < step.together
            if is_together or chance.random() >= step.again:
                break
    return made


def _at_work(at: datetime, hours: tuple[int, int], chance: random.Random) -> datetime:
    """The time itself if people work then, else some time in the next working hours; whole seconds, as of a source."""
    if hours == (0, 24):
        return at.replace(microsecond=chance.randrange(1000) * 1000)
    while at.weekday() >= 5 or at.hour >= hours[1] or at.hour < hours[0]:
        day = at if at.hour < hours[0] and at.weekday() < 5 else at + timedelta(days=1)
        at = day.replace(hour=hours[0], minute=0, second=0) + timedelta(
            seconds=chance.uniform(0, (hours[1] - hours[0]) * 3000)
        )
    return at.replace(microsecond=0)


def _at_place(event: Event, place: int) -> Event:
    return Event(
        event.case_id,
        event.activity,
        event.occurred_at,
        event.resource,
        event.source_table,
        place,
        f"{event.source_table}/{place}",
        event.source_system,
    )
