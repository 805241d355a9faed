"""Due dates a second way: a clock for times, minutes of the wall clock for working time."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from mining_tasks.calendars_declared import Due, Performance
from mining_tasks.waiting_due import due_at
from mining_tasks.waiting_results import Facts, measure_performance
from sluice.errors import BadInput
from sluice.keys import case_key
from tests.mining_tasks.logs import Event, log_of
from tests.mining_tasks.test_calendars import CALENDARS, is_worked, us

OFFICE = CALENDARS["office in Brussels, with holidays"]
ASKED = datetime(2025, 3, 28, 15, 40, tzinfo=UTC)  # a Friday; clocks go forward on Sunday


def performance(*rules: Due) -> Performance:
    return Performance(calendar="office", calendars={"office": OFFICE}, due=rules)


def log_with(answers: dict[str, datetime | None], open_cases=frozenset()):
    events = []
    for case, answered in answers.items():
        events.append(Event(case, "ask", us(ASKED)))
        if answered is not None:
            events.append(Event(case, "answer", us(answered)))
    return log_of(events, open_cases=set(open_cases))


def test_working_time_limits_are_counted_on_the_wall_clock():
    hours = 11
    at, worked = ASKED, 0
    while worked < hours * 60:
        worked += is_worked(OFFICE, at.astimezone(ZoneInfo("Europe/Brussels")).replace(tzinfo=None))
        at += timedelta(minutes=1)
    log = log_with({"in time": at, "late": at + timedelta(minutes=1), "open": None}, {"open"})
    rule = Due("answered", "answer", within_us=hours * 3_600_000_000, is_working=True, since="ask")
    tables, _ = measure_performance(log, Facts(declared=performance(rule)), k=5)
    rows = {row["case_id"]: row for row in tables["due_dates"].iter_rows(named=True)}
    assert {row["due_us"] for row in rows.values()} == {us(at)}
    assert {case: (row["is_late"], row["late_seconds"]) for case, row in rows.items()} == {
        "in time": (False, 0.0),
        "late": (True, 60.0),
        "open": (None, None),
    }
    (kpis,) = tables["due_date_kpis"].iter_rows(named=True)
    assert (kpis["case_count"], kpis["done_count"], kpis["late_count"], kpis["late_share"]) == (3, 2, 1, 0.5)
    assert (kpis["overdue_count"], kpis["pending_count"], kpis["not_done_count"]) == (1, 0, 0)


def test_clock_limits_count_from_the_begin_and_closed_cases_without_it_are_told():
    log = log_with({"A": ASKED + timedelta(hours=2), "B": ASKED + timedelta(hours=3), "C": None})
    rule = Due("answered", "answer", within_us=7_200_000_000)
    tables, _ = measure_performance(log, Facts(declared=performance(rule)), k=5)
    (kpis,) = tables["due_date_kpis"].iter_rows(named=True)
    assert (kpis["late_count"], kpis["not_done_count"], kpis["total_late_seconds"]) == (1, 1, 3600.0)


def test_a_rule_may_ask_for_the_last_time():
    events = [Event("A", "ask", 0), Event("A", "answer", 1_000_000), Event("A", "answer", 9_000_000)]
    for which, is_late in (("first", False), ("last", True)):
        rule = Due("answered", "answer", which=which, within_us=5_000_000)
        tables, _ = measure_performance(log_of(events), Facts(declared=performance(rule)), k=5)
        assert tables["due_dates"]["is_late"].to_list() == [is_late]


def test_dates_last_until_the_end_of_the_day_in_the_zone():
    keys = [case_key("test", name) for name in "ABC"]
    frame = pl.DataFrame({"case_key": keys, "due": [date(2025, 3, 29), date(2025, 3, 30), None]})
    found = due_at(frame, "due", zone="Europe/Brussels")["due_us"].to_list()
    assert found == [us(datetime(2025, 3, 29, 23, tzinfo=UTC)), us(datetime(2025, 3, 30, 22, tzinfo=UTC)), None]


def test_an_attribute_that_is_no_time_is_named():
    frame = pl.DataFrame({"case_key": [1], "amount": [2.0]})
    with pytest.raises(BadInput, match="attribute amount: expected a time"):
        due_at(frame, "amount", zone="UTC")


def test_times_of_attributes_are_taken_as_they_are():
    log = log_with({"A": ASKED + timedelta(hours=2), "B": None})
    planned = [ASKED + timedelta(hours=1), None]
    keys = log.cases.sort("case_id")["case_key"]
    attributes = pl.DataFrame({"case_key": keys, "planned_at": planned})
    rule = Due("planned", "answer", attribute="planned_at")
    tables, _ = measure_performance(log, Facts(declared=performance(rule), attributes=attributes), k=5)
    (row,) = tables["due_dates"].iter_rows(named=True)
    assert (row["case_id"], row["rule"], row["late_seconds"]) == ("A", "planned", 3600.0)


def test_rules_are_listed_by_name_with_and_without_what_they_wait_for():
    """In working time where no calendar is declared, too: around the clock."""
    log = log_with({"A": ASKED + timedelta(hours=2), "B": ASKED + timedelta(hours=3)})
    rules = (
        Due("third", "never seen", within_us=7_200_000_000),
        Due("second", "answer", within_us=3_600_000_000, since="never seen"),
        Due("first", "answer", within_us=7_200_000_000, is_working=True, since="ask"),
    )
    tables, _ = measure_performance(log, Facts(declared=Performance(due=rules)), k=5)
    rows = {(row["case_id"], row["rule"]): row["is_late"] for row in tables["due_dates"].iter_rows(named=True)}
    assert rows == {("A", "first"): False, ("A", "third"): None, ("B", "first"): True, ("B", "third"): None}
    assert [rule for _, rule in tables["due_dates"].select("case_key", "rule").rows()] == ["first", "third"] * 2
    assert tables["due_date_kpis"]["rule"].to_list() == ["first", "second", "third"]
