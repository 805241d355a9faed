"""The candidate gate: each check finds its planted defect, lets clean data through, and says what to do."""

from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from expectations.build import read_build
from expectations.candidate import gate_candidate
from expectations.candidate_checks import checks_of
from expectations.checks import CANDIDATE_CHECKS, PATTERN_CHECKS
from expectations.completeness import open_too_long
from expectations.declaration import declaration_of
from expectations.history import history_checks
from expectations.references import row_checks
from sluice.errors import BadInput, Blocked
from sluice.publish import publish
from tests.expectations.candidates import AS_OF, START, Candidate, mine, process, published, run

MORNING = START + timedelta(minutes=7, seconds=41)  # clean times are not round
CLEAN = {
    "A": [(activity, MORNING + timedelta(hours=n)) for n, activity in enumerate(("order", "approve", "pay"), 1)],
    "B": [("order", MORNING), ("pay", MORNING + timedelta(hours=9), MORNING + timedelta(hours=8))],
}


def gate(settings, cases=CLEAN, *, change=None, declared=None, number=1, **changes):
    """Gate a candidate, changed by an SQL statement; returns the outcomes by name."""
    ctx = run(number)
    Candidate(cases, **changes).write(settings.warehouse_url, ctx)
    if change:
        with psycopg.connect(settings.warehouse_url) as db:
            db.execute(change)
    return {one.check.name: one for one in gate_candidate(settings, declared or process(), ctx)}


def rows(settings, query):
    with psycopg.connect(settings.warehouse_url) as db:
        return db.execute(query).fetchall()


def quarantined(settings):
    return rows(settings, "select case_id, check_name from candidate.demo__quarantined order by 1, 2")


def test_clean_data_passes_every_check(settings):
    outcomes = gate(settings)
    assert {name: one.message for name, one in outcomes.items() if not one.is_success} == {}
    assert quarantined(settings) == []
    written = rows(settings, "select check_name, is_success, layer from quality.check_results order by 1")
    assert written == sorted((name, True, "candidate") for name in outcomes)


EVERYTHING = {
    "case_document": "orders",
    "source_zone": "Europe/Berlin",
    "wall_times": True,
    "start_activities": ["order"],
    "end_activities": ["pay"],
    "mandatory_activities": ["pay"],
    "order": [["order", "pay"]],
    "max_age": "2 weeks",
    "categories": ["currency"],
    "references": [{"table": "orders", "column": "vendor_id", "to": "vendors"}],
}


def test_every_check_has_its_name_in_the_list_that_a_process_may_refer_to(settings):
    with psycopg.connect(settings.warehouse_url) as db:
        db.execute("""create table intermediate.seed as select 'order' as activity; create schema raw_odoo;
            create table raw_odoo.orders (id bigint, vendor_id bigint, _version bigint, _is_deleted boolean);
            create table raw_odoo.vendors (id bigint, _version bigint, _is_deleted boolean);
            create table event_log.demo_attributes (case_id text, currency text)""")
        Candidate(CLEAN).write(settings.warehouse_url, run())
        declared = declaration_of(process(activities="seed", sources=("odoo",), checks=EVERYTHING))
        build = read_build(db, "demo")
        names = {
            *(
                check.name
                for check in checks_of(declared, AS_OF, attributes=("note",), has_seed=True, has_untimed=True)
            ),
            *(check.name for check in history_checks(declared, AS_OF, build, "r")),
            *(check.name for check in row_checks(db, declared, build)),
            open_too_long(declared, AS_OF).name,
            "quarantined_share",
        }
    assert names == {*CANDIDATE_CHECKS, *PATTERN_CHECKS}


BLOCKING = {
    "required_columns": "update candidate.demo__events set case_id = null where case_id = 'A' and event_seq = 2",
    "event_id_unique": "update candidate.demo__events set event_id = "
    "(select min(event_id::text)::uuid from candidate.demo__events)",
    "event_seq_contiguous": "update candidate.demo__events set event_seq = 7 where case_id = 'A' and event_seq = 3",
    "case_key_unique": "update candidate.demo__cases set case_key = 1",
    "cases_match_events": "delete from candidate.demo__events where case_id = 'A' and event_seq = 3",
    "attributes_match_cases": "insert into candidate.demo__attributes "
    "select * from candidate.demo__attributes where case_id = 'A'",
    "cases_touched": "delete from candidate.demo__touched_cases where case_id = 'B'",
    "resource_is_pseudonym": "update candidate.demo__events set resource = 'mitchell.admin' where case_id = 'B'",
    "activity_known": "delete from candidate.demo__activities where activity = 'approve'",
}


