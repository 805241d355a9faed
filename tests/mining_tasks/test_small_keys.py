"""Places for keys: in the same order, for the log and for what was read beside it."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from mining_tasks.io import Log
from mining_tasks.small_keys import SmallKeys
from mining_tasks.terms import Further
from mining_tasks.waiting_results import Facts

KEYS = st.integers(0, 2**31 - 1)
PERSONS = st.none() | st.integers(-(2**63), 2**63 - 1)


@given(st.lists(st.tuples(KEYS, PERSONS), max_size=30), st.booleans())
def test_places_are_in_the_order_of_the_keys_and_nobody_stays_nobody(rows, has_actions):
    activities, persons = [row[0] for row in rows], [row[1] for row in rows]
    columns = {"activity_key": activities, "resource_key": persons}
    events = pl.DataFrame(columns, schema={"activity_key": pl.Int32, "resource_key": pl.Int64})
    names = {key: f"activity {key}" for key in set(activities)}
    ranks = dict.fromkeys(names, 1)
    log = Log(events, pl.DataFrame(), names, events if has_actions else None, ranks=ranks)

    small = SmallKeys.of(log).in_log(log)

    rank_of = {name: {key: place for place, key in enumerate(sorted(set(columns[name]) - {None}))} for name in columns}
    for name, keys in columns.items():
        assert small.events[name].to_list() == [None if key is None else rank_of[name][key] for key in keys]
        assert small.events[name].dtype == events[name].dtype
    assert small.activities == {rank_of["activity_key"][key]: name for key, name in names.items()}
    assert small.ranks == {rank_of["activity_key"][key]: 1 for key in names}
    assert (small.actions is None) == (not has_actions)
    if has_actions:
        assert small.actions.equals(small.events)


def test_what_was_read_beside_the_log_has_the_same_places():
    events = pl.DataFrame(
        {"activity_key": [70, 50], "resource_key": [-9, None]}, schema_overrides={"activity_key": pl.Int32}
    )
    keys = SmallKeys.of(Log(events, pl.DataFrame(), {70: "pay", 50: "order"}))
    facts = Facts(resources={-9: "p_1", 8: "nobody of the log"}, automated={70: True, 50: False, 1: True})
    found = keys.in_further(Further(facts=facts)).facts
    assert found.resources == {0: "p_1"}
    assert found.automated == {1: True, 0: False}
