"""Every result is the same, bit for bit, on every engine and for every order of the input's rows."""

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings

from mining_tasks import engines
from mining_tasks.activity_kpis import measure_activities
from mining_tasks.case_kpis import measure_cases
from mining_tasks.dfg import discover_dfg
from mining_tasks.ends import discover_ends
from mining_tasks.rework import measure_rework
from mining_tasks.slow_transitions import rank_transitions
from mining_tasks.variants import discover_variants
from tests.mining_tasks import public_logs
from tests.mining_tasks.logs import (
    ENGINES,
    NO_SPARK,
    SCHEMA,
    frame_of,
    hand_countable,
    names_of,
    on_engine,
    plain,
    random_events,
)


def everything(frame, names):
    graph = discover_dfg(frame)
    variants = discover_variants(frame, names=names)
    ends = discover_ends(frame)
    results = (
        graph.edges,
        rank_transitions(graph),
        variants.variants,
        variants.steps,
        variants.cases,
        ends.starts,
        ends.ends,
        measure_cases(frame),
        measure_activities(frame),
        measure_rework(frame),
    )
    return [(result.columns, plain(result)) for result in results]


@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=random_events())
def test_engine_changes_nothing(engine, events):
    frame, names = frame_of(events), names_of(events)
    assert everything(on_engine(frame.sample(fraction=1, shuffle=True, seed=7), engine), names) == everything(
        frame, names
    )


@pytest.mark.slow
@pytest.mark.parametrize("engine", engines.ENGINES[1:])
def test_a_real_log_is_the_same_on_every_engine(engine, real_data):
    """BPI Challenge 2012, whole; on PySpark a tenth of its cases, which takes as long."""
    frame = public_logs.read("bpic2012", real_data)
    codes = {name: number for number, name in enumerate(sorted(frame[public_logs.ACTIVITY].unique()), 1)}
    log = pl.DataFrame(
        {
            "case_key": frame[public_logs.CASE].astype("int64").to_numpy(),
            "event_seq": (frame.groupby(public_logs.CASE).cumcount() + 1).to_numpy(),
            "activity_key": frame[public_logs.ACTIVITY].map(codes).to_numpy(),
            "occurred_us": frame[public_logs.TIME].astype("datetime64[us, UTC]").astype("int64").to_numpy(),
            "started_us": pl.Series([None] * len(frame), dtype=pl.Int64),
            "resource_key": frame[public_logs.PERSON].astype("float64").to_numpy(),
        }
    ).with_columns(pl.col("resource_key").fill_nan(None))
    log = log.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items()).sort("case_key", "event_seq")
    if engine == engines.PYSPARK:
        if NO_SPARK:
            pytest.skip(NO_SPARK)
        log = log.filter(pl.col("case_key") % 10 == 0)
    names = {number: name for name, number in codes.items()}
    assert everything(engines.on_engine(log, engine), names) == everything(log, names)


@pytest.mark.parametrize("seed", range(5))
def test_order_of_rows_changes_nothing(seed):
    events = hand_countable()
    frame, names = frame_of(events), names_of(events)
    assert everything(frame.sample(fraction=1, shuffle=True, seed=seed), names) == everything(frame, names)


def test_missing_column_is_named():
    with pytest.raises(ValueError, match="missing: activity_key"):
        discover_dfg(frame_of(hand_countable()).drop("activity_key"))


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_empty_log_gives_empty_results(engine):
    empty = on_engine(frame_of([]), engine)
    assert [rows for _, rows in everything(empty, {})] == [[]] * 10
