"""What looks a little like a defect and is none: put into clean logs, so that precision is not measured on tame ones."""

import random
from datetime import timedelta

from tests.expectations.planting.log import Event, Log

_OTHER_WORDS = ("Offer", "Return", "Claims Form", "Voucher", "Goods List", "Account")


def confounded(log: Log, *, seed: int, share: float = 0.05) -> Log:
    """The log with, each in a share of its cases: quick pairs of steps, two persons at one instant, attributes with
    planned times, dates and local times of events, and rare activities of their own with names near to others."""
    made, chance = log.copy(), random.Random(f"confounders/{seed}")
    for change in (_quick_pair, _two_persons, _rare_activity, _attributes):
        cases = made.cases()
        for case in sorted(chance.sample(sorted(cases), max(1, round(share * len(cases))))):
            change(made, case, cases[case], chance)
    _record(made)
    return made


def _quick_pair(log: Log, case: str, events: list[Event], chance: random.Random) -> None:
    """A clerk does two steps in two seconds; nothing else is near."""
    for one, other, later in zip(events, events[1:], [*events[2:], None], strict=False):
        is_free = one.occurred_at != other.occurred_at and (later is None or later.occurred_at > other.occurred_at)
        before = [e for e in events if e is not one and abs(e.occurred_at - one.occurred_at) < timedelta(seconds=15)]
        if is_free and not before and one.source_table == other.source_table:
            at = one.occurred_at + timedelta(seconds=chance.randint(1, 2))
            log.change(lambda event, key=other.source_key: event.source_key == key, occurred_at=at)
            return


def _record(log: Log) -> None:
    """The rows' places in their tables follow their times: they were recorded when things were done."""
    of_table: dict[str, list[Event]] = {}
    for event in log.events:
        of_table.setdefault(event.source_table, []).append(event)
    place_of: dict[str, int] = {}
    for rows in of_table.values():
        rows.sort(key=lambda row: (row.case_id if row.source_system == "file" else "", row.occurred_at))
        places = sorted(row.source_seq for row in rows)
        place_of |= {row.source_key: place for row, place in zip(rows, places, strict=True)}
    log.change(lambda row: True, source_seq=lambda row: place_of[row.source_key])


def _two_persons(log: Log, case: str, events: list[Event], chance: random.Random) -> None:
    """Two persons record the same step at one instant; not the first, which a case has once."""
    event = chance.choice(events[1:])
    if event.activity == events[0].activity:
        return
    if sum(other.occurred_at == event.occurred_at for other in events) > 1:
        return
    log.events.append(
        Event(
            case,
            event.activity,
            event.occurred_at,
            f"p_{chance.getrandbits(64):016x}",
            event.source_table,
            event.source_seq,
            f"{event.source_key}/again",
            event.source_system,
        )
    )


def _attributes(log: Log, case: str, events: list[Event], chance: random.Random) -> None:
    """A planned time, a date, a number and a local time of an event, as attributes."""
    begin, span = events[0].occurred_at, events[-1].occurred_at - events[0].occurred_at
    event = chance.choice(events)
    log.attributes[case] |= {
        "promised_at": begin + span / 3,
        "remark": f"call back on {begin + span / 2:%Y-%m-%d}, room 12:30",
        "ticket": f"{begin:%Y%m%d%H%M}",
        "local_time": f"{event.occurred_at + timedelta(hours=2):%Y-%m-%d %H:%M:%S}",
    }


def _rare_activity(log: Log, case: str, events: list[Event], chance: random.Random) -> None:
    """An activity of its own, somewhere in the case, with a name of which all but the last word is another's."""
    event = chance.choice(events)
    first = chance.choice(events).activity.split(" ")[0]
    number = len(log.events)
    log.events.append(
        Event(
            case,
            f"{first} {chance.choice(_OTHER_WORDS)}",
            event.occurred_at + timedelta(seconds=chance.uniform(600, 180_000)),
            event.resource,
            "other_log",
            number,
            f"other_log/{number}",
            event.source_system,
        )
    )
