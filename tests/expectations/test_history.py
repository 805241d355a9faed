"""The checks of the log as a whole: gaps, stray dates, round times, volume, drift, missing rows; silent on clean logs."""

import dataclasses
import random
import re
from datetime import date, datetime, timedelta

import psycopg
import pytest

from expectations.build import read_build
from expectations.completeness import open_too_long
from expectations.counts import count_days
from expectations.declaration import declaration_of
from expectations.history import history_checks
from expectations.references import row_checks
from sluice.warehouse import connect
from tests.expectations.candidates import AS_OF, Candidate, process, run
from tests.expectations.planting import clean_log
from tests.expectations.planting.log import Log, write

DAY = timedelta(days=1)


def look(url, log: Log, as_of: datetime | None = None, change: str = "", **checks) -> dict[str, list[tuple]]:
    """Every check of the log as a whole that found something: its rows."""
    as_of = as_of or log.as_of
    write(log, url, run(as_of=as_of))
    return look_again(url, as_of, change, **checks)


def look_again(url, as_of, change="", **checks):
    declared = declaration_of(process(checks=checks, sources=("odoo",)))
    with connect(url) as db:
        if change:
            db.execute(change)
        db.execute("create table if not exists candidate.demo__quarantined (case_id text, check_name text)")
        build = read_build(db, "demo")
        count_days(db, declared, build)
        made = [
            open_too_long(declared, as_of),
            *history_checks(declared, as_of, build, "r"),
            *row_checks(db, declared, build),
        ]
        found = {check.name: db.execute(check.query).fetchall() for check in made}
    return {name: rows for name, rows in found.items() if rows}


@pytest.fixture(scope="module")
def log() -> Log:
    """A year of some 30 events a working day."""
    return clean_log("purchasing", cases=1300, seed=4)


def middle(log: Log) -> datetime:
    """A horizon while cases still begin as usual."""
    return datetime(2024, 12, 4, tzinfo=log.as_of.tzinfo)


def until(log: Log, end: datetime) -> Log:
    return dataclasses.replace(log, events=[event for event in log.events if event.occurred_at < end])


def test_clean_log_is_silent(warehouse_url, log):
    end = middle(log)
    assert look(warehouse_url, until(log, end), end, max_age="1 week") == {}


@pytest.mark.parametrize("share", [0.01, 0.1])
def test_days_that_were_lost_are_found(warehouse_url, log, share):
    """Found and lost days: precision and recall."""
    log = until(log, middle(log))
    days = sorted({event.occurred_at.date() for event in log.events})[20:-20]
    days = [day for day in days if day.weekday() < 5]
    lost = set(random.Random(7).sample(days, round(share * len(days))))
    cut = dataclasses.replace(log, events=[event for event in log.events if event.occurred_at.date() not in lost])
    found = set()
    for (reason,) in look(warehouse_url, cut, middle(log))["no_gap"]:
        first, *last = (date.fromisoformat(text) for text in re.findall(r"\d{4}-\d\d-\d\d", reason))
        found |= {first + n * DAY for n in range(((last or [first])[0] - first).days + 1)}
    assert len(found & lost) >= 0.95 * len(lost) and len(found & lost) >= 0.95 * len(found), (lost, found)


@pytest.mark.parametrize("share", [0.01, 0.1])
def test_dates_far_from_all_others_are_found(warehouse_url, log, share):
    cases = random.Random(3).sample(sorted(log.attributes), round(share * len(log.attributes)))
    changed = log.copy()
    first = {events[0].source_key for case, events in log.cases().items() if case in cases}
    changed.change(
        lambda event: event.source_key in first, occurred_at=lambda event: event.occurred_at.replace(year=1988, day=1)
    )
    rows = look(warehouse_url, changed)["no_stray_date"]
    assert sum(int(reason.split()[0]) for (reason,) in rows) == len(cases)


@pytest.mark.parametrize(
    "change, told",
    [
        ({"hour": 0, "minute": 0, "second": 0}, "100 % of the times of Send Order are midnight"),
        ({"minute": 0, "second": 0}, "100 % of the times of Send Order are whole hours"),
        ({"second": 0}, "100 % of the times of Send Order are whole minutes"),
    ],
)
def test_activity_whose_times_are_imprecise_is_named_unless_it_is_declared(warehouse_url, log, change, told):
    rounded = log.copy()
    rounded.change(
        lambda event: event.activity == "Send Order", occurred_at=lambda event: event.occurred_at.replace(**change)
    )
    assert look(warehouse_url, rounded)["times_precise"] == [(told,)]
    assert "times_precise" not in look_again(warehouse_url, log.as_of, date_only=["Send Order"])


def test_old_newest_event_and_thin_last_day_are_told(warehouse_url, log):
    end = middle(log)
    last = [event for event in log.events if event.occurred_at.date() == (end - DAY).date()]
    many = dataclasses.replace(
        until(log, end),
        events=[
            *until(log, end).events,
            *(
                dataclasses.replace(
                    event, source_key=f"{event.source_key}/{n}", occurred_at=event.occurred_at + n * DAY / 86400
                )
                for event in last
                for n in range(1, 7)
            ),
        ],
    )
    (volume,) = look(warehouse_url, many, end)["weekday_volume"]
    assert re.fullmatch(r"\d+ events on 2024-12-03, usually \d+", volume[0])
    late = look(warehouse_url, until(log, end - 10 * DAY), end, max_age="1 week")
    assert late["freshness"] == [("the newest is of 2024-11-22",)]


