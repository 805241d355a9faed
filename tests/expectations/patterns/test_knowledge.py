"""What a process declares for the patterns is read, and what is wrong in it is told in one line."""

import pytest

from expectations.declaration import declaration_of
from expectations.patterns.knowledge import Knowledge, knowledge_of
from sluice.errors import BadInput
from tests.expectations.candidates import process


def known(patterns):
    return knowledge_of(declaration_of(process(checks={"patterns": patterns})))


def test_nothing_needs_to_be_declared():
    assert knowledge_of(declaration_of(process())) == Knowledge()


def test_what_is_declared_is_read():
    read = known(
        {
            "mandatory_order": [["a", "b", "c"]],
            "form_based_event_capture": {"activities": 4, "accept": [["a", "b"]]},
            "collateral_events": {"seconds": 0.5},
            "elusive_case": {"placeholders": ["?"], "once": ["a"]},
            "synonymous_labels": [["a", "b"]],
            "homonymous_label": ["c"],
        }
    )
    assert read == Knowledge(
        mandatory_order=(("a", "b", "c"),),
        form_activities=4,
        form_accept=(("a", "b"),),
        burst_seconds=0.5,
        placeholders=("?",),
        once=("a",),
        synonyms=(("a", "b"),),
        homonyms=("c",),
    )


@pytest.mark.parametrize(
    "patterns, told",
    [
        ({"synonyms": []}, "unknown key 'synonyms'"),
        ({"elusive_case": ["x"]}, "elusive_case"),
        ({"elusive_case": {"twice": ["a"]}}, "'twice'"),
        ({"homonymous_label": "Review"}, "list of texts"),
        ({"homonymous_label": [3]}, "list of texts"),
        ({"synonymous_labels": [["a"]]}, "at least two"),
        ({"mandatory_order": [["a", "a"]]}, "at least two different"),
        ({"collateral_events": {"seconds": -1}}, "seconds"),
        ({"form_based_event_capture": {"activities": True}}, "activities"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(patterns, told):
    with pytest.raises(BadInput) as error:
        known(patterns)
    assert told in str(error.value) and "demo" in str(error.value) and "\n" not in str(error.value)
