"""What explains events out of order: each standard error is found and named, deviating work is not explained away."""

from datetime import datetime

import pytest

from expectations.patterns.repairs import MAX_EVENTS, TIME_TRAVEL, UNANCHORED, Placed, explain

ORDER = [("order", "approve", "receive", "pay")]


def case(*events):
    """(activity, time[, table]) in the order in which they were recorded."""
    return [
        Placed(activity, datetime.fromisoformat(at), *(table or ["log"]), place)
        for place, (activity, at, *table) in enumerate(events)
    ]


def explained(*events, order=ORDER):
    return {one.pattern: (one.position, one.repair) for one in explain(case(*events), order)}


RIGHT = (
    ("enter", "2024-03-03 09:00"),
    ("order", "2024-03-04 09:00"),
    ("approve", "2024-03-20 10:00"),
    ("receive", "2024-03-21 11:00"),
    ("pay", "2024-03-23 11:00"),
)


def test_a_case_in_order_needs_no_explanation():
    assert explained(*RIGHT) == {}


@pytest.mark.parametrize(
    "wrong, repair",
    [
        ("2023-03-20 10:00", "a year too early"),
        ("2024-03-02 10:00", "with the digits of the day swapped"),
        ("2024-02-20 10:00", "a month too early"),
        ("2025-03-20 10:00", "a year too late"),
        ("2024-04-20 10:00", "a month too late"),
    ],
)
def test_a_date_next_to_the_right_one_is_time_travel(wrong, repair):
    found = explained(*RIGHT[:2], ("approve", wrong), *RIGHT[3:])
    assert found[TIME_TRAVEL] == (2, repair)


def test_just_after_midnight_with_the_date_of_the_day_before():
    found = explained(
        ("order", "2024-03-04 22:30"), ("approve", "2024-03-04 00:20"), ("receive", "2024-03-05 08:00"), order=[]
    )
    assert found[TIME_TRAVEL] == (1, "a day too early")


def test_day_and_month_swapped_in_one_source():
    found = explained(
        ("order", "2024-04-02 09:00"),
        ("approve", "2024-04-03 09:00"),
        ("receive", "2024-05-04 11:00", "receipts"),
        ("pay", "2024-04-20 09:00"),
    )
    assert found[UNANCHORED] == (2, "day and month were swapped")


def test_the_afternoon_read_as_the_morning():
    found = explained(("order", "2024-03-04 13:00"), ("approve", "2024-03-04 02:10"), ("receive", "2024-03-04 15:00"))
    assert found[UNANCHORED][1].startswith("the afternoon was read as the morning")
    assert found[UNANCHORED][0] == 1


def test_a_zone_is_misread_for_a_whole_source():
    found = explained(
        ("enter", "2024-03-04 08:00"),
        ("order", "2024-03-04 09:00"),
        ("approve", "2024-03-04 04:30", "crm"),
        ("receive", "2024-03-04 05:00", "crm"),
        ("pay", "2024-03-04 10:30"),
    )
    assert found[UNANCHORED] == (2, "the zone was misread by 5 h")


def test_a_zone_is_no_matter_of_a_single_source():
    found = explain(case(("a", "2024-03-04 09:00"), ("b", "2024-03-04 04:30"), ("c", "2024-03-04 09:10")), [])
    assert "zone" not in " ".join(one.repair for one in found)


def test_work_that_deviates_by_days_is_not_explained():
    events = (("order", "2024-03-04 09:00"), ("approve", "2024-03-16 09:00"), ("receive", "2024-03-14 09:00"))
    assert explained(*events, ("pay", "2024-03-20 09:00")) == {}


def test_positions_of_one_table_say_what_was_recorded_first_of_two_tables_nothing():
    times = ("2024-03-05 09:00", "2024-03-04 20:00")
    assert explained(*(("x", at) for at in times), order=[]) != {}
    assert explained(*(("x", at, table) for at, table in zip(times, ("a", "b"), strict=True)), order=[]) == {}


def test_a_very_long_case_is_left_alone():
    events = [("a", "2024-03-05 09:00")] * MAX_EVENTS + [("b", "2024-03-04 20:00")]
    assert explained(*events[1:], order=[]) != {}
    assert explained(*events, order=[]) == {}
