"""Nothing about fewer than k persons is shown, nor can it be found by subtracting what is shown from a total."""

import itertools

import narwhals as nw
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mining_tasks.k_anonymity import publishable
from mining_tasks.runner import mine_log
from sluice.keys import activity_key, case_key
from tests.mining_tasks.logs import Event, log_of, person_key

K = 3


def incidence(rows, by=("application",)):
    return nw.from_native(pl.DataFrame(rows, schema=[*by, "resource_key"], orient="row"))


def test_row_below_k_is_left_out_with_the_smallest_other_so_that_it_cannot_be_subtracted():
    rows = [("mail", n) for n in range(9)] + [("sheets", n) for n in range(3)] + [("secret", 1)]
    assert publishable(incidence(rows), by=["application"], k=3)["application"].to_list() == ["mail"]


def test_rows_below_k_that_hide_each_other_cost_no_third():
    rows = [("mail", n) for n in range(9)] + [("one", 1), ("two", 2), ("three", 3)]
    assert publishable(incidence(rows), by=["application"], k=3)["application"].to_list() == ["mail"]


def test_one_person_many_times_is_one_person_and_nobody_is_none():
    rows = [("mail", 1)] * 50 + [("mail", None)] * 50
    assert len(publishable(incidence(rows), by=["application"], k=2)) == 0


def test_k_must_be_a_number_of_persons():
    with pytest.raises(ValueError, match="at least 1"):
        publishable(incidence([("mail", 1)]), by=["application"], k=0)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 6)), min_size=1, max_size=60),
    st.integers(1, 4),
)
def test_no_total_of_any_margin_minus_what_is_shown_is_about_fewer_than_k(rows, k):
    frame = incidence(rows, by=("source", "target"))
    margins = ((), ("source",), ("target",))
    shown = set(publishable(frame, by=["source", "target"], k=k, margins=margins).iter_rows())
    for source, target in shown:
        assert len({p for s, t, p in rows if (s, t) == (source, target)}) >= k
    for name, index in (("all", None), ("source", 0), ("target", 1)):
        totals = {None} if index is None else {row[index] for row in rows}
        for total in totals:
            rest = {row[2] for row in rows if row[:2] not in shown and (index is None or row[index] == total)}
            assert not rest or len(rest) >= k or not any(index is None or key[index] == total for key in shown), name


def sessions(people: dict[str, list[str]], day: int = 0) -> tuple[list[Event], pl.DataFrame]:
    """Per session (named person/number) its activities, written application: action; one second each."""
    events, actions = [], []
    for session, activities in people.items():
        person = session.split("/")[0]
        for position, activity in enumerate(activities, 1):
            events.append(Event(session, activity, (day * 86_400 + position) * 1_000_000, None, person))
            application, action = activity.split(": ")
            actions.append(
                (
                    case_key("test", session),
                    position,
                    activity_key(activity),
                    application,
                    action,
                    activity,
                    1_000_000,
                    person_key(person),
                )
            )
    schema = {
        "case_key": pl.Int64,
        "event_seq": pl.Int32,
        "activity_key": pl.Int32,
        "application": pl.String,
        "action": pl.String,
        "step": pl.String,
        "duration_us": pl.Int64,
        "resource_key": pl.Int64,
    }
    return events, pl.DataFrame(actions, schema=schema, orient="row")


COMMON = ["Excel: copy", "Chrome: paste", "Chrome: submit"]


def mined(people, k=K):
    events, actions = sessions(people)
    made = mine_log(log_of(events, actions=actions), is_case_level_public=False, k_anonymity=k, as_of_us=0)
    return {name: [] if table is None else table.to_pylist() for name, table in made.items()}


def test_what_one_person_does_appears_nowhere():
    people = {f"p{n}/{m}": COMMON for n in range(5) for m in range(2)}
    people |= {"odd/0": [*COMMON, "Casino: play", "Casino: play", "Casino: win"], "odd/1": ["Casino: play"] * 9}
    tables = mined(people)
    text = str({name: rows for name, rows in tables.items() if name != "process_kpis"})
    assert "Casino" not in text and "Excel" in text
    assert tables["case_kpis"] == []
    (routine,) = tables["repeated_sequences"]
    assert (routine["steps"], routine["occurrence_count"], routine["person_count"]) == (COMMON, 11, 6)
    assert {row["application"] for row in tables["application_time"]} <= {"Excel", "Chrome"}
    assert (
        tables["process_kpis"][0]["suppressed_count"]
        == sum(row["suppressed_count"] for row in tables["suppressions"])
        > 0
    )
    # what is left of any total is about as many persons as k: subtracting tells nothing of the odd one
    total = sum(len(row) for row in people.values())
    assert total - sum(row["event_count"] for row in tables["activity_kpis"]) > 15  # more than the casino's alone


def test_fewer_people_than_k_leave_nothing_but_the_fact():
    tables = mined({"p0/0": COMMON * 5, "p0/1": COMMON, "p1/0": COMMON})
    for name, rows in tables.items():
        if name not in ("process_kpis", "suppressions"):
            assert rows == [], name
    (kpis,) = tables["process_kpis"]
    assert {name for name, value in kpis.items() if value is not None} == {"as_of", "k_anonymity", "suppressed_count"}


def test_person_count_is_of_persons_not_of_sessions():
    tables = mined({f"p0/{n}": COMMON * 3 for n in range(30)})
    assert tables["application_time"] == tables["repeated_sequences"] == tables["dfg"] == []


@settings(max_examples=25, deadline=None)
@given(
    st.dictionaries(
        st.builds("p{}/{}".format, st.integers(0, 5), st.integers(0, 2)),
        st.lists(st.sampled_from(["A: x", "A: y", "B: x", "C: z"]), min_size=1, max_size=8),
        min_size=1,
        max_size=14,
    )
)
def test_every_shown_row_rests_on_k_persons(people):
    tables = mined(people)
    who = {session: session.split("/")[0] for session in people}

    def persons(holds):
        return len({who[session] for session, row in people.items() if holds(row)})

    for row in tables["activity_kpis"]:
        assert persons(lambda steps, row=row: row["activity"] in steps) >= K
        assert row["resource_count"] >= K
        for column, place in (("start_count", 0), ("end_count", -1)):
            if row[column] is not None:
                assert persons(lambda steps, row=row, place=place: steps[place] == row["activity"]) >= K
    for table, place in (("start_activities", 0), ("end_activities", -1)):
        for row in tables[table]:
            assert persons(lambda steps, row=row, place=place: steps[place] == row["activity"]) >= K
    for row in (*tables["dfg"], *tables["slow_transitions"]):
        arc = (row["source_activity"], row["target_activity"])
        assert persons(lambda steps, arc=arc: arc in itertools.pairwise(steps)) >= K
    for row in tables["variants"]:
        assert persons(lambda steps, row=row: steps == row["activities"]) >= K
    for row in tables["application_time"]:
        assert persons(lambda steps, row=row: any(s.startswith(row["application"]) for s in steps)) >= K
    for row in tables["repeated_sequences"]:
        size = row["step_count"]
        assert (
            persons(
                lambda steps, row=row, size=size: any(steps[i : i + size] == row["steps"] for i in range(len(steps)))
            )
            >= K
        )
        assert row["person_count"] >= K
    for row in tables["rework"]:
        repeaters = persons(lambda steps, row=row: steps.count(row["activity"]) > 1)
        assert (row["repeat_case_count"] == 0 and repeaters == 0) or repeaters >= K