def test_new_activity_and_another_mix_are_told(warehouse_url, log):
    end = middle(log)
    changed = until(log, end).copy()
    changed.change(
        lambda event: event.activity in ("Check Budget", "Approve Order") and event.occurred_at >= end - 28 * DAY,
        activity="Approve Automatically",
    )
    reasons = " | ".join(reason for (reason,) in look(warehouse_url, changed, end)["activity_drift"])
    assert "new activity Approve Automatically in" in reasons and "activities: PSI" in reasons


def test_values_of_declared_attributes_that_drift_or_are_new_are_told(warehouse_url):
    url = warehouse_url
    with psycopg.connect(url) as db:
        db.execute("""create table event_log.demo_attributes as select n::text as case_id, case when n % 3 = 0 then 'EUR'
            else 'USD' end as currency from generate_series(1, 600) as n""")
    cases = {f"C{n}": ["order"] for n in range(300)}
    mix = "update candidate.demo__attributes set currency = case when case_key % 3 = 0 then 'EUR' else '{}' end"
    for other, told in (("USD", []), ("XAU", ["currency has the new value XAU in", "currency: PSI"])):
        Candidate(cases).write(url, run())
        rows = look_again(url, AS_OF, mix.format(other), categories=["currency"]).get("category_drift", [])
        assert len(rows) == len(told) and all(any(text in reason for (reason,) in rows) for text in told), rows


@pytest.mark.parametrize("limits", [{"max_open_days": 120}, {}])
@pytest.mark.parametrize("share", [0.01, 0.1])
def test_cases_that_were_never_finished_are_found(warehouse_url, log, share, limits):
    """Half of the open ones are young: they may yet be finished."""
    ages = {case: log.as_of - events[0].occurred_at for case, events in log.cases().items()}
    old = [case for case, age in sorted(ages.items()) if age > 200 * DAY]
    young = [case for case, age in sorted(ages.items()) if age < 60 * DAY]
    never = random.Random(5).sample(old, round(share * len(ages)))
    still = random.Random(6).sample(young, min(len(young), len(never)))
    is_open = "update candidate.demo__cases set is_open = true where case_id = any (array[{}])".format(
        ", ".join(f"'{case}'" for case in (*never, *still))
    )
    rows = look(warehouse_url, log, change=is_open, **limits).get("not_open_too_long", [])
    assert {case for case, _ in rows} == set(never)


def test_rows_that_point_to_no_row_are_found_and_let_go_when_it_is_there(warehouse_url):
    url = warehouse_url
    declared = {"references": [{"table": "orders", "column": "vendor_id", "to": "vendors"}]}
    tables = """create schema raw_odoo;
        create table raw_odoo.orders (id bigint, vendor_id bigint, _version bigint default 1, _is_deleted boolean default false);
        create table raw_odoo.vendors (id bigint, _version bigint default 1, _is_deleted boolean default false);
        insert into raw_odoo.orders select n, n % 50 from generate_series(1, 1000) as n;
        insert into raw_odoo.vendors select n from generate_series(0, 49) as n where n not in (7, 8);
        insert into raw_odoo.orders values (1001, null)"""
    Candidate({f"C{n}": ["order"] for n in range(1, 1002)}).write(url, run())
    case_rows = "; update candidate.demo__case_rows set source_key = substr(case_id, 2)"
    rows = look_again(url, AS_OF, tables + case_rows, **declared)["references_found"]
    assert {case for case, _ in rows} == {f"C{n}" for n in range(1, 1001) if n % 50 in (7, 8)}
    assert ("C7", "orders 7: vendor_id 7 is no row of vendors") in rows
    # published; later nights touch none of these cases
    with psycopg.connect(url) as db:
        db.execute(
            "insert into ops.case_rows select 'demo', source_table, source_key, case_id from candidate.demo__case_rows"
        )
        db.execute(
            "insert into quality.findings select 'demo', 'references_found', c, c, r, 'warn', 1, now(), 'r' "
            "from unnest(%s::text[], %s::text[]) as t (c, r)",
            ([case for case, _ in rows], [reason for _, reason in rows]),
        )
    Candidate({}).write(url, run(2))
    repaired = look_again(url, AS_OF, "insert into raw_odoo.vendors values (7)", **declared)["references_found"]
    assert {case for case, _ in repaired} == {f"C{n}" for n in range(1, 1001) if n % 50 == 8}
    gone = "update raw_odoo.vendors set _is_deleted = true, _version = 2 where id = 9"
    lost = look_again(url, AS_OF, gone, **declared)["references_found"]
    assert {case for case, _ in lost} == {f"C{n}" for n in range(1, 1001) if n % 50 in (8, 9)}
