"""Break the source on purpose: the run says in one line what is wrong, readers keep the last good state, and after the
repair the next night is green and the same as if nothing had ever been broken."""

import gzip
import subprocess
from dataclasses import replace
from datetime import date

import psycopg
import pytest

from sluice import demo
from sluice.psql import connection_environment
from sluice.warehouse import embedded, migrate

PROCESSES = ("purchase_to_pay",)
_FIRST_NIGHT = "first_night_template"


@pytest.fixture(scope="module")
def company(server, make_database, tmp_path_factory):
    """A small clean demo company in a database of its own."""
    folder = tmp_path_factory.mktemp("company")
    name = "breakable_template"
    url = make_database(name)
    state = demo.ensure(server, url=url, cases=40, seed=7, folder=folder / "demo", plant={"bad_rows": False})
    return name, state


@pytest.fixture
def settings(settings, server):
    """dbt's parsed project is the same for all tests: one home for them."""
    return replace(settings, home=server.home / "integration")


@pytest.fixture
def source(server, company):
    """A fresh copy of the company's database, always of one name: where rows were read from counts."""
    template, state = company
    with psycopg.connect(embedded.url(server, "postgres"), autocommit=True) as db:
        db.execute("drop database if exists breakable with (force)")
        db.execute(f"create database breakable template {template}")
    yield embedded.url(server, "breakable"), state
    with psycopg.connect(embedded.url(server, "postgres"), autocommit=True) as db:
        db.execute("drop database if exists breakable with (force)")


@pytest.fixture
def after_a_night(server, make_database, readable_template, settings, source, night):
    """Settings of a warehouse that the company's first night was published in: a copy of the one where it was."""
    url, state = source
    with psycopg.connect(embedded.url(server, "postgres")) as db:
        is_made = db.execute("select 1 from pg_database where datname = %s", (_FIRST_NIGHT,)).fetchone()
    if not is_made:
        first = make_database(_FIRST_NIGHT, readable_template)
        first = replace(settings, warehouse_url=first, source_urls={"odoo": url})
        assert not night(first, state.day, processes=PROCESSES).errors
        with psycopg.connect(embedded.url(server, "postgres")) as db:  # a task's sessions end with its process
            db.execute(
                "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = %s", (_FIRST_NIGHT,)
            )
    return replace(settings, warehouse_url=make_database(template=_FIRST_NIGHT), source_urls={"odoo": url})


def execute(url, *statements):
    with psycopg.connect(url) as db:
        for statement in statements:
            db.execute(statement)


def bi_state(url):
    """What a reader sees of the process."""
    with psycopg.connect(url) as db:
        return {
            view: sorted(str(row) for row in db.execute(f"select * from bi.{view} where process = 'purchase_to_pay'"))
            for view in ("cases", "events", "dfg", "variants")
        }


SOURCE_BREAKAGES = {
    "a dropped table": (["drop table account_payment cascade"], ["account_payment"]),
    "a renamed column": (
        ["alter table purchase_order rename column state to status"],
        ["purchase_order", "state", "status"],
    ),
    "a missing key": (
        [
            "alter table purchase_order_line drop constraint if exists purchase_order_line_pkey",
            "alter table purchase_order_line alter column id drop not null",
            "update purchase_order_line set id = null where id = (select min(id) from purchase_order_line)",
        ],
        ["purchase_order_line", "id"],
    ),
    "a key that is there twice": (
        [
            "alter table purchase_order_line drop constraint if exists purchase_order_line_pkey",
            "insert into purchase_order_line select * from purchase_order_line where id = "
            "(select min(id) from purchase_order_line)",
        ],
        ["purchase_order_line", "id"],
    ),
    "a retyped column": (
        ["alter table purchase_order alter column amount_total type text"],
        ["purchase_order", "amount_total"],
    ),
}


