"""The hand-countable log: sixteen events in five cases, every figure counted by hand."""

import pytest

from mining_tasks.runner import mine_log
from tests.mining_tasks.logs import hand_countable, log_of


@pytest.fixture(scope="module")
def tables():
    made = mine_log(log_of(hand_countable(), open_cases={"E"}), is_case_level_public=True, k_anonymity=3, as_of_us=0)
    return {name: [] if table is None else table.to_pylist() for name, table in made.items()}


def rows(tables, name, *columns):
    return [tuple(row[column] for column in columns) for row in tables[name]]


def test_dfg(tables):
    found = rows(
        tables,
        "dfg",
        "source_activity",
        "target_activity",
        "edge_count",
        "case_count",
        "mean_seconds",
        "median_seconds",
        "p90_seconds",
        "total_seconds",
    )
    assert sorted(found) == [
        ("approve", "pay", 3, 3, 540.0, 420.0, 756.0, 1620.0),  # pay is an interval: waiting ends when it starts
        ("check", "approve", 3, 3, 250 / 3, 120.0, 120.0, 250.0),
        ("check", "check", 1, 1, 60.0, 60.0, 60.0, 60.0),
        ("receive", "check", 3, 3, 50.0, 60.0, 60.0, 150.0),
        ("receive", "reject", 1, 1, 10.0, 10.0, 10.0, 10.0),
    ]


def test_slow_transitions(tables):
    found = rows(tables, "slow_transitions", "rank", "source_activity", "total_share", "cumulative_share")
    assert found == [
        (1, "approve", 1620 / 2090, 1620 / 2090),
        (2, "check", 250 / 2090, 1870 / 2090),
        (3, "receive", 150 / 2090, 2020 / 2090),
        (4, "check", 60 / 2090, 2080 / 2090),
        (5, "receive", 10 / 2090, 1.0),
    ]


def test_variants(tables):
    best = tables["variants"][0]
    assert (best["rank"], best["activities"], best["case_count"], best["case_share"], best["mean_seconds"]) == (
        1,
        ["receive", "check", "approve", "pay"],
        2,
        0.4,
        600.0,
    )
    assert sorted(rows(tables, "variants", "case_count", "activity_count")) == [(1, 1), (1, 2), (1, 5), (2, 4)]


def test_ends(tables):
    assert rows(tables, "start_activities", "activity", "case_count", "case_share") == [("receive", 5, 1.0)]
    assert sorted(rows(tables, "end_activities", "activity", "case_count")) == [
        ("pay", 3),
        ("receive", 1),
        ("reject", 1),
    ]


def test_process(tables):
    (kpis,) = tables["process_kpis"]
    assert (kpis["case_count"], kpis["event_count"], kpis["activity_count"], kpis["variant_count"]) == (5, 16, 5, 4)
    assert (kpis["mean_seconds"], kpis["median_seconds"], kpis["p90_seconds"]) == (442.0, 600.0, 840.0)
    assert (kpis["open_case_count"], kpis["rework_case_count"], kpis["resource_count"]) == (1, 1, 5)
    assert kpis["closed_mean_seconds"] == 552.5


def test_rework(tables):
    found = {row["activity"]: row for row in tables["rework"]}
    assert found["check"] | {"case_count": 3} == {
        "activity": "check",
        "case_count": 3,
        "repeat_case_count": 1,
        "repeat_case_share": 1 / 3,
        "repeat_count": 1,
        "self_loop_count": 1,
        "max_per_case": 2,
    }
    assert sum(row["repeat_count"] for row in found.values()) == 1


def test_activities(tables):
    found = {row["activity"]: row for row in tables["activity_kpis"]}
    assert (found["pay"]["service_count"], found["pay"]["mean_service_seconds"]) == (3, 40.0)
    assert found["receive"]["mean_wait_seconds"] is None and found["receive"]["start_count"] == 5
    # four people receive, check, approve and pay; of no activity do as many as three know
    assert [row["resource_count"] for row in found.values()] == [None] * 5


def test_cases(tables):
    found = {row["case_id"]: row for row in tables["case_kpis"]}
    assert (found["B"]["throughput_seconds"], found["B"]["rework_count"], found["B"]["self_loop_count"]) == (
        1000.0,
        1,
        1,
    )
    assert (found["B"]["longest_wait_seconds"], found["B"]["longest_wait_target_activity"]) == (840.0, "pay")
    assert found["E"]["longest_wait_seconds"] is None and found["E"]["is_open"] and not found["A"]["is_open"]
    assert found["A"]["variant_id"] == found["D"]["variant_id"] == tables["variants"][0]["variant_id"]


def test_week(tables):
    (week,) = tables["throughput_by_week"]
    assert (str(week["week_start"]), week["started_count"], week["ended_count"], week["median_seconds"]) == (
        "1969-12-29",
        5,
        4,
        600.0,
    )
