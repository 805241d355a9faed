"""The gate on mining results: every planted contradiction blocks, what the miner makes of clean data passes."""

import psycopg
import pytest

from expectations.checks import MINING_CHECKS
from expectations.declaration import declaration_of
from expectations.mining import gate_mining, mining_tables
from expectations.mining_checks import checks_of
from mining_tasks.runner import mine
from sluice.errors import Blocked, SluiceError
from sluice.publish import publish
from tests.expectations.candidates import Candidate, let_through, process, run
from tests.expectations.candidates import mine as mine_by_sql

CASES = {"A": ["order", "approve", "pay"], "B": ["order", "pay"], "C": ["order", "pay"], "D": ["order"]}


@pytest.fixture
def mined(settings):
    """A gated candidate with what mining makes of it; one case of it was published before and is not touched."""
    first = run(1)
    Candidate({"Z": ["order", "pay", "pay"]}).write(settings.warehouse_url, first)
    let_through(settings.warehouse_url, first)
    mine_by_sql(settings.warehouse_url, first)
    publish(settings, process(), first)
    ctx = run(2)
    Candidate(CASES).write(settings.warehouse_url, ctx)
    let_through(settings.warehouse_url, ctx)
    mine(settings, "demo", ctx, order=process().order)

    def gate(change=None, declared=None):
        if change:
            with psycopg.connect(settings.warehouse_url) as db:
                db.execute(change)
        return {one.check.name: one for one in gate_mining(settings, declared or process(), ctx)}

    return gate


def test_what_mining_makes_of_clean_data_passes_every_check(mined, settings):
    outcomes = mined()
    assert {one.message for one in outcomes.values() if not one.is_success} == set()
    with psycopg.connect(settings.warehouse_url) as db:
        tables = mining_tables(db, "demo")
    private = checks_of(declaration_of(process(case_level_public=False)), tables)
    assert set(outcomes) | {check.name for check in private} == set(MINING_CHECKS)
    publish(settings, process(), run(2))


@pytest.mark.parametrize(
    "check, change",
    [
        ("mining_values", "update candidate.demo__mining_dfg set mean_seconds = -1, min_seconds = -1"),
        (
            "mining_values",
            "alter table candidate.demo__mining_dfg alter column edge_count drop not null; "
            "update candidate.demo__mining_dfg set edge_count = null",
        ),
        ("mining_values", "update candidate.demo__mining_variants set case_share = 1.1"),
        ("mining_values", "update candidate.demo__mining_dfg set max_seconds = 'NaN'"),
        ("mining_values", "update candidate.demo__mining_rework set process = 'other'"),
        ("mining_keys", "insert into candidate.demo__mining_rework select * from candidate.demo__mining_rework"),
        ("mining_time_order", "update candidate.demo__mining_dfg set median_seconds = p90_seconds + 1"),
        ("mining_k_anonymity", "update candidate.demo__mining_activity_kpis set resource_count = 4"),
        (
            "mining_dfg_total",
            "update candidate.demo__mining_dfg set edge_count = edge_count + 1 where target_activity = 'approve'",
        ),
        ("mining_dfg_total", "delete from candidate.demo__mining_dfg where target_activity = 'approve'"),
        ("mining_activity_kpis_total", "update candidate.demo__mining_activity_kpis set event_count = event_count + 1"),
        ("mining_start_activities_total", "delete from candidate.demo__mining_start_activities"),
        ("mining_end_activities_total", "update candidate.demo__mining_end_activities set case_count = case_count + 1"),
        ("mining_variants_match", "delete from candidate.demo__mining_variants where rank = 1"),
        (
            "mining_variants_match",
            "update candidate.demo__mining_variants set case_count = case_count + 1 where rank = 2",
        ),
        (
            "mining_tables",
            "do $$ declare t text; begin for t in "
            "select tablename from pg_tables where tablename like 'demo\\_\\_mining%' "
            "loop execute 'drop table candidate.' || t; end loop; end $$",
        ),
    ],
)
def test_contradiction_blocks_and_says_so(mined, settings, check, change):
    with pytest.raises(Blocked, match="demo is blocked at the mining gate") as stopped:
        mined(change)
    assert "\n" not in str(stopped.value)
    with psycopg.connect(settings.warehouse_url) as db:
        assert db.execute(
            "select is_success from quality.check_results where check_name = %s and run_id = %s", (check, run(2).run_id)
        ).fetchall() == [(False,)]
        with pytest.raises(SluiceError, match="the gate has not let"):
            publish(settings, process(), run(2))
        assert db.execute("select case_id from event_log.cases").fetchall() == [("Z",)]


def test_rows_left_out_for_k_persons_may_be_missing_but_never_too_many(mined):
    outcomes = mined(
        "delete from candidate.demo__mining_dfg where target_activity = 'approve'; "
        "insert into candidate.demo__mining_suppressions values ('demo', 'dfg', 5, 1, 1)"
    )
    assert outcomes["mining_dfg_total"].is_success
    with pytest.raises(Blocked, match="mining_dfg_total"):
        mined("update candidate.demo__mining_dfg set edge_count = 99")


def test_cases_of_a_private_process_are_not_shown(mined):
    with pytest.raises(Blocked, match="mining_private_cases"):
        mined(declared=process(case_level_public=False))


def test_drift_warns_against_the_last_figures_and_never_blocks(mined):
    assert (
        mined("update mining.process_kpis set case_count = 1000, median_seconds = 1")["mining_drift"].is_success
        is False
    )


def test_results_of_an_ungated_candidate_are_not_gated(settings):
    Candidate(CASES).write(settings.warehouse_url, run(1))
    with pytest.raises(SluiceError, match="was not gated"):
        gate_mining(settings, process(), run(1))