@pytest.mark.parametrize("check", BLOCKING)
def test_structural_defect_blocks_and_says_so_in_one_line(settings, check):
    with pytest.raises(Blocked, match="demo is blocked at the candidate gate") as stopped:
        gate(settings, change=BLOCKING[check])
    assert "\n" not in str(stopped.value)
    found = rows(
        settings,
        f"select is_success, unexpected_count > 0, message from quality.check_results where check_name = '{check}'",
    )
    assert found[0][:2] == (False, True)
    assert "expected" in found[0][2] and "found" in found[0][2] and "\n" not in found[0][2]


@pytest.mark.parametrize(
    "change, check",
    [
        ("delete from candidate.demo__attributes where case_id = 'A'", "attributes_match_cases"),
        ("delete from candidate.demo__cases where case_id = 'A'", "cases_match_events"),
        (
            "insert into candidate.demo__cases "
            "select case_id, 5, started_at, ended_at, event_count, variant_id, is_open "
            "from candidate.demo__cases where case_id = 'A'",
            "case_key_unique",
        ),
        (
            "update candidate.demo__events set event_seq = 2 where case_id = 'A' and event_seq = 3",
            "event_seq_contiguous",
        ),
        ("update candidate.demo__events set event_seq = event_seq - 1 where case_id = 'A'", "event_seq_contiguous"),
    ],
)
def test_other_forms_of_structural_defects_block_too(settings, change, check):
    with pytest.raises(Blocked):
        gate(settings, change=change)
    assert rows(settings, f"select is_success from quality.check_results where check_name = '{check}'") == [(False,)]


def test_missing_table_or_column_blocks_with_its_name(settings):
    with pytest.raises(Blocked, match=r"no table candidate.demo__attributes"):
        gate(settings, change="drop table candidate.demo__attributes")
    with pytest.raises(Blocked, match=r"candidate.demo__events lacks started_at"):
        gate(settings, change="alter table candidate.demo__events drop column started_at")


QUARANTINING = {
    "not_in_future": (
        {"F": ["order", ("pay", AS_OF + timedelta(days=1, seconds=1))]},
        "pay (orders F:2) at 2025-03-03 00:00 UTC",
    ),
    "not_before_earliest": (
        {"F": [("order", datetime(1948, 5, 1, tzinfo=UTC)), "pay"]},
        "order (orders F:1) at 1948-05-01 00:00 UTC",
    ),
    "end_not_before_start": (
        {"F": ["order", ("pay", START + timedelta(hours=5), START + timedelta(hours=6))]},
        "pay (orders F:2) ends 2025-01-01 13:00 UTC, before its start 2025-01-01 14:00 UTC",
    ),
}


@pytest.mark.parametrize("check", QUARANTINING)
def test_case_with_impossible_times_is_quarantined_with_its_reason(settings, check):
    bad, reason = QUARANTINING[check]
    outcomes = gate(settings, {**CLEAN, **bad})
    assert not outcomes[check].is_success and reason in outcomes[check].message
    assert rows(settings, f"select case_id, reason from candidate.demo__quarantined where check_name = '{check}'") == [
        ("F", reason)
    ]
    assert {case for case, _ in quarantined(settings)} == {"F"}


def test_start_in_the_future_and_case_that_ends_before_it_starts_are_quarantined(settings):
    gate(settings, {**CLEAN, "F": [("pay", START, AS_OF + timedelta(days=3))]})
    assert ("F", "not_in_future") in quarantined(settings)
    gate(
        settings,
        change="update candidate.demo__cases set ended_at = started_at - interval '1 second' where case_id = 'A'",
    )
    assert quarantined(settings) == [("A", "duration_not_negative")]


def test_event_at_the_edge_of_the_horizon_is_let_through(settings):
    gate(settings, {"A": [("order", datetime(1970, 1, 1, 0, 1, tzinfo=UTC)), ("pay", AS_OF + timedelta(days=1))]})
    assert quarantined(settings) == []


def test_horizon_is_that_of_the_build_which_never_goes_back(settings):
    ctx = run(1, as_of=AS_OF - timedelta(days=30))
    Candidate({"A": [("order", AS_OF)]}).write(settings.warehouse_url, run(1))
    with psycopg.connect(settings.warehouse_url) as db:
        assert read_build(db, "demo").as_of == AS_OF
    gate_candidate(settings, process(), ctx)
    assert quarantined(settings) == []


def test_declared_pairs_of_attributes_must_not_be_reversed(settings):
    declared = process(checks={"ends_after": [["ordered_at", "received_at"]]})
    columns = (
        "alter table candidate.demo__attributes add column ordered_at timestamptz default '2025-01-02', "
        "add column received_at timestamptz default '2025-01-03'; "
        "update candidate.demo__attributes set received_at = '2025-01-01' where case_id = 'B'"
    )
    outcomes = gate(settings, declared=declared, change=columns)
    assert "received_at 2025-01-01" in outcomes["end_not_before_start"].message
    assert quarantined(settings) == [("B", "end_not_before_start")]
    with pytest.raises(BadInput, match="has no column 'ordered_at'"):
        gate(settings, declared=declared)


