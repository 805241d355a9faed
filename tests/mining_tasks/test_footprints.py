"""Footprints: equal to pm4py's on the hand-countable log, on random ones and on the real ones."""

import warnings

import pandas as pd
import pytest
from hypothesis import given, settings

from mining_tasks.dfg import discover_dfg
from mining_tasks.footprints import discover_footprints
from tests.mining_tasks import public_logs
from tests.mining_tasks.logs import Event, frame_of, hand_countable, names_of, random_events

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pm4py

CASE, ACTIVITY, TIME = "case:concept:name", "concept:name", "time:timestamp"


def found(events: list[Event]) -> dict[tuple[str, str], str]:
    names = names_of(events)
    return {
        (names[one], names[other]): relation
        for one, other, relation in discover_footprints(discover_dfg(frame_of(events))).iter_rows()
    }


def theirs(events: list[Event]) -> dict[tuple[str, str], str]:
    """pm4py's, given the same total order."""
    rows = [(event.case, event.activity, number) for number, event in enumerate(events)]
    frame = pd.DataFrame(rows, columns=[CASE, ACTIVITY, TIME])
    frame[TIME] = pd.to_datetime(frame[TIME], unit="s", utc=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        prints = pm4py.discover_footprints(frame)
    relations = dict.fromkeys(prints["parallel"], "||")
    for one, other in prints["sequence"]:
        relations |= {(one, other): "->", (other, one): "<-"}
    return relations


def test_hand_countable_log():
    assert found(hand_countable()) == theirs(hand_countable()) != {}


@settings(max_examples=15, deadline=None)
@given(random_events())
def test_random_logs(events):
    assert found(events) == theirs(events)


@pytest.mark.parametrize("name", public_logs.every())
def test_real_logs(real_data, name):
    frame = public_logs.read(name, real_data)
    events = [Event(case, activity, 0) for case, activity in zip(frame[CASE], frame[ACTIVITY], strict=True)]
    assert found(events) == theirs(events)
