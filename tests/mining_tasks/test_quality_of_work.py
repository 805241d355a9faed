"""First time right, ping-pong and automation a second way: along every case."""

import itertools
from collections import Counter

from hypothesis import example, given, settings

from mining_tasks.quality_of_work import measure_quality
from mining_tasks.variants import discover_variants
from sluice.keys import activity_key
from tests.mining_tasks.logs import frame_of, hand_countable, log_of, names_of, random_events
from tests.mining_tasks.reference import cases_of


@settings(max_examples=60, deadline=None)
@given(random_events())
@example(hand_countable())
def test_counts_equal_those_of_plain_loops(events):
    rows = {case: [event.activity for event in row] for case, row in cases_of(events).items()}
    open_cases = set(list(rows)[1::3])
    machines, mended = {"b"}, {"c"}
    log = log_of(events, open_cases=open_cases)
    variants = discover_variants(frame_of(events), names=names_of(events))
    cases = variants.cases.to_native().join(log.cases, on="case_key")
    found = measure_quality(
        variants.steps.to_native(),
        cases,
        automated={activity_key(name): name in machines for name in names_of(events).values()},
        rework_activities=[activity_key(name) for name in mended],
    )
    closed = {case: row for case, row in rows.items() if case not in open_cases}
    right = [row for row in closed.values() if len(set(row)) == len(row) and not mended & set(row)]
    pairs = {
        case: Counter((a, b) for a, b, c in zip(row, row[1:], row[2:], strict=False) if a == c != b)
        for case, row in rows.items()
    }
    everything = list(itertools.chain(*rows.values()))
    expected = {
        "closed_count": len(closed),
        "right_first_time_count": len(right),
        "event_count": len(everything),
        "repeat_count": sum(len(row) - len(set(row)) for row in rows.values()),
        "automated_count": sum(name in machines for name in everything),
        "touchless_count": sum(set(row) <= machines for row in closed.values()),
        "ping_pong_count": sum(sum(found.values()) for found in pairs.values()),
        "ping_pong_case_count": sum(bool(found) for found in pairs.values()),
    }
    assert {name: found.totals[name] for name in expected} == expected
    assert found.totals["right_first_time_share"] == (len(right) / len(closed) if closed else None)
    assert found.totals["automated_share"] == expected["automated_count"] / len(everything)
    table = {(row[0], row[1]): row[2:] for row in found.ping_pongs.iter_rows()}
    for pair in {pair for found in pairs.values() for pair in found}:
        keys = tuple(activity_key(name) for name in pair)
        assert table.pop(keys) == (sum(c[pair] for c in pairs.values()), sum(c[pair] > 0 for c in pairs.values()))
    assert table == {}