def test_case_id_of_two_documents_is_ambiguous(settings):
    two = (
        "insert into candidate.demo__case_rows "
        "values ('invoices', '1', 'A'), ('invoices', '2', 'A'), ('invoices', '3', 'B')"
    )
    gate(settings, change=two, declared=process(checks={"case_document": "invoices"}))
    assert quarantined(settings) == [("A", "case_id_unambiguous")]
    gate(
        settings,
        change="alter table candidate.demo__attributes add column is_case_ambiguous boolean; "
        "update candidate.demo__attributes set is_case_ambiguous = case_id = 'B'",
    )
    assert quarantined(settings) == [("B", "case_id_unambiguous")]


def test_undeclared_activity_warns_or_quarantines_as_declared(settings):
    with psycopg.connect(settings.warehouse_url) as db:
        db.execute("create table intermediate.demo__declared_activities (activity text)")
        db.execute("insert into intermediate.demo__declared_activities values ('order'), ('pay')")
    declared = process(activities="demo__declared_activities")
    assert not gate(settings, declared=declared)["activity_declared"].is_success
    assert quarantined(settings) == []
    gate(
        settings,
        declared=process(
            activities="demo__declared_activities", checks={"severity": {"activity_declared": "quarantine"}}
        ),
    )
    assert quarantined(settings) == [("A", "activity_declared")]


@pytest.mark.parametrize("severity", ["warn", "block", False])
def test_severity_is_the_process_s_to_declare(settings, severity):
    bad = {**CLEAN, "F": [("order", AS_OF + timedelta(days=9))]}
    declared = process(checks={"severity": {"not_in_future": severity}})
    if severity == "block":
        with pytest.raises(Blocked, match="not_in_future"):
            gate(settings, bad, declared=declared)
    else:
        assert ("not_in_future" in gate(settings, bad, declared=declared)) == (severity == "warn")
        assert quarantined(settings) == []


@pytest.mark.parametrize(
    "checks, told",
    [
        ({"severity": {"no_such": "warn"}}, "there is no check 'no_such'"),
        ({"severity": {"volume": "shout"}}, "found 'shout'"),
        ({"severity": {"volume": "quarantine"}}, "does not name cases"),
        ({"earliest": "soon"}, "expected a date"),
        ({"ends_after": ["a", "b"]}, "pairs of attribute columns"),
        ({"max_quarantined_share": "many"}, "expected a number"),
        ({"nonsense": 1}, "unknown key 'nonsense'"),
    ],
)
def test_declaration_that_cannot_be_used_is_refused_with_its_place(settings, checks, told):
    with pytest.raises(BadInput, match=told) as refused:
        gate(settings, declared=process(checks=checks))
    assert "checks of process demo" in str(refused.value)


def test_too_many_quarantined_cases_block(settings):
    cases = {f"C{number:03}": ["order"] for number in range(100)}
    bad = {f"F{number:03}": [("order", AS_OF + timedelta(days=9))] for number in range(26)}
    with pytest.raises(Blocked, match="26 of 126 cases"):
        gate(settings, cases | bad)
    gate(settings, cases | dict(list(bad.items())[:25]))  # 20 %
    few = dict(list(bad.items())[:20])
    assert gate(settings, few)["quarantined_share"].is_success, "20 cases never block, whatever their share"
    relaxed = process(checks={"max_quarantined_share": 0.5})
    assert gate(settings, cases | bad, declared=relaxed)["quarantined_share"].is_success


def test_a_quiet_night_is_not_blocked_by_those_that_have_long_been_in_quarantine(settings):
    """They are looked at every night: what counts is their share of the log, not of the night's cases."""
    with psycopg.connect(settings.warehouse_url) as db:
        db.execute("create table event_log.cases__demo partition of event_log.cases for values in ('demo')")
        db.execute(
            """insert into event_log.cases (process, case_id, case_key, started_at, ended_at, event_count, variant_id, is_open)
               select 'demo', 'P' || n, n, now(), now(), 1, 'v', true from generate_series(1, 200) as n"""
        )
    bad = {f"F{number:03}": [("order", AS_OF + timedelta(days=9))] for number in range(40)}
    quiet = {"C": ["order"]}
    assert gate(settings, bad | quiet)["quarantined_share"].is_success, "40 of 241"
    with pytest.raises(Blocked, match="40 of 141 cases"):
        gate(settings, bad | quiet, touched={f"P{number}" for number in range(1, 101)})


