"""The reader's role reads every view of bi and nothing else; what may not be shown one by one is not, by no trick."""

from datetime import timedelta
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import yaml
from psycopg import sql

from mining_tasks.runner import mine
from sluice.publish import publish
from sluice.readers import AUDITOR, READER, grant_readers
from sluice.settings import PROJECT, Settings
from sluice.transform import build_bi
from tests.expectations.candidates import START, Candidate, let_through, process, run

MODELS = PROJECT / "dbt_project" / "models" / "bi"
VIEWS = sorted(path.stem for path in MODELS.glob("*.sql"))
PRIVATE = "secret-session"


def as_login(url: str, login: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{login}:pass-{login}@{parts.netloc.rsplit('@', 1)[1]}"))


@pytest.fixture(scope="module")
def warehouse(module_warehouse_url, tmp_path_factory):
    """Views as set-up leaves them, one login in each role, one public and one private process published."""
    settings = Settings(home=tmp_path_factory.mktemp("home"), warehouse_url=module_warehouse_url)
    assert build_bi(settings)
    with psycopg.connect(module_warehouse_url, autocommit=True) as db:
        assert [db.execute(f"select count(*) from bi.{view}").fetchone() for view in VIEWS] == [(0,)] * len(VIEWS)
        for login, role in (("reading", READER), ("auditing", AUDITOR)):
            db.execute(sql.SQL("create role {} login password {}").format(sql.Identifier(login), f"pass-{login}"))
            db.execute(sql.SQL("grant {} to {}").format(sql.Identifier(role), sql.Identifier(login)))
        db.execute("create table public.other (secret text)")
        db.execute("create table raw_odoo_probe (secret text)")
        db.execute("create function ops.probe() returns text language sql as $$ select 'secret' $$")
    for name, is_public, cases in (
        ("demo", True, {"A": ["order", "pay"], "B": ["order", "order"], "bad": ["pay"]}),
        ("desk", False, {PRIVATE: ["Excel: copy", "Chrome: paste"], "bad-session": ["x"]}),
    ):
        ctx = run(1, name)
        candidate = Candidate(cases, name=name)
        candidate.write(module_warehouse_url, ctx)
        bad = "bad" if is_public else "bad-session"
        let_through(module_warehouse_url, ctx, {bad: f"{bad} is odd"}, name)
        with psycopg.connect(module_warehouse_url) as db:
            db.execute(
                """insert into event_log.processes values (%s, 't', 'declared', 'o', %s, 5, now(), 'r', now())""",
                (name, is_public),
            )
        mine(settings, name, ctx)
        publish(settings, process(name, case_level_public=is_public), ctx)
        with psycopg.connect(module_warehouse_url) as db:
            db.execute("update quality.check_results set message = %s where subject = %s", (f"{bad} is odd", name))
            db.execute(
                """insert into quality.findings select %s::text, 'planted', case_id, case_id, case_id || ' is odd', 'warn', 2,
                   now(), 'r' from unnest(%s::text[]) as case_id""",
                (name, list(cases)),
            )
            db.execute("delete from quality.label_suggestions where process = %s", (name,))
            db.execute(
                "insert into quality.label_suggestions values (%s, 'elusive case', 1, %s, null, 0.5, 'long')",
                (name, bad),
            )
            db.execute(
                "insert into ops.runs (run_id, kind, subject, state, message) values (%s, 'mine', %s, 'blocked', %s)",
                (ctx.run_id, name, f"{bad} is odd"),
            )
    yield module_warehouse_url
    with psycopg.connect(module_warehouse_url, autocommit=True) as db:
        for login in ("reading", "auditing"):
            db.execute(sql.SQL("drop role {}").format(sql.Identifier(login)))


@pytest.fixture
def reading(warehouse):
    with psycopg.connect(as_login(warehouse, "reading"), autocommit=True) as db:
        yield db


@pytest.fixture
def auditing(warehouse):
    with psycopg.connect(as_login(warehouse, "auditing"), autocommit=True) as db:
        yield db


def test_reader_reads_every_view(reading):
    found = {view: reading.execute(f"select count(*) from bi.{view}").fetchone()[0] for view in VIEWS}
    assert found["events"] == 4 and found["cases"] == found["case_kpis"] == 2 and found["dfg"] == 2


def relations(db):
    return db.execute("""
        select nspname, relname from pg_class inner join pg_namespace on pg_namespace.oid = relnamespace
        where relkind in ('r', 'v', 'm', 'p', 'f', 'S') and nspname not in ('pg_catalog', 'information_schema',
        'pg_toast')
        order by 1, 2""").fetchall()


def test_reader_reads_nothing_else(reading):
    listed = [(schema, name) for schema, name in relations(reading) if schema != "bi"]
    assert {"event_log", "mining", "ops", "quality", "bi_audit", "candidate", "public"} <= {
        schema for schema, _ in listed
    }
    for schema, name in listed:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reading.execute(sql.SQL("select * from {}").format(sql.Identifier(schema, name)))


@pytest.mark.parametrize(
    "statement",
    [
        "select ops.probe()",
        "create table bi.mine (x int)",
        "create view public.mine as select 1",
        "create schema mine",
        "delete from bi.events",
        "update bi.cases set case_id = ''",
        "insert into bi.activities values ('x', 1, 'x', 1, 'x', true)",
        "drop view bi.events",
        "alter view bi.events set (security_barrier = false)",
        "set role sluice",
        "create role other",
        "select pg_read_file('/etc/passwd')",
        "copy bi.events to program 'cat'",
        "select * from pg_authid",
        "select lo_import('/etc/passwd')",
        "create function bi.f() returns int language sql as 'select 1'",
        "begin; lock table bi.events in exclusive mode",
    ],
)
def test_reader_does_nothing_else(reading, statement):
    with pytest.raises(
        (
            psycopg.errors.InsufficientPrivilege,
            psycopg.errors.ObjectNotInPrerequisiteState,
            psycopg.errors.WrongObjectType,
        )
    ) as error:
        reading.execute(statement)
    assert isinstance(error.value, psycopg.errors.InsufficientPrivilege), error.value


def test_statistics_show_no_value(reading, warehouse):
    with psycopg.connect(warehouse, autocommit=True) as db:
        db.execute("analyze event_log.events")
    assert reading.execute(
        "select count(*) from pg_stats where schemaname not in ('pg_catalog', 'information_schema')"
    ).fetchone() == (0,)


def test_private_sessions_appear_nowhere(reading):
    for view in VIEWS:
        text = str(reading.execute(f"select * from bi.{view}").fetchall())
        assert PRIVATE not in text and "bad-session" not in text, view
    assert reading.execute("select process, case_count from bi.quarantine_counts order by 1").fetchall() == [
        ("demo", 1),
        ("desk", 1),
    ]
    assert reading.execute("select case_id from bi.quarantined_cases").fetchall() == [("bad",)]
    assert ("bad is odd",) in reading.execute("select message from bi.runs").fetchall()
    assert reading.execute(
        "select process, case_id, reason, bad_row_count, case_count from bi.quality_findings order by 1, 2"
    ).fetchall() == [
        ("demo", "A", "A is odd", 2, 3),
        ("demo", "B", "B is odd", 2, 3),
        ("demo", "bad", "bad is odd", 2, 3),
        ("desk", None, None, 4, 2),
    ]
    assert reading.execute("select process, rank, label_a from bi.quality_label_suggestions").fetchall() == [
        ("demo", 1, "bad")
    ]
    assert set(reading.execute("select subject, message from bi.quality_check_results").fetchall()) == {
        ("demo", "bad is odd"),
        ("desk", None),
    }
    assert reading.execute(
        "select process, check_name, case_count from bi.quality_quarantine order by 1"
    ).fetchall() == [("demo", "planted", 1), ("desk", "planted", 1)]


@pytest.mark.parametrize(
    "view",
    [
        "events",
        "cases",
        "edge_occurrences",
        "case_kpis",
        "quarantined_cases",
        "quality_findings",
        "quality_label_suggestions as renamed (process, pattern, rank, case_id)",
    ],
)
@pytest.mark.parametrize(
    "attack",
    [
        "case_id::int > 0",
        "1 / (case when case_id like 'secret%%' then 0 else 1 end) > 0",
        "(case when process = 'desk' then case_id::int else 1 end) = 1",
    ],
)
def test_errors_leak_no_private_session(reading, view, attack):
    """Without a security barrier the condition would run on hidden rows, and its error would show them."""
    try:
        reading.execute(f"select count(*) from bi.{view} where {attack}".replace("%%", "%"))
    except psycopg.Error as error:
        assert PRIVATE not in str(error) and "bad-session" not in str(error) and "division" not in str(error)


def test_no_view_shows_a_person(reading):
    columns = reading.execute(
        "select table_name, column_name from information_schema.columns where table_schema = 'bi'"
    ).fetchall()
    assert len(columns) > 100
    assert [pair for pair in columns if pair[1] in ("resource", "person", "login", "user_id")] == []
    for view in VIEWS:
        assert "p_0123456789abcdef" not in str(reading.execute(f"select * from bi.{view}").fetchall()), view


def test_auditor_sees_who_did_what_and_no_more(auditing):
    assert auditing.execute(
        "select count(distinct process), count(*), count(resource) from bi_audit.event_resources"
    ).fetchone() == (2, 6, 6)
    assert auditing.execute("select count(*) from bi.cases").fetchone() == (2,)
    for schema, name in relations(auditing):
        if schema not in ("bi", "bi_audit"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                auditing.execute(sql.SQL("select * from {}").format(sql.Identifier(schema, name)))


def test_every_view_and_column_is_documented_in_the_database(warehouse):
    with psycopg.connect(warehouse) as db:
        missing = db.execute("""
            select relname, attname from pg_class inner join pg_attribute on attrelid = pg_class.oid and attnum > 0
            where relnamespace = 'bi'::regnamespace
              and (col_description(pg_class.oid, attnum) is null or obj_description(pg_class.oid) is
              null)""").fetchall()
        assert missing == []
        views = {name for (name,) in db.execute("select relname from pg_class where relnamespace = 'bi'::regnamespace")}
    assert views == set(VIEWS)


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_has_a_contract(view):
    (model,) = yaml.safe_load((MODELS / f"{view}.yml").read_text())["models"]
    assert model["name"] == view and model["config"]["contract"]["enforced"] is True
    assert all(column.get("data_type") and column.get("description") for column in model["columns"])


@pytest.mark.slow
def test_views_made_anew_keep_their_readers(warehouse, tmp_path, reading):
    with psycopg.connect(warehouse, autocommit=True) as db:
        db.execute("delete from ops.transform_state where subject = 'bi'")
    assert build_bi(Settings(home=tmp_path, warehouse_url=warehouse))
    for view in VIEWS:
        reading.execute(f"select count(*) from bi.{view}")
    test_private_sessions_appear_nowhere(reading)


def test_login_without_the_right_to_make_roles_is_told_so_once(make_database, server):
    url = make_database()
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("create role plain login password 'pass-plain'")
        db.execute("create schema bi authorization plain")
        db.execute("create schema bi_audit authorization plain")
    try:
        with psycopg.connect(as_login(url, "plain")) as db:
            assert grant_readers(db) == []  # the roles are there already: only grants are needed
        with psycopg.connect(as_login(url, "plain")) as db, pytest.MonkeyPatch.context() as patch:
            patch.setattr("sluice.readers.SCHEMAS", {"sluice_nobody": ("bi",)})
            (line,) = grant_readers(db)
            assert "sluice_nobody" in line and "create role sluice_nobody nologin" in line and "\n" not in line
            assert db.execute("select 1").fetchone() == (1,)  # the transaction goes on
    finally:
        with psycopg.connect(url, autocommit=True) as db:
            db.execute("drop owned by plain cascade")
            db.execute("drop role plain")


def test_example_times_are_as_published(reading):
    assert reading.execute("select started_at from bi.cases where case_id = 'A'").fetchone() == (
        START + timedelta(hours=1),
    )
