"""Time per application and switches of a recording counted by hand."""

import narwhals as nw
import polars as pl
import pytest

from mining_tasks.desktop import count_switches, count_time, measure_application_time, switches_between

ROWS = [  # session, position, application, action, seconds, person
    (1, 1, "Excel", "copy_cell", 10.5, 7),
    (1, 2, "Chrome", "paste", 4000.0, 7),  # a pause: counts 300 s
    (1, 3, "Chrome", "submit", 2.25, 7),
    (1, 4, "Excel", "copy_cell", None, 7),  # the last of its session
    (2, 1, "Outlook", "use_window", 900.0, 8),  # measured by the agent: counts whole
    (2, 2, "Excel", "copy_cell", 1.0, 8),
    (2, 3, "Chrome", "paste", None, None),  # nobody known
]


@pytest.fixture
def actions():
    frame = pl.DataFrame(
        ROWS,
        orient="row",
        schema={
            "case_key": pl.Int64,
            "event_seq": pl.Int32,
            "application": pl.String,
            "action": pl.String,
            "seconds": pl.Float64,
            "resource_key": pl.Int64,
        },
    )
    frame = frame.with_columns((pl.col("seconds") * 1e6).cast(pl.Int64).alias("duration_us"), pl.lit("x").alias("step"))
    return count_time(nw.from_native(frame.sample(fraction=1, shuffle=True, seed=3)))


def test_application_time(actions):
    rows = list(measure_application_time(actions).iter_rows())
    assert rows == [
        ("Chrome", 3, 2, 1, 302.25, 302.25 / 1213.75, 151.125),
        ("Excel", 3, 2, 2, 11.5, 11.5 / 1213.75, 5.75),
        ("Outlook", 1, 1, 1, 900.0, 900.0 / 1213.75, 900.0),
    ]


def test_switches(actions):
    rows = list(count_switches(switches_between(actions)).switches.iter_rows())
    assert rows == [
        ("Chrome", "Excel", 1, 1, 1, 0.25),
        ("Excel", "Chrome", 2, 2, 2, 0.5),
        ("Outlook", "Excel", 1, 1, 1, 0.25),
    ]


def test_nothing_recorded(actions):
    nothing = actions.head(0)
    assert len(measure_application_time(nothing)) == len(count_switches(switches_between(nothing)).switches) == 0