def test_an_event_without_a_time_quarantines_its_case(settings):
    untimed = "create table candidate.demo__untimed (case_id text, activity text, source_table text, source_key text)"
    only_untimed = "insert into candidate.demo__attributes (case_id, case_key) values ('N', 7)"
    found = gate(
        settings,
        {"A": ["order", "pay"], "B": ["order"]},
        touched={"N"},
        change=f"{untimed}; insert into candidate.demo__untimed values ('B', 'pay', 'bills', '7'), "
        f"('N', 'order', 'orders', '8'); {only_untimed}",
    )
    assert found["attributes_match_cases"].is_success, "a case may have attributes and no event that has a time"
    assert "B: pay (bills 7) has no time" in found["event_has_time"].message
    assert rows(settings, "select case_id, check_name from candidate.demo__quarantined order by 1") == [
        ("B", "event_has_time"),
        ("N", "event_has_time"),
    ]


def test_imported_log_warns_of_times_but_is_held_to_the_structure(settings):
    imported = process(kind="imported")
    outcomes = gate(
        settings,
        {"F": [("order", datetime(1948, 1, 1, tzinfo=UTC)), ("pay", AS_OF + timedelta(days=9))]},
        declared=imported,
    )
    assert not outcomes["not_before_earliest"].is_success and not outcomes["not_in_future"].is_success
    assert quarantined(settings) == []
    with pytest.raises(Blocked, match="required_columns"):
        gate(settings, change=BLOCKING["required_columns"], declared=imported)


def test_unusual_volume_warns_after_four_nights_and_never_blocks(settings):
    usual = {f"C{number}": ["order"] for number in range(120)}
    for number in range(1, 5):
        assert gate(settings, usual, number=number)["volume"].is_success
    assert not gate(settings, {"A": ["order"]}, number=5)["volume"].is_success
    assert "volume" not in gate(settings, {"A": ["order"]}, number=6, is_full_rebuild=True)


def test_message_names_three_cases_and_counts_the_rest(settings):
    bad = {
        f"F{number}": [("order", AS_OF + timedelta(days=9)), ("pay", AS_OF + timedelta(days=9))] for number in range(5)
    }
    message = gate(settings, bad)["not_in_future"].message
    assert "10 bad rows in 5 cases (F0: order" in message and "F2: " in message and "F3" not in message
    assert message.endswith("repair the time in the source; the cases come back by themselves")


def test_gating_again_replaces_results_and_quarantine(settings):
    gate(settings, {"F": [("order", AS_OF + timedelta(days=9))]})
    gate(settings, {"F": ["order"]})
    assert quarantined(settings) == []
    assert rows(settings, "select count(*) from quality.check_results where not is_success") == [(0,)]


def test_odd_content_in_names_and_activities_does_no_harm(settings):
    odd = {"O'Brien :x {y} % \\ \"": ["it's {batch} :now 100% \\", "Ünïcode →"], "": ["x"]}
    outcomes = gate(settings, {**odd, "F:{z}'%s": [("it's {batch} :now", AS_OF + timedelta(days=9))]})
    assert quarantined(settings) == [("F:{z}'%s", "not_in_future")]
    assert "it's {batch} :now" in outcomes["not_in_future"].message


def test_blocked_run_leaves_what_was_published_and_the_repaired_one_goes_through(settings):
    url = settings.warehouse_url

    def night(number, cases, change=None):
        ctx = run(number)
        gate(settings, cases, number=number, change=change)
        with psycopg.connect(url) as db:
            db.execute(
                "insert into quality.check_results select %s, 'demo', 'mining', 'all', 'block', true, 0, 0, '', now() ",
                (ctx.run_id,),
            )
        mine(url, ctx)
        publish(settings, process(), ctx)

    night(1, {"A": ["order"], "B": ["order"]})
    good = published(url)
    with pytest.raises(Blocked):
        night(2, {"A": ["order", "pay"]}, change="update candidate.demo__events set source_key = null")
    assert published(url) == good
    night(3, {"A": ["order", "pay"], "B": ["order", ("pay", AS_OF + timedelta(days=9))]})
    assert rows(settings, "select case_id, event_count from event_log.cases") == [("A", 2)], "B is taken out"
    night(4, {"B": ["order", "pay"]})
    assert rows(settings, "select case_id, event_count from event_log.cases order by 1") == [("A", 2), ("B", 2)]
    assert rows(settings, "select count(*) from quality.quarantined_cases") == [(0,)]


def test_declared_earliest_date_counts(settings):
    gate(settings, declared=process(checks={"earliest": date(2025, 1, 1)}))
    assert quarantined(settings) == []
    gate(settings, declared=process(checks={"earliest": date(2025, 1, 2)}))
    assert {case for case, _ in quarantined(settings)} == {"A", "B"}
