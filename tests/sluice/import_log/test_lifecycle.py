"""Pairing in SQL against a queue in Python, on random lifecycles."""

from collections import deque

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from sluice.import_log.lifecycle import apply_lifecycle
from sluice.warehouse import connect

TRANSITIONS = st.lists(
    st.tuples(
        st.sampled_from(["1", "2"]),
        st.sampled_from(["a", "b"]),
        st.sampled_from(["start", "START", "complete", "COMPLETE", "suspend", None]),
        st.sampled_from([None, "x", "y"]),
        st.integers(0, 3),
    ),
    max_size=25,
)


def paired(rows, order):
    """Row -> row of its start or None, of the events that stay: one queue of open starts per activity and instance."""
    queues, stay = {}, {}
    for row, case, activity, transition, instance, _ in sorted(rows, key=order):
        queue = queues.setdefault((case, activity, instance), deque())
        kind = (transition or "complete").lower()
        if kind == "start":
            queue.append(row)
            stay[row] = None
        elif kind == "complete":
            start = queue.popleft() if queue else None
            stay.pop(start, None)
            stay[row] = start
    return stay


@pytest.fixture
def db(warehouse_url):
    with connect(warehouse_url) as connection:
        yield connection


def landed(db, rows):
    db.execute("drop table if exists pg_temp.import_events")
    db.execute(
        """create temporary table import_events (row bigint, case_id text, activity text, lifecycle text, instance text,
               occurred_at timestamptz, started_at timestamptz)"""
    )
    with db.cursor() as cursor:
        cursor.executemany(
            "insert into import_events values (%s, %s, %s, %s, %s, timestamptz '2020-01-01Z' + %s * interval '1 min')",
            rows,
        )


@pytest.mark.parametrize(
    "order, key",
    [("occurred_at, row", lambda row: (row[5], row[0])), ("row", lambda row: row[0])],
    ids=["time", "file"],
)
@examples(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(transitions=TRANSITIONS)
def test_pairs_are_those_of_a_queue(db, order, key, transitions):
    rows = [(number, *transition) for number, transition in enumerate(transitions, 1)]
    landed(db, rows)
    apply_lifecycle(db, "pair", order=order)
    found = dict(db.execute("select row, start_row from pg_temp.import_events").fetchall())
    assert found == paired(rows, key)
    db.rollback()


@examples(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(transitions=TRANSITIONS)
def test_counts_add_up(db, transitions):
    rows = [(number, *transition) for number, transition in enumerate(transitions, 1)]
    landed(db, rows)
    counts = apply_lifecycle(db, "pair", order="row")
    left = db.execute("select count(*) from pg_temp.import_events").fetchone()[0]
    assert left + counts["intervals paired"] + counts["events of other lifecycle transitions left out"] == len(rows)
    assert left == sum(
        counts[what]
        for what in (
            "intervals paired",
            "starts without a completion kept as events",
            "completions without a start",
        )
    )
    db.rollback()
