"""The order of events in memory: made where it is missing, and looked at once where it is known."""

import polars as pl
import pytest

from mining_tasks import frames
from mining_tasks.frames import events_of, in_order

COLUMNS = ("case_key", "event_seq", "activity_key")


def log(*rows: tuple[int, int, int]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=dict(zip(COLUMNS, (pl.Int64, pl.Int32, pl.Int32), strict=True)), orient="row")


@pytest.fixture
def looks(monkeypatch):
    """How often the order was looked at."""
    seen, look = [], frames._is_in_order
    monkeypatch.setattr(frames, "_is_in_order", lambda frame: seen.append(len(frame)) or look(frame))
    return seen


def test_events_that_are_known_to_be_in_order_are_looked_at_once(looks):
    with in_order(log((1, 1, 7), (1, 2, 8), (2, 1, 7))) as events:
        assert looks == [3]
        for needs in (COLUMNS, COLUMNS[:2]):
            assert events_of(events, needs=needs).rows() == events.select(needs).rows()
        assert looks == [3]
        events_of(events.with_columns(activity_key=1), needs=COLUMNS)
        assert looks == [3], "other columns have no part in the order"
    events_of(events, needs=COLUMNS)
    assert looks == [3, 3], "nothing is known outside of the block"


def test_other_events_are_looked_at(looks):
    with in_order(log((1, 1, 7), (1, 2, 8), (2, 1, 7))) as events:
        for other in (events.reverse(), events.filter(pl.col("case_key") == 1).reverse(), log((5, 2, 1), (5, 1, 1))):
            assert events_of(other, needs=COLUMNS).rows() == sorted(other.rows())
    assert looks == [3, 3, 2, 2]


def test_events_in_no_order_are_put_in_order():
    with in_order(log((2, 1, 7), (1, 2, 8), (1, 1, 7))) as events:
        assert events.rows() == [(1, 1, 7), (1, 2, 8), (2, 1, 7)]


def test_events_in_pieces_are_known_by_memory_that_lasts(looks):
    pieces = pl.concat([log((1, 1, 7)), log((1, 2, 8), (2, 1, 7))], rechunk=False)
    with in_order(pieces) as events:
        for _ in range(3):
            events_of(events, needs=COLUMNS)
            events_of(pl.concat([log((3, 2, 7)), log((3, 1, 8), (2, 1, 7))], rechunk=False), needs=COLUMNS)
    assert looks == [3] * 4


def test_a_slice_at_the_same_place_in_memory_is_another_log(looks):
    with in_order(log((1, 1, 7), (1, 2, 8), (2, 1, 7))) as events:
        events_of(events.head(2), needs=COLUMNS)
    assert looks == [3, 2]
