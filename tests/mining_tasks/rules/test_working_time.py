"""Time limits in working time: equal to a count of minutes on each case's own calendar, over a change of the clocks."""

import numpy as np
import polars as pl
import pytest

from mining_tasks.calendars import Calendar
from mining_tasks.rules.check import check_rules
from mining_tasks.rules.declaration import read_rules
from mining_tasks.rules.wording import expectations
from mining_tasks.variants import discover_variants
from mining_tasks.waiting import Hours
from sluice.errors import BadInput
from tests.mining_tasks.logs import Event, log_of
from tests.mining_tasks.test_calendars import CALENDARS, MINUTE, SPRING, minutes, us

BEGIN, END = SPRING
OFFICE, NIGHTS = list(CALENDARS)[:2]
LIMITS = {"at_most": "10 hours of working time", "at_least": "45 minutes of working time"}
TEN_HOURS, THREE_QUARTERS = 600, 45


def rule_of(**given: str):
    return read_rules("here", [{"name": "soon", "rule": "time_limit", "activities": ["ask", "answer"], **given}])[0]


def some_cases(seed: int, count: int = 300) -> dict[str, list[tuple[str, int]]]:
    """Case -> [(activity, minutes since the beginning)], in its order; the last fortnight of the period stays free."""
    chance = np.random.default_rng(seed)
    return {
        f"case {n}": [
            ("ask" if chance.random() < 0.6 else "answer", int(at))
            for at in sorted(chance.integers(0, 34 * 1440) + chance.integers(0, 2000, chance.integers(1, 5)))
        ]
        for n in range(count)
    }


@pytest.mark.parametrize("by_case", [True, False])
def test_limits_equal_a_count_of_minutes(by_case):
    cases = some_cases(3)
    names = list(cases)
    events = [Event(case, name, us(BEGIN) + at * MINUTE) for case, row in cases.items() for name, at in row]
    own = {case: NIGHTS if by_case and n % 3 == 0 else None for n, case in enumerate(names)}
    log = log_of(events, open_cases=set(names[::2]))
    calendars = log.cases.select(
        "case_key", calendar=pl.col("case_id").replace_strict(own, return_dtype=pl.String)
    ).sample(fraction=1, shuffle=True, seed=1)
    hours = Hours(calendars=CALENDARS, process=OFFICE, by_case=calendars if by_case else None)
    rule = rule_of(**LIMITS)
    checked = check_rules(
        [rule],
        events=log.events,
        variants=discover_variants(log.events, names=log.activities),
        cases=log.cases,
        hours=hours,
    )
    counted = {name: minutes(CALENDARS[name], BEGIN, END) for name in (OFFICE, NIGHTS)}
    violations, owed = set(), {}
    for case, row in cases.items():
        worked = counted[own[case] or OFFICE]
        for place, (name, at) in enumerate(row):
            if name != "ask":
                continue
            follower = next((n for n in range(place + 1, len(row)) if row[n][0] == "answer"), None)
            if follower is not None:
                took = worked[row[follower][1]] - worked[at]
                if took > TEN_HOURS or took < THREE_QUARTERS:
                    violations.add((case, place + 1, follower + 1))
            elif case in names[::2]:
                due = int(np.argmax(worked - worked[at] >= TEN_HOURS))
                owed[case, place + 1] = us(BEGIN) + due * MINUTE
            else:
                violations.add((case, place + 1, None))
    found = checked.violations.to_native().select("case_id", "event_seq", "related_event_seq")
    assert set(found.iter_rows()) == violations and len(found) == len(violations) > 100
    pending = checked.obligations.to_native().select("case_id", "event_seq", "due_us")
    assert {(case, seq): due for case, seq, due in pending.iter_rows()} == owed and len(owed) > 50
    assert set(checked.violations["expected"].to_list()) == set(expectations(rule))


def test_a_limit_that_nobody_works_to_has_no_due_time():
    log = log_of([Event("1", "ask", us(BEGIN))], open_cases={"1"})
    checked = check_rules(
        [rule_of(at_most="5 days of working time")],
        events=log.events,
        variants=discover_variants(log.events, names=log.activities),
        cases=log.cases,
        hours=Hours({"closed": Calendar("closed", "UTC", ((),) * 7)}, process="closed"),
    )
    assert checked.obligations["due_us"].to_list() == [None] and len(checked.violations) == 0


def test_what_is_expected_and_what_is_not_understood():
    assert expectations(rule_of(**LIMITS)) == (
        "answer within 10 hours of working time and not sooner than 45 minutes of working time after ask",
    )
    with pytest.raises(BadInput, match="soon: at_least: expected working time as well as at_most, or neither"):
        rule_of(at_most="2 days", at_least="1 hour of working time")
    with pytest.raises(
        BadInput, match=r"at_most: expected a number and a unit, such as .*, found .a while of working time"
    ):
        rule_of(at_most="a while of working time")
