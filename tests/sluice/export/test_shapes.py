"""The views in the shapes of other tools say the same as the results: figures derived a second way, by pm4py and by loops."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pandas as pd
import pm4py
import pytest

from mining_tasks.runner import mine
from sluice.publish import publish
from sluice.warehouse import connect
from tests.expectations.candidates import START, Candidate, let_through, process, run
from tests.sluice.export.conftest import make_views

HOUR = timedelta(hours=1)
CASES = {
    "A": [("order", START), ("check", START + HOUR, START), ("check", START + HOUR), ("pay", START + 3 * HOUR)],
    "B": [("order", START), ("check", START + 2 * HOUR, START + HOUR), ("pay", START + 4 * HOUR)],
    "C": [("order", START), ("check", START + 2 * HOUR), ("pay", START + 9 * HOUR)],
    "D": [("pay", START), ("order", START), ("pay", START)],
}
SHAPES = (
    "celonis_activities",
    "uipath_cases",
    "uipath_event_log",
    "uipath_tags",
    "uipath_due_dates",
    "microsoft_transitions",
    "microsoft_variants",
    "microsoft_process_map_metrics",
)


@pytest.fixture(scope="module")
def db(exporting):
    """A public and a private process, published by the product, and the views."""
    for name, is_public in (("demo", True), ("desk", False)):
        ctx = run(1, name)
        Candidate(CASES, name=name).write(exporting.warehouse_url, ctx)
        let_through(exporting.warehouse_url, ctx, {}, name)
        with connect(exporting.warehouse_url) as db:
            db.execute(
                "insert into event_log.processes values (%s, 't', 'declared', 'o', %s, 5, now(), 'r', now())",
                (name, is_public),
            )
        mine(exporting, name, ctx)
        publish(exporting, process(name, case_level_public=is_public), ctx)
    with connect(exporting.warehouse_url) as db:
        make_views(db, *SHAPES)
        for name in ("demo", "desk"):
            db.execute(
                """insert into mining.violations (process, rule, case_key, case_id, event_seq, expected)
                   select process, 'pay last', case_key, case_id, event_seq, 'order before pay' from event_log.events
                   where process = %s and case_id = 'D' and activity = 'pay'""",
                (name,),
            )
            db.execute(
                """insert into mining.obligations (process, rule, case_key, case_id, event_seq, expected, due_at)
                   select process, rule, case_key, case_id, 1, 'pay', due_at from event_log.cases
                   cross join (values ('early', '2025-03-01 00:00+00'::timestamptz), ('late', '2025-03-02 00:00:01.5+00'),
                                      ('never', null)) as rules (rule, due_at)
                   where process = %s and case_id = 'B'""",
                (name,),
            )
        yield db
        db.rollback()


def rows(db, query: str) -> list[tuple]:
    return db.execute(query).fetchall()


def test_nothing_of_a_private_process_is_shown(db):
    for view in SHAPES:
        shown = {name for (name,) in rows(db, f"select distinct process from bi.{view}")}
        assert shown == {"demo"}, view


@pytest.mark.parametrize(
    "columns",
    [
        "_case_key, activity_en, eventtime, _sorting from bi.celonis_activities",
        "case_id, activity, event_end, activity_order from bi.uipath_event_log",
    ],
)
def test_time_and_sorting_give_the_published_variants(db, columns):
    """As the tools order them: by time, and by the sorting column where times are equal."""
    events = rows(db, f"select {columns} where process = 'demo'")
    traces = {}
    for case, activity, _, _ in sorted(events, key=lambda row: (row[0], row[2], row[3])):
        traces.setdefault(case, []).append(activity)
    variants = rows(db, "select activities, case_count from mining.variants where process = 'demo'")
    assert Counter(map(tuple, traces.values())) == {tuple(steps): count for steps, count in variants}
    assert len(variants) == 3


def test_event_log_of_uipath_has_its_fields(db):
    found = rows(
        db,
        """select activity, event_start, event_end, automated, event_cost, event_processing_time from bi.uipath_event_log
           where case_id = 'A' order by activity_order""",
    )
    assert found[:2] == [
        ("order", None, START, False, None, None),
        ("check", START, START + HOUR, False, None, 3_600_000),
    ]
    assert rows(db, "select count(distinct event_id) from bi.uipath_event_log") == [(13,)]
    assert rows(db, "select case_id, case_status from bi.uipath_cases order by 1") == [
        (one, "Closed") for one in "ABCD"
    ]


def test_tags_and_due_dates_of_uipath(db):
    expected = [("A", "Rework", "Rework"), ("D", "Rework", "Rework"), ("D", "pay last", "Violation")]
    assert rows(db, "select case_id, tag, tag_type from bi.uipath_tags order by 1, 3") == expected
    assert rows(db, "select count(distinct tag_id) from bi.uipath_tags") == [(3,)]
    columns = "case_id, due_date, due_date_type, actual_date, expected_date, on_time, difference"
    assert rows(db, f"select {columns} from bi.uipath_due_dates order by due_date") == [
        ("B", "early", "Rule", None, datetime(2025, 3, 1, tzinfo=UTC), False, 86_400_000),
        ("B", "late", "Rule", None, datetime(2025, 3, 2, 0, 0, 1, 500_000, tzinfo=UTC), True, -1_500),
    ]


def test_process_map_of_microsoft_is_the_one_of_pm4py(db):
    events = rows(db, "select _case_key, activity_en, eventtime from bi.celonis_activities order by 1, _sorting")
    names = ["case:concept:name", "concept:name", "time:timestamp"]
    log = pm4py.convert_to_event_log(pd.DataFrame(events, columns=names))
    graph, starts, ends = pm4py.discover_dfg(log)
    expected = dict(graph)
    expected |= {(None, activity): count for activity, count in starts.items()}
    expected |= {(activity, None): count for activity, count in ends.items()}
    found = rows(
        db,
        """select source_activity, target_activity, event_frequency from bi.microsoft_process_map_metrics
           where process = 'demo' and not is_node""",
    )
    assert {(source, target): count for source, target, count in found} == expected and len(found) == len(expected)
    nodes = rows(
        db,
        """select source_activity, event_frequency, case_frequency, maximum_occurrence_in_case, self_loop_count,
               total_duration_seconds
           from bi.microsoft_process_map_metrics where process = 'demo' and is_node order by 1""",
    )
    assert nodes == [("check", 4, 3, 2, 1, 7200), ("order", 4, 4, 1, 0, None), ("pay", 5, 4, 2, 0, None)]


def test_transitions_of_microsoft_add_up_to_its_edges(db):
    found = rows(
        db,
        """select source_activity, target_activity, count(*), count(distinct case_id), sum(duration_seconds),
               min(duration_seconds), max(duration_seconds), bool_or(is_self_loop)
           from bi.microsoft_transitions where process = 'demo' group by 1, 2 order by 1, 2""",
    )
    edges = rows(
        db,
        """select source_activity, target_activity, event_frequency, case_frequency, total_duration_seconds,
               minimum_duration_seconds, maximum_duration_seconds, self_loop_count > 0
           from bi.microsoft_process_map_metrics
           where process = 'demo' and not is_node and source_activity is not null and target_activity is not null
           order by 1, 2""",
    )
    assert found == edges and len(edges) == 5
    assert rows(db, "select count(distinct index) from bi.microsoft_transitions") == [(9,)]


def test_variants_of_microsoft(db):
    found = rows(
        db,
        """select variant, path, case_frequency, event_frequency, median_duration_seconds from bi.microsoft_variants
           where process = 'demo' and case_frequency > 1""",
    )
    assert found == [(1, "order -> check -> pay", 2, 6, 6.5 * 3600)]
