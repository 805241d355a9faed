"""The patterns at the gate itself: their findings are reported and harm nobody, unless the process says otherwise."""

from datetime import timedelta

import psycopg
import pytest

from expectations.candidate import gate_candidate
from expectations.mining import gate_mining
from sluice.errors import BadInput
from tests.expectations.candidates import START, Candidate, mine, process, run

SAVED = {
    "A": [("order", START), *((name, START + timedelta(hours=1)) for name in ("weigh", "measure", "file"))],
    "B": [("order", START), ("pay", START + timedelta(hours=3))],
    "C": ["order", "pay "],
}


def gate(settings, cases, **changes):
    ctx = run()
    Candidate(cases).write(settings.warehouse_url, ctx)
    return ctx, {one.check.name: one for one in gate_candidate(settings, process(**changes), ctx)}


def rows(settings, query):
    with psycopg.connect(settings.warehouse_url) as db:
        return db.execute(query).fetchall()


def test_a_pattern_is_reported_as_a_warning_with_its_name(settings):
    _, outcomes = gate(settings, SAVED)
    found = outcomes["form_based_event_capture"]
    assert not found.is_success and "A: 3 events at" in found.message and "file, measure, weigh" in found.message
    assert rows(
        settings,
        """select severity, pattern from quality.check_results where check_name = 'form_based_event_capture'""",
    ) == [("warn", "form-based event capture")]
    assert rows(settings, "select * from candidate.demo__quarantined") == []


def test_a_process_can_quarantine_the_cases_of_a_pattern(settings):
    gate(settings, SAVED, checks={"severity": {"form_based_event_capture": "quarantine"}})
    assert rows(settings, "select case_id, check_name from candidate.demo__quarantined") == [
        ("A", "form_based_event_capture")
    ]


def test_what_other_cases_decide_cannot_quarantine(settings):
    with pytest.raises(BadInput, match="scattered_case"):
        gate(settings, SAVED, checks={"severity": {"scattered_case": "quarantine"}})


def test_what_is_declared_known_is_no_finding(settings):
    accept = {"form_based_event_capture": {"accept": [["weigh", "measure", "file", "copy"]]}}
    _, outcomes = gate(settings, SAVED, checks={"patterns": accept})
    assert outcomes["form_based_event_capture"].is_success


def test_two_records_of_one_instant_are_one_but_two_of_one_day_are_told_apart(settings):
    midnight, noon = START.replace(hour=0), START.replace(hour=12)
    cases = {
        "twice recorded": ["order", ("review", noon), ("review", noon)],
        "twice that day": [("order", midnight), ("review", midnight), ("review", midnight)],
        "twice": ["review", "pay", "review"],
        "once": ["order", "review"],
    }
    _, outcomes = gate(settings, cases, checks={"patterns": {"homonymous_label": ["review"]}})
    assert outcomes["homonymous_label"].case_count == 2
    found = outcomes["homonymous_label"].message
    assert "twice: review 2 times" in found and "twice that day: review 2 times" in found


def test_a_recording_that_is_not_ordered_by_time_has_no_patterns_of_times(settings):
    _, outcomes = gate(settings, SAVED, order=("source_seq",))
    assert not {"form_based_event_capture", "collateral_events", "unanchored_event"} & set(outcomes)
    assert "elusive_case" in outcomes


def test_labels_are_looked_at_with_the_results_and_suggestions_are_kept(settings):
    cases = SAVED | {f"D{number}": ["order", "approve" if number % 2 else "sign off", "pay"] for number in range(40)}
    ctx, _ = gate(settings, cases)
    mine(settings.warehouse_url, ctx)
    outcomes = {one.check.name: one for one in gate_mining(settings, process(), ctx)}
    assert "pay  (1 events) for pay" in outcomes["distorted_label"].message
    assert outcomes["polluted_label"].is_success and outcomes["synonymous_labels"].is_success
    assert rows(
        settings,
        """select label_a, label_b, rank from quality.label_suggestions
           where process = 'demo' and pattern = 'synonymous labels'""",
    ) == [("approve", "sign off", 1)]
    declared = process(checks={"patterns": {"synonymous_labels": [["approve", "sign off"]]}})
    again = {one.check.name: one for one in gate_mining(settings, declared, ctx)}
    assert "sign off (20 events) for approve" in again["synonymous_labels"].message
    assert rows(settings, "select count(*) from quality.label_suggestions where pattern = 'synonymous labels'") == [
        (0,)
    ]