@pytest.mark.parametrize("breakage", SOURCE_BREAKAGES)
def test_a_broken_source_blocks_says_so_and_recovers(after_a_night, source, night, published, breakage):
    url, state = source
    settings = after_a_night
    good, good_bi = published(settings.warehouse_url), bi_state(settings.warehouse_url)
    assert good_bi["cases"] and good_bi["dfg"]

    dump = subprocess.run(
        [embedded.binary("pg_dump"), "--clean", "--if-exists"],
        env=connection_environment(url),
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    statements, names = SOURCE_BREAKAGES[breakage]
    execute(url, *statements)
    broken = night(settings, state.day, processes=PROCESSES)
    line = broken.errors["odoo"]
    assert "\n" not in line and "Traceback" not in line
    assert all(name in line for name in names), line
    assert published(settings.warehouse_url) == good
    assert bi_state(settings.warehouse_url) == good_bi
    with psycopg.connect(settings.warehouse_url) as db:
        assert db.execute(
            "select state from ops.runs where subject = 'odoo' order by started_at desc limit 1"
        ).fetchone() == ("blocked",)

    subprocess.run(
        [embedded.binary("psql"), "-q", "-v", "ON_ERROR_STOP=1"],
        env=connection_environment(url),
        check=True,
        input=dump,
        text=True,
        stdout=subprocess.DEVNULL,
    )
    assert not night(settings, state.day, processes=PROCESSES).errors
    assert published(settings.warehouse_url) == good


def test_a_source_that_cannot_be_reached(after_a_night, source, night, published):
    _, state = source
    settings = after_a_night
    good = published(settings.warehouse_url)
    away = replace(settings, source_urls={"odoo": "postgresql://reader:hidden@127.0.0.1:1/odoo"})
    line = night(away, state.day, processes=PROCESSES).errors["odoo"]
    assert "cannot be reached" in line and "hidden" not in line and "\n" not in line
    assert published(settings.warehouse_url) == good
    assert not night(settings, state.day, processes=PROCESSES).errors


def test_a_future_time_quarantines_its_case_and_the_repair_releases_it(after_a_night, source, night, published):
    url, state = source
    settings = after_a_night
    good = published(settings.warehouse_url)
    assert good["quality.quarantined_cases"] == []
    with psycopg.connect(url) as db:
        message, order, before = db.execute(
            """select m.id, o.name, m.date from mail_message m
               join mail_tracking_value t on t.mail_message_id = m.id join purchase_order o on o.id = m.res_id
               where m.model = 'purchase.order' and o.state = 'purchase' order by m.id limit 1"""
        ).fetchone()
    execute(
        url,
        f"update mail_message set date = '2099-01-01', create_date = '2099-01-01', "
        f"write_date = (select max(write_date) from mail_message) where id = {message}",
        f"update mail_tracking_value set create_date = '2099-01-01' where mail_message_id = {message}",
    )
    doubtful = night(settings, state.day, processes=PROCESSES)
    assert not doubtful.errors, "one doubtful case does not stop the night"
    with psycopg.connect(settings.warehouse_url) as db:
        assert db.execute("select case_id, check_name from quality.quarantined_cases").fetchall() == [
            (order, "not_in_future")
        ]
        assert db.execute("select count(*) from event_log.events where case_id = %s", (order,)).fetchone() == (0,)
        assert db.execute("select count(*) from bi.cases where case_id = %s", (order,)).fetchone() == (0,)
        assert db.execute("select count(*) from mining.case_kpis where case_id = %s", (order,)).fetchone() == (0,)
    execute(
        url,
        f"update mail_message set date = '{before}', create_date = '{before}', "
        f"write_date = (select max(write_date) from mail_message) where id = {message}",
        f"update mail_tracking_value set create_date = '{before}' where mail_message_id = {message}",
    )
    assert not night(settings, state.day, processes=PROCESSES).errors
    assert published(settings.warehouse_url) == good, "released by itself, as if nothing had been"


@pytest.mark.slow
def test_the_real_odoo_is_read_whole_and_agrees_with_its_truth(settings, make_database, real_data, night):
    """All 4,543 recorded actions, Odoo's own 283 vendor acknowledgements, and nothing else (purchase to pay)."""
    import csv

    url = make_database("real_odoo")
    with gzip.open(real_data("odoo/odoo.sql.gz")) as dump:
        subprocess.run(
            [embedded.binary("psql"), "-q"],
            env=connection_environment(url),
            input=dump.read(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )
    settings = replace(settings, source_urls={"odoo": url})
    migrate(settings.warehouse_url)
    processes = ("purchase_to_pay", "order_to_cash", "lead_to_order")
    assert not night(settings, date(2026, 11, 22), processes=processes).errors
    with gzip.open(real_data("odoo/truth_purchase_to_pay.csv.gz"), "rt", newline="") as file:
        truth = [(row["case_id"], row["activity"], row["timestamp_utc"]) for row in csv.DictReader(file)]
    assert len(truth) == 4543
    with psycopg.connect(settings.warehouse_url) as db:
        ours = db.execute(
            """select case_id, activity, to_char(occurred_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS')
               from event_log.events where process = 'purchase_to_pay' and case_id = any (%s)""",
            (sorted({case for case, _, _ in truth}),),
        ).fetchall()
        surplus = list(ours)
        for action in truth:
            assert action in surplus, f"missing: {action}"
            surplus.remove(action)
        assert {activity for _, activity, _ in surplus} == {"Vendor Acknowledges"} and len(surplus) == 283
        variants, mean, median = db.execute(
            """select count(distinct variant_id),
                      round(avg(extract(epoch from ended_at - started_at)) / 86400, 3)::float,
                      round((percentile_cont(.5) within group (order by extract(epoch from ended_at - started_at)) / 86400)
                            ::numeric, 3)::float
               from event_log.cases where process = 'purchase_to_pay' and case_id = any (%s)""",
            (sorted({case for case, _, _ in truth}),),
        ).fetchone()
        assert (variants, mean, median) == (88, 20.014, 19.026)
        assert db.execute(
            "select count(*) from quality.check_results where severity = 'block' and not is_success"
        ).fetchone() == (0,)
