"""Labels: what is found as polluted, distorted and synonymous, and what looks like it and is left alone."""

import doctest

import pytest

from expectations.patterns import similarity
from expectations.patterns.knowledge import Knowledge
from expectations.patterns.labels import find_distorted, find_polluted, find_synonyms
from expectations.patterns.similarity import distance, folded, is_coded, template

NOTHING = Knowledge()


def labels(found):
    return {one.label for one in found}


def test_examples_of_the_docstrings():
    assert doctest.testmod(similarity).failed == 0


def test_distance_is_symmetric_and_zero_only_for_equal_texts():
    words = ("", "a", "ab", "ba", "abc", "Information", "Infomation", "approve order", "approve ordre")
    for one in words:
        for other in words:
            assert distance(one, other, 20) == distance(other, one, 20)
            assert (distance(one, other, 20) == 0) == (one == other)
    assert distance("approve order", "approve ordre", 2) == 1
    assert distance("kitten", "sitting", 5) == 3


@pytest.mark.parametrize("pair", [("a/w inv to cls.", "a/w inv to cls"), ("Follow-up a call", "follow-up a call")])
def test_the_papers_own_examples_fold_to_one(pair):
    assert folded(pair[0]) == folded(pair[1])


def test_distorted_labels_are_found_beside_the_right_one():
    counts = {
        "XX - Further Information Required": 400,
        "XX - Further Infomation Required": 3,
        "Close": 90,
        "close ": 80,
    }
    found = find_distorted(counts, NOTHING)
    assert {(one.label, one.beside) for one in found} == {
        ("XX - Further Infomation Required", "XX - Further Information Required"),
        ("close ", "Close"),
    }


@pytest.mark.parametrize(
    "counts",
    [
        {"Release A": 600, "Release B": 5},
        {"Send": 100, "Sent": 100},
        {"Approve Order": 400, "Approve Offer": 3},
        {"A_CANCELLED": 900, "O_CANCELLED": 20},
        {"Level 1 check": 50, "Level 2 check": 1},
        {"Pay": 300, "Say": 1},
    ],
)
def test_labels_that_are_alike_and_not_the_same_are_left_alone(counts):
    assert find_distorted(counts, NOTHING) == []


def test_what_is_declared_of_distorted_labels_holds():
    counts = {"Approve": 90, "Aprv": 70, "Assign": 50, "Asign": 1}
    known = Knowledge(distorted_same=(("Approve", "Aprv"),), distorted_accept=(("Assign", "Asign"),))
    assert labels(find_distorted(counts, known)) == {"Aprv"}


@pytest.mark.parametrize(
    "polluted",
    [
        ["Approve Order 4711"],
        ["Approve 37 x Order"],
        ["Approve DOC-12/4 Order"],
        ["Approve Order (05.03.2024)"],
        ["Approve Order by Rossi", "Approve Order by Novak", "Pay by Silva"],
        [f"Ticket {number} answered" for number in (12, 13, 14)],
        [f"Sent back by {who}" for who in ("Sales", "Legal", "Finance", "Audit", "Board")],
    ],
)
def test_polluted_labels_are_found(polluted):
    counts = dict.fromkeys(["Approve Order", "Pay", "Close", *polluted], 5)
    assert labels(find_polluted(counts, NOTHING)) == set(polluted)


@pytest.mark.parametrize(
    "clean",
    [
        ["Create PO", "Approve PO", "Cancel PO", "Send PO", "Change PO", "Confirm PO"],
        ["Approve Order", "Approve Order Line", "Approve Order Change"],
        ["T02 Check confirmation", "T03 Adjust confirmation", "T10 Stop"],
        ["Move to New", "Move to Won"],
        ["1", "2", "3", "4"],
    ],
)
def test_families_of_labels_are_no_pollution(clean):
    assert find_polluted(dict.fromkeys(clean, 5), NOTHING) == []


def test_polluted_labels_can_be_declared_known():
    counts = dict.fromkeys(["Level 1 approval", "Level 2 approval", "Level 3 approval"], 9)
    assert labels(find_polluted(counts, NOTHING)) == set(counts)
    assert find_polluted(counts, Knowledge(polluted_ignore=tuple(counts))) == []
    assert find_polluted(counts, Knowledge(polluted_labels=4)) == []


def test_declared_synonyms_are_found_whole_and_only_where_they_are():
    known = Knowledge(synonyms=(("Approve", "Approved", "Sign off"), ("Close", "Shut")))
    found = find_synonyms({"Approve": 5, "Sign off": 2, "Shut": 1}, known)
    assert {(one.label, one.beside) for one in found} == {("Sign off", "Approve"), ("Shut", "Close")}


def test_codes_and_templates():
    assert is_coded("T06 Release A", "T07 Release B") and not is_coded("Release order", "Release offer")
    assert template("Mail to jo@example.org on 2024-03-05") == "Mail to § on §"
