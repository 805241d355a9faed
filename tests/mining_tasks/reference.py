"""A second way to every figure of mining: plain loops over plain lists, exact fractions, nothing shared with the
product.
"""

import itertools
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from tests.mining_tasks.logs import Event

SECOND = 1_000_000


def cases_of(events: list[Event]) -> dict[str, list[Event]]:
    cases = defaultdict(list)
    for event in events:
        cases[event.case].append(event)
    return dict(cases)


def percentile(values: list[int], share: Fraction) -> Fraction:
    values = sorted(values)
    place = (len(values) - 1) * share
    low = int(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (place - low)


def summary(values: list[int]) -> dict[str, float]:
    """Mean, median, p90, min, max, total in seconds."""
    us = {
        "mean": Fraction(sum(values), len(values)),
        "median": percentile(values, Fraction(1, 2)),
        "p90": percentile(values, Fraction(9, 10)),
        "min": Fraction(min(values)),
        "max": Fraction(max(values)),
        "total": Fraction(sum(values)),
    }
    return {name: float(value / SECOND) for name, value in us.items()}


def gaps(events: list[Event]) -> list[tuple[str, str, str, int]]:
    """(case, source, target, microseconds as they are) of each pair of neighbours."""
    found = []
    for case, row in cases_of(events).items():
        for source, target in itertools.pairwise(row):
            begin = target.at if target.started is None else target.started
            found.append((case, source.activity, target.activity, begin - source.at))
    return found


def dfg(events: list[Event]) -> dict[tuple[str, str], dict]:
    arcs = defaultdict(list)
    for case, source, target, gap in gaps(events):
        arcs[source, target].append((case, gap))
    return {
        arc: {
            "edges": len(found),
            "cases": len({case for case, _ in found}),
            "backward": sum(gap < 0 for _, gap in found),
            **summary([max(gap, 0) for _, gap in found]),
        }
        for arc, found in arcs.items()
    }


def durations(events: list[Event]) -> dict[str, int]:
    spans = {}
    for case, row in cases_of(events).items():
        times = [event.at for event in row] + [event.started for event in row if event.started is not None]
        spans[case] = max(times) - min(times)
    return spans


def variants(events: list[Event]) -> dict[tuple[str, ...], list[str]]:
    found = defaultdict(list)
    for case, row in cases_of(events).items():
        found[tuple(event.activity for event in row)].append(case)
    return dict(found)


def rework(events: list[Event]) -> dict[str, dict]:
    per_case = {case: Counter(event.activity for event in row) for case, row in cases_of(events).items()}
    loops = Counter(target for _, source, target, _ in gaps(events) if source == target)
    result = {}
    for activity in {event.activity for event in events}:
        times = [count[activity] for count in per_case.values() if activity in count]
        result[activity] = {
            "cases": len(times),
            "repeat_cases": sum(n > 1 for n in times),
            "repeats": sum(n - 1 for n in times),
            "loops": loops[activity],
            "most": max(times),
        }
    return result


def monday(us: int) -> datetime:
    day = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
    return (day - timedelta(days=day.weekday())).replace(hour=0, minute=0, second=0, microsecond=0)
