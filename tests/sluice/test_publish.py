"""Publishing: together or not at all, the same state by every path, and readers that never wait."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from datetime import timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from sluice.errors import SluiceError
from sluice.publish import publish
from tests.expectations.candidates import AS_OF, START, Candidate, let_through, mine, process, published, run


def put(settings, number, cases, *, quarantined=None, **changes):
    """Build, gate and mine by hand, then publish."""
    ctx = run(number)
    Candidate(cases, **changes).write(settings.warehouse_url, ctx)
    let_through(settings.warehouse_url, ctx, quarantined)
    mine(settings.warehouse_url, ctx)
    return publish(settings, process(), ctx)


def rows(settings, query):
    with psycopg.connect(settings.warehouse_url) as db:
        return db.execute(query).fetchall()


def test_first_publish_makes_the_partitions_and_everything_of_the_process(settings):
    done = put(settings, 1, {"A": ["order", "pay"], "B": ["order"]})
    assert (done.touched_count, done.published_count, done.quarantined_count, done.event_count) == (2, 2, 0, 3)
    assert rows(settings, "select case_id, event_seq, activity from event_log.events order by 1, 2") == [
        ("A", 1, "order"),
        ("A", 2, "pay"),
        ("B", 1, "order"),
    ]
    assert rows(settings, "select tableoid::regclass::text from event_log.cases limit 1") == [
        ("event_log.cases__demo",)
    ]
    assert rows(settings, "select case_id, amount, currency from event_log.demo_attributes order by 1")[0][0] == "A"
    assert rows(settings, "select edge_count from mining.dfg") == [(1,)]
    assert rows(settings, "select process, kind, order_declared, k_anonymity, as_of from event_log.processes") == [
        ("demo", "declared", "occurred_at, rank, source_seq, event_id", 5, AS_OF)
    ]
    assert rows(settings, "select process, gated_version, fingerprint from ops.process_state") == [("demo", 1, "f")]


def test_what_a_full_publish_filled_needs_no_vacuum(settings):
    put(settings, 1, {"A": ["order", "pay"], "B": ["order"]}, is_full_rebuild=True)
    tables = [
        "event_log.events__demo",
        "event_log.cases__demo",
        "event_log.demo_attributes",
        "ops.case_rows",
    ]
    for table in tables:
        pages, visible = rows(
            settings, f"select relpages, relallvisible from pg_class where oid = '{table}'::regclass"
        )[0]
        assert 0 < pages == visible, table


def test_touched_cases_are_replaced_and_the_others_stay_as_they_are(settings):
    put(settings, 1, {"A": ["order", "pay"], "B": ["order"]})
    before = rows(settings, "select xmin::text, event_id from event_log.events where case_id = 'A' order by event_seq")
    put(settings, 2, {"B": ["order", "pay", "close"]}, upto_version=2)
    assert rows(settings, "select case_id, event_count from event_log.cases order by 1") == [("A", 2), ("B", 3)]
    assert (
        rows(settings, "select xmin::text, event_id from event_log.events where case_id = 'A' order by event_seq")
        == before
    )
    assert rows(settings, "select gated_version from ops.process_state") == [(2,)]


def test_rows_that_did_not_change_are_not_written_again(settings):
    put(settings, 1, {"A": ["order", "pay"]})
    before = rows(
        settings,
        "select xmin::text from event_log.events where event_seq = 1 union all select xmin::text from mining.dfg",
    )
    put(settings, 2, {"A": ["order", "pay", "close"]})
    assert (
        rows(
            settings,
            "select xmin::text from event_log.events where event_seq = 1 union all "
            "select xmin::text from mining.dfg where target_activity = 'pay'",
        )
        == before
    )


def test_case_that_vanished_is_taken_out_everywhere(settings):
    put(settings, 1, {"A": ["order"], "B": ["order", "pay"]})
    put(settings, 2, {}, touched={"B"})
    left = published(settings.warehouse_url)
    assert [row for table, found in left.items() for row in found if "'B'" in row] == []
    assert len(left["event_log.cases"]) == 1 and left["mining.dfg"] == []


def test_quarantined_case_is_taken_out_counted_and_comes_back(settings):
    put(settings, 1, {"A": ["order"], "B": ["order", "pay"]})
    put(settings, 2, {"B": ["order", "strange"]}, quarantined={"B": "in the future"})
    assert rows(settings, "select case_id from event_log.cases") == [("A",)]
    assert rows(settings, "select case_id from event_log.demo_attributes") == [("A",)]
    assert rows(settings, "select activity from event_log.activities order by 1") == [("order",)], (
        "only a quarantined case has it"
    )
    assert rows(settings, "select count(*) from ops.case_rows where case_id = 'B'") == [(2,)], (
        "its rows still lead to it"
    )
    first_seen = rows(settings, "select first_seen_at, run_id from quality.quarantined_cases where case_id = 'B'")[0]
    put(settings, 3, {"B": ["order", "pay"]}, quarantined={"B": "still in the future"})
    again = rows(settings, "select first_seen_at, run_id, reason from quality.quarantined_cases")[0]
    assert again == (first_seen[0], run(3).run_id, "still in the future")
    put(settings, 4, {"B": ["order", "pay"]})
    assert rows(settings, "select case_id from event_log.cases order by 1") == [("A",), ("B",)]
    assert rows(settings, "select count(*) from quality.quarantined_cases") == [(0,)]


def test_publishing_again_changes_nothing(settings):
    put(settings, 1, {"A": ["order", "pay"], "B": ["order"]}, quarantined={"B": "x"})
    before = published(settings.warehouse_url)
    written = rows(settings, "select xmin::text from event_log.events")
    publish(settings, process(), run(1))
    assert published(settings.warehouse_url) == before
    assert rows(settings, "select xmin::text from event_log.events") == written


def test_what_a_killed_publish_had_read_of_former_rows_is_read_again(settings):
    put(settings, 1, {"A": ["order", "pay"], "B": ["order", "pay"]})
    with psycopg.connect(settings.warehouse_url) as db:
        db.execute("create table candidate.demo__former_case_rows as select * from candidate.demo__case_rows limit 0")
    put(settings, 2, {"B": ["order"]}, upto_version=2)
    kept = rows(settings, "select case_id, source_key from ops.case_rows order by 1, 2")
    assert kept == rows(settings, "select case_id, source_key from event_log.events order by 1, 2")
    assert len(kept) == 3
    assert rows(settings, "select to_regclass('candidate.demo__former_case_rows')") == [(None,)]


def test_mining_results_without_a_candidate_do_not_stay_behind(settings):
    put(settings, 1, {"A": ["order", "pay"]})
    ctx = run(2)
    Candidate({"A": ["order", "pay"]}).write(settings.warehouse_url, ctx)
    let_through(settings.warehouse_url, ctx)
    publish(settings, process(), ctx)
    assert rows(settings, "select count(*) from mining.dfg") == [(0,)]


def test_other_processes_are_left_alone(settings):
    put(settings, 1, {"A": ["order", "pay"]})
    ctx = run(1, "other")
    Candidate({"A": ["x", "y"]}, name="other").write(settings.warehouse_url, ctx)
    let_through(settings.warehouse_url, ctx, name="other")
    mine(settings.warehouse_url, ctx, "other")
    before = published(settings.warehouse_url)
    publish(settings, process("other"), ctx)
    assert published(settings.warehouse_url) == before
    assert rows(settings, "select process, count(*) from event_log.events group by 1 order by 1") == [
        ("demo", 2),
        ("other", 2),
    ]


@pytest.mark.parametrize("layer", ["candidate", "mining"])
def test_what_the_gate_stopped_is_not_published(settings, layer):
    put(settings, 1, {"A": ["order"]})
    ctx = run(2)
    Candidate({"A": ["order", "pay"]}).write(settings.warehouse_url, ctx)
    let_through(settings.warehouse_url, ctx)
    mine(settings.warehouse_url, ctx)
    with psycopg.connect(settings.warehouse_url) as db:
        db.execute(
            "update quality.check_results set is_success = false where run_id = %s and layer = %s", (ctx.run_id, layer)
        )
    before = published(settings.warehouse_url)
    with pytest.raises(SluiceError, match="the gate has not let"):
        publish(settings, process(), ctx)
    assert published(settings.warehouse_url) == before


def test_candidate_of_another_run_is_not_published(settings):
    put(settings, 1, {"A": ["order"]})
    with pytest.raises(SluiceError, match="are of run"):
        publish(settings, process(), run(2))
    with pytest.raises(SluiceError, match="there are no candidate tables"):
        publish(settings, process("nowhere"), run(1))


def test_changed_columns_of_attributes_need_a_full_build_and_keep_the_views(settings):
    url = settings.warehouse_url
    put(settings, 1, {"A": ["order"]})
    with psycopg.connect(url) as db:
        db.execute("create role attribute_reader")
        db.execute("create view bi.amounts as select case_id, amount from event_log.demo_attributes")
        db.execute("create view bi.totals as select sum(amount) as total from bi.amounts")
        db.execute("comment on view bi.totals is 'all of it'")
        db.execute("grant select on bi.totals to attribute_reader")
    ctx = run(2)

    def write(is_full):
        Candidate({"A": ["order"]}, is_full_rebuild=is_full, amounts={"A": 7}).write(url, ctx)
        with psycopg.connect(url) as db:
            db.execute("alter table candidate.demo__attributes add column vendor text default 'v'")
        let_through(url, ctx)

    write(False)
    with pytest.raises(SluiceError, match=r"columns of event_log.demo_attributes changed"):
        publish(settings, process(), ctx)
    write(True)
    publish(settings, process(), ctx)
    assert rows(settings, "select case_id, amount, vendor from event_log.demo_attributes") == [("A", 7, "v")]
    assert rows(
        settings,
        "select total, obj_description('bi.totals'::regclass), "
        "has_table_privilege('attribute_reader', 'bi.totals', 'select') from bi.totals",
    ) == [(7, "all of it", True)]
    with psycopg.connect(url) as db:
        db.execute("drop owned by attribute_reader")
        db.execute("drop role attribute_reader")


def test_extra_tables_of_a_process_follow_its_cases(settings):
    declared = process(extra_tables=("actions",))

    def put_actions(number, cases, **changes):
        ctx = run(number)
        Candidate(cases, **changes).write(settings.warehouse_url, ctx)
        with psycopg.connect(settings.warehouse_url) as db:
            db.execute("""create table candidate.demo__actions as
                          select case_id, case_key, event_seq, 'excel' as application from candidate.demo__events""")
        let_through(settings.warehouse_url, ctx)
        mine(settings.warehouse_url, ctx)
        publish(settings, declared, ctx)

    put_actions(1, {"A": ["x", "y"], "B": ["x"]})
    put_actions(2, {"A": ["x"]}, touched={"B"})
    assert rows(settings, "select case_id, event_seq from event_log.demo_actions") == [("A", 1)]


def test_ties_are_counted_over_the_whole_log(settings):
    ctx = run(1)
    Candidate({"A": [("x", START), ("y", START), ("z", START + timedelta(hours=1))]}).write(settings.warehouse_url, ctx)
    with psycopg.connect(settings.warehouse_url) as db:
        db.execute("update candidate.demo__events set order_basis = 'source_seq' where activity in ('x', 'y')")
    let_through(settings.warehouse_url, ctx)
    mine(settings.warehouse_url, ctx)
    publish(settings, process(), ctx)
    put(settings, 2, {"B": ["x"]})
    assert rows(settings, "select order_basis, tied_event_count, tied_case_count from event_log.order_ties") == [
        ("source_seq", 2, 1)
    ]


CASE_NAMES = "ABCD"
_states = st.dictionaries(
    st.sampled_from(CASE_NAMES),
    st.tuples(
        st.lists(st.sampled_from(["order", "approve", "pay"]), min_size=1, max_size=4), st.booleans(), st.integers(0, 3)
    ),
    max_size=4,
)


@given(st.lists(_states, min_size=1, max_size=4), st.data())
@hypothesis_settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_any_sequence_of_publishes_equals_one_full_publish(settings, states, data):
    with psycopg.connect(settings.warehouse_url) as db:
        for table in (
            "event_log.events",
            "event_log.cases",
            "event_log.demo_attributes",
            "ops.case_rows",
            "mining.variants",
            "mining.dfg",
            "mining.process_kpis",
            "quality.quarantined_cases",
            "event_log.activities",
        ):
            if db.execute("select to_regclass(%s) is not null", (table,)).fetchone()[0]:
                db.execute(f"delete from {table}")
    number, now, quarantined = 0, {}, set()
    for state in states:
        changed = {name for name in CASE_NAMES if state.get(name) != now.get(name)}
        touched = changed | quarantined | data.draw(st.sets(st.sampled_from(CASE_NAMES), max_size=2))
        number += 1
        _put_state(settings, number, state, touched, is_full_rebuild=False)
        now, quarantined = state, {name for name, (_, is_bad, _) in state.items() if is_bad}
    by_nights = published(settings.warehouse_url)
    _put_state(settings, number + 1, now, set(CASE_NAMES), is_full_rebuild=True)
    assert published(settings.warehouse_url) == by_nights


def _put_state(settings, number, state, touched, *, is_full_rebuild):
    put(
        settings,
        number,
        {name: state[name][0] for name in sorted(touched & set(state))},
        touched=touched,
        quarantined={name: "planted" for name in touched & set(state) if state[name][1]},
        amounts={name: state[name][2] for name in state},
        is_full_rebuild=is_full_rebuild,
    )


def test_reader_sees_whole_states_only_and_never_waits(settings):
    """A reader polls event log and mining together while touched and full publishes replace them."""
    put(settings, 1, {"A": ["order", "pay"]}, is_full_rebuild=True)
    stop, seen, slowest = threading.Event(), [], [0.0]

    def read():
        with psycopg.connect(settings.warehouse_url, autocommit=True) as db:
            db.execute("set lock_timeout = '200ms'")
            while not stop.is_set():
                began = time.monotonic()
                seen.append(
                    db.execute("""
                    select (select count(*) from event_log.events where process = 'demo'),
                           (select sum(event_count) from event_log.cases where process = 'demo'),
                           (select event_count from mining.process_kpis where process = 'demo'),
                           (select sum(edge_count) from mining.dfg where process = 'demo')
                           + (select count(*) from event_log.demo_attributes),
                           (select sum(case_count * cardinality(activities)) from mining.variants where process =
                               'demo')
                    """).fetchone()
                )
                slowest[0] = max(slowest[0], time.monotonic() - began)

    with_errors = []
    reader = threading.Thread(target=lambda: _catch(read, with_errors))
    reader.start()
    try:
        for number in range(2, 14):
            put(
                settings,
                number,
                {name: ["order"] * (1 + (number * 7 + index) % 5) for index, name in enumerate("ABCDEFGH")},
                is_full_rebuild=number % 3 == 0,
                upto_version=number,
            )
    finally:
        stop.set()
        reader.join()
    assert not with_errors, with_errors
    assert len(seen) > 50 and len(set(seen)) > 5
    assert [row for row in seen if len(set(row)) != 1] == []
    assert slowest[0] < 2


def _catch(work, errors):
    try:
        work()
    except Exception as error:  # noqa: BLE001 - handed to the test's own thread
        errors.append(error)


@pytest.mark.parametrize(
    "table, moment",
    [
        ("event_log.cases", "delete"),
        ("event_log.cases", "insert"),
        ("ops.case_rows", "insert"),
        ("mining.dfg", "insert"),
        ("ops.process_state", "update"),
    ],
)
def test_kill_anywhere_leaves_the_last_state_and_the_next_publish_completes(settings, table, moment):
    url = settings.warehouse_url
    put(settings, 1, {"A": ["order", "pay"], "B": ["order"]})
    before = published(url)
    ctx = run(2)
    Candidate({"A": ["order", "approve", "pay"], "C": ["order"]}, touched={"B"}, upto_version=2).write(url, ctx)
    let_through(url, ctx)
    mine(url, ctx)
    with psycopg.connect(url) as db:  # a place to be killed at
        db.execute("""create function public.stall() returns trigger language plpgsql as
                      $$ begin perform pg_advisory_lock(4711); perform pg_advisory_unlock(4711); return null; end $$""")
        db.execute(f"create trigger stall after {moment} on {table} for each statement execute function public.stall()")
    with psycopg.connect(url, autocommit=True) as gatekeeper:
        gatekeeper.execute("select pg_advisory_lock(4711)")
        child = subprocess.Popen(
            [
                sys.executable,
                "-c",
                textwrap.dedent(f"""
            from pathlib import Path
            from sluice.publish import publish
            from sluice.settings import Settings
            from tests.expectations.candidates import process, run
            publish(Settings(home=Path({str(settings.home)!r}), warehouse_url={url!r}), process(), run(2))
            """),
            ],
            cwd=settings.project,
            env={**os.environ, "PYTHONPATH": str(settings.project)},
        )
        deadline = time.monotonic() + 120
        while not gatekeeper.execute(
            "select count(*) from pg_locks where locktype = 'advisory' and objid = 4711 and not granted"
        ).fetchone()[0]:
            assert child.poll() is None and time.monotonic() < deadline, (
                "the publish did not come to the place to be killed at"
            )
            time.sleep(0.05)
        child.send_signal(signal.SIGKILL)
        child.wait()
        assert published(url) == before
    with psycopg.connect(url) as db:
        db.execute(f"drop trigger stall on {table}")
    assert published(url) == before
    publish(settings, process(), ctx)
    assert rows(settings, "select case_id, event_count from event_log.cases order by 1") == [("A", 3), ("C", 1)]
    assert rows(settings, "select gated_version from ops.process_state") == [(2,)]
