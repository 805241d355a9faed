"""Repeated sequences: planted routines are found whole, counted without overlaps, and nothing is counted twice."""

from itertools import pairwise

import narwhals as nw
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from mining_tasks.repeated_sequences import discover_repeated_sequences


def recording(sessions: list[tuple[int, str]], seconds: int = 1) -> nw.DataFrame:
    """Sessions as (person, steps, one letter each)."""
    rows = [
        (number, place, step, seconds * 1_000_000, person)
        for number, (person, steps) in enumerate(sessions)
        for place, step in enumerate(steps)
    ]
    return nw.from_native(
        pl.DataFrame(
            rows,
            orient="row",
            schema={
                "case_key": pl.Int64,
                "event_seq": pl.Int32,
                "step": pl.String,
                "counted_us": pl.Int64,
                "resource_key": pl.Int64,
            },
        )
    )


def found(frame, **options):
    result = discover_repeated_sequences(frame, **options)
    return {"".join(result.steps[row["sequence_id"]]): row for row in result.sequences.iter_rows(named=True)}


def test_planted_routine_is_found_whole():
    rows = found(recording([(1, "xABCDEyABCDEz"), (2, "ABCDEw"), (3, "qABCDE")]))
    assert list(rows) == ["ABCDE"]
    row = rows["ABCDE"]
    assert (row["occurrence_count"], row["session_count"], row["person_count"], row["action_count"]) == (4, 3, 3, 20)
    assert (row["total_seconds"], row["mean_seconds"], row["action_share"], row["rank"]) == (20.0, 5.0, 20 / 25, 1)


def test_two_routines_are_ranked_by_time_and_share_no_action():
    rows = found(recording([(1, "ABCDABCDABCDxyxyxyxyxyxy")]))
    assert {name: row["occurrence_count"] for name, row in rows.items()} == {"ABCD": 3, "xy": 6}
    assert [row["rank"] for row in rows.values()] == [1, 2]


def test_a_routine_many_times_in_a_row_is_itself_not_its_multiple():
    assert list(found(recording([(1, "ABC" * 12)]))) == ["ABC"]


def test_one_action_again_and_again_is_no_sequence():
    assert found(recording([(1, "A" * 50)])) == {}


def test_a_sequence_does_not_reach_over_the_end_of_a_session():
    assert found(recording([(1, "A"), (1, "B"), (1, "A"), (1, "B"), (1, "A"), (1, "B")])) == {}


def test_occurrences_and_persons_are_asked_for():
    sessions = [(1, "ABC"), (1, "ABC"), (2, "ABC")]
    assert list(found(recording(sessions), min_occurrences=3, min_persons=2)) == ["ABC"]
    assert found(recording(sessions), min_persons=3) == {}
    assert found(recording(sessions), min_occurrences=4) == {}


def test_nothing_recorded():
    result = discover_repeated_sequences(recording([(1, "A")]).head(0))
    assert len(result.sequences) == len(result.occurrences) == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 3), st.text("ABC", min_size=1, max_size=25)), min_size=1, max_size=6))
def test_occurrences_are_real_do_not_overlap_and_add_up(sessions):
    frame = recording(sessions)
    result = discover_repeated_sequences(frame, min_persons=2)
    taken: dict[int, list[tuple[int, int]]] = {}
    for identity, session, place in result.occurrences.iter_rows():
        steps = "".join(result.steps[identity])
        assert sessions[session][1][place : place + len(steps)] == steps
        taken.setdefault(session, []).append((place, place + len(steps)))
    for spans in taken.values():
        assert all(one[1] <= two[0] for one, two in pairwise(sorted(spans)))
    for row in result.sequences.iter_rows(named=True):
        where = [(s, p) for i, s, p in result.occurrences.iter_rows() if i == row["sequence_id"]]
        assert row["occurrence_count"] == len(where) >= 3
        assert row["session_count"] == len({s for s, _ in where})
        assert row["person_count"] == len({sessions[s][0] for s, _ in where}) >= 2
        assert row["action_count"] == len(where) * row["step_count"]
    shuffled = discover_repeated_sequences(
        nw.from_native(frame.to_native().sample(fraction=1, shuffle=True)), min_persons=2
    )
    assert list(shuffled.sequences.iter_rows()) == list(result.sequences.iter_rows())
