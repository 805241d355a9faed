"""The slider of a process map: hand-counted, and at every position whatever is shown hangs together."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mining_tasks.map_levels import measure_levels
from tests.mining_tasks.trees import coded

logs = st.dictionaries(
    st.lists(st.sampled_from("abcdef"), min_size=1, max_size=8).map(tuple), st.integers(1, 50), min_size=1, max_size=8
)


def levels(traces):
    """(activity -> its row, arc -> its row); None is the start or the end of cases."""
    found, _ = coded(traces)
    name = lambda key: None if key is None else found.names[key]  # noqa: E731
    activities, arcs = {}, {}
    for row in measure_levels(found).iter_rows(named=True):
        source, target = name(row["source_activity_key"]), name(row["target_activity_key"])
        if row["element"] == "activity":
            assert target is None
            activities[source] = row
        else:
            arcs[source, target] = row
    return activities, arcs


def test_by_hand():
    """c is rare, but the only way from a to d; b is common, and leads nowhere else."""
    activities, arcs = levels({("a", "b", "b", "b", "c", "d"): 2, ("a", "d"): 1, ("a", "x", "d"): 1})
    assert {name: (row["element_count"], row["own_share"]) for name, row in activities.items()} == {
        "a": (4, 4 / 6),
        "b": (6, 1.0),
        "c": (2, 2 / 6),
        "d": (4, 4 / 6),
        "x": (1, 1 / 6),
    }
    # b is shown to the end, so is what leads to it and on from it
    assert {name: row["vanishes_at_share"] for name, row in activities.items()} == {
        "a": 1.0,
        "b": 1.0,
        "c": 1.0,
        "d": 1.0,
        "x": 1 / 6,
    }
    assert arcs[None, "a"]["element_count"] == 4 and arcs["d", None]["vanishes_at_share"] == 1.0
    assert (arcs["a", "d"]["element_count"], arcs["a", "d"]["vanishes_at_share"]) == (1, 1 / 4)
    assert (arcs["a", "x"]["vanishes_at_share"], arcs["x", "d"]["own_share"]) == (1 / 6, 1 / 4)


@settings(max_examples=200, deadline=None)
@given(logs)
def test_at_every_share_each_activity_lies_on_a_way_from_start_to_end(traces):
    activities, arcs = levels(traces)
    for share in sorted({row["vanishes_at_share"] for row in [*activities.values(), *arcs.values()]}):
        shown = {name for name, row in activities.items() if row["vanishes_at_share"] >= share}
        links = {arc for arc, row in arcs.items() if row["vanishes_at_share"] >= share}
        assert {end for arc in links for end in arc if end is not None} <= shown
        assert reached(links) >= shown and reached({(target, source) for source, target in links}) >= shown
        assert shown


def reached(links):
    found, fresh = set(), {None}
    while fresh:
        fresh = {target for source, target in links if source in fresh} - found
        found |= fresh
        fresh.discard(None)
    return found


@settings(max_examples=100, deadline=None)
@given(logs)
def test_nothing_stays_longer_than_the_commonest_that_needs_it(traces):
    activities, arcs = levels(traces)
    shares = {row["own_share"] for row in activities.values()}
    for row in activities.values():
        assert row["own_share"] <= row["vanishes_at_share"] <= 1 and row["vanishes_at_share"] in shares
    most = max(row["element_count"] for row in arcs.values())
    for row in arcs.values():
        assert row["own_share"] == pytest.approx(row["element_count"] / most)
        assert 0 < row["vanishes_at_share"] <= 1


def test_empty_log_has_no_rows():
    assert levels({}) == ({}, {})
