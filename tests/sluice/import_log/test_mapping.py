"""Columns and their parts: guessed by the usual names, declared otherwise, never by values."""

import pytest

from sluice.errors import BadInput
from sluice.import_log.mapping import csv_mapping, xes_mapping


@pytest.mark.parametrize(
    "header, expected",
    [
        (
            ["case:concept:name", "concept:name", "time:timestamp", "start_timestamp", "org:resource"],
            ("case:concept:name", ("concept:name",), "time:timestamp", "start_timestamp", "org:resource"),
        ),
        (
            ["Case ID", "Activity", "Resource", "Start Timestamp", "Complete Timestamp", "Variant"],
            ("Case ID", ("Activity",), "Complete Timestamp", "Start Timestamp", "Resource"),
        ),
        (
            ["_CASE_KEY", "ACTIVITY_EN", "EVENTTIME", "_SORTING", "USER_NAME"],
            ("_CASE_KEY", ("ACTIVITY_EN",), "EVENTTIME", None, "USER_NAME"),
        ),
        (["CaseID", "ActivityID", "CompleteTimestamp"], ("CaseID", ("ActivityID",), "CompleteTimestamp", None, None)),
        (["case_id", "activity", "timestamp"], ("case_id", ("activity",), "timestamp", None, None)),
        (["case_id", "activity", "start_time"], ("case_id", ("activity",), "start_time", None, None)),
    ],
)
def test_known_names_are_guessed(header, expected):
    found = csv_mapping(header, {}, where="log.csv")
    assert (found.case, found.activity, found.timestamp, found.start, found.resource) == expected
    assert {"case", "activity", "timestamp"} <= found.guessed
    assert "(guessed)" in found.sentence()


def test_declared_columns_win_and_are_not_guessed_again():
    header = ["Case ID", "Activity", "Timestamp", "order", "step"]
    found = csv_mapping(header, {"case": "order", "activity": "step"}, where="log.csv")
    assert (found.case, found.activity, found.guessed) == ("order", ("step",), {"timestamp"})


def test_declared_name_may_differ_in_case():
    found = csv_mapping(
        ["Order", "What", "When"], {"case": "order", "activity": "WHAT", "timestamp": "when"}, where="x"
    )
    assert (found.case, found.activity, found.timestamp) == ("Order", ("What",), "When")


def test_several_columns_can_be_the_activity():
    found = csv_mapping(["case", "a", "b", "a+b", "time"], {"activity": "b+a"}, where="x")
    assert found.activity == ("b", "a")
    assert csv_mapping(["case", "a", "b", "a+b", "time"], {"activity": "a+b"}, where="x").activity == ("a+b",)


@pytest.mark.parametrize(
    "header, declared, expected",
    [
        (["x", "y"], {}, "--case, --activity, --timestamp; the columns found are: x, y"),
        (["case", "activity"], {}, "the timestamp"),
        (["case", "activity", "time"], {"resource": "who"}, "--resource 'who'"),
        (["case", "activity", "time", "time"], {}, "2 times"),
    ],
)
def test_what_is_missing_is_named_with_the_columns_found(header, declared, expected):
    with pytest.raises(BadInput) as caught:
        csv_mapping(header, declared, where="log.csv: line 1")
    assert expected in str(caught.value)
    assert str(caught.value).startswith("log.csv: line 1")


def test_keys_of_xes_are_those_of_the_standard_extensions():
    found = xes_mapping({})
    assert (found.case, found.activity, found.timestamp) == ("concept:name", ("concept:name",), "time:timestamp")
    assert xes_mapping({"activity": "concept:name+lifecycle:transition"}).activity == (
        "concept:name",
        "lifecycle:transition",
    )
