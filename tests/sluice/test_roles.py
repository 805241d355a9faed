"""What each login may not do, tried from the outside: over TCP, with the login's own password."""

import re
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from psycopg import errors, sql

from sluice.dependent_views import replace_table
from sluice.readers import AUDITOR, READER
from sluice.roles import LOADER, MINER, grant_raw, grant_workers, with_embedded_logins, worker_settings
from sluice.settings import PROJECT, Settings, load_settings
from sluice.vacuum import SHARED
from sluice.warehouse import migrate

DENIED = errors.InsufficientPrivilege
DASHBOARD = "a_dashboard"

# of the server and its files: for every login alike
_OF_THE_SERVER = (
    "copy (select 1) to program 'true'",
    "copy ops.runs from program 'true'",
    "copy (select 1) to '/tmp/sluice_reader_was_here'",
    "create temporary table if not exists t (x text); copy t from '/etc/hostname'",
    "select pg_read_file('/etc/hostname')",
    "select pg_read_file('postgresql.conf')",
    "select pg_read_binary_file('PG_VERSION')",
    "select pg_ls_dir('.')",
    "select pg_stat_file('PG_VERSION')",
    "select pg_ls_logdir()",
    "select pg_ls_waldir()",
    "select pg_ls_tmpdir()",
    "select pg_current_logfile()",
    "select pg_hba_file_rules()",
    "select pg_show_all_file_settings()",
    "select lo_import('/etc/hostname')",
    "select lo_export(1, '/tmp/sluice_was_here')",
    "select lo_from_bytea(0, 'x')",
    "select lo_create(0)",
    "select rolpassword from pg_authid",
    "select passwd from pg_shadow",
    "select stavalues1 from pg_statistic",
    "select * from pg_largeobject",
    "select * from pg_config",
    "alter system set log_statement = 'all'",
    "select pg_reload_conf()",
    "set log_statement = 'none'",
    "set session_preload_libraries = 'x'",
    "set log_min_duration_statement = 0",
    "set session_replication_role = replica",
    "set temp_file_limit = -1",
    "set session authorization sluice",
    "alter role current_user superuser",
    "alter role current_user createrole",
    "alter role current_user createdb",
    "alter role current_user bypassrls",
    "alter role current_user set session_preload_libraries = 'x'",
    "create role mine",
    "create database mine",
    "load 'auto_explain'",
    "create event trigger mine on ddl_command_end execute function pg_catalog.pg_notify()",
    "create foreign data wrapper mine",
    "create subscription mine connection 'dbname=sluice' publication mine",
    "create publication mine for all tables",
    "create tablespace mine location '/tmp'",
    "create access method mine type table handler heap_tableam_handler",
    "create cast (text as int) without function",
    "select pg_switch_wal()",
    "select pg_create_restore_point('mine')",
    "select pg_promote()",
    "select pg_rotate_logfile()",
    "select pg_stat_reset()",
    "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'sluice' and pid <> pg_backend_pid()",
    "select pg_cancel_backend(pid) from pg_stat_activity where usename = 'sluice' and pid <> pg_backend_pid()",
    "select pg_log_backend_memory_contexts(pid) from pg_stat_activity where usename = 'sluice'",
    "set role sluice",
    "grant sluice to current_user",
    "create function public.mine() returns int language sql as 'select 1'",
    "create table public.mine (x int)",
    "comment on database {database} is 'mine'",
    "alter database {database} set search_path = mine",
    "drop database {database}",
    "begin; lock table pg_catalog.pg_class in access exclusive mode",
    "delete from ops.migrations",
    "update ops.migrations set name = 'x'",
    "truncate ops.runs",
    "alter table ops.runs add x int",
    "drop table ops.runs",
    "create table ops.mine (x int)",
)
_OF_READERS = (
    *(f"select * from {table}" for table in ("event_log.events", "event_log.processes", "mining.dfg", "ops.runs",
      "quality.check_results", "candidate.demo__events", "intermediate.demo", "staging.stg_odoo__orders",
      "raw_odoo.sale_order", "raw_odoo._pseudonyms", "landing_odoo.sale_order", "ops.migrations")),
    "insert into event_log.processes (process) values ('x')",
    "update event_log.processes set title = 'x'",
    "delete from mining.dfg",
    "truncate mining.dfg",
    "update bi.shown set title = 'x'",
    "delete from bi.shown",
    "insert into bi.shown values ('x')",
    "drop view bi.shown",
    "alter view bi.shown rename to other",
    "create or replace view bi.shown as select 1",
    "create view bi.mine as select 1",
    "create table bi.mine (x int)",
    "create function bi.mine() returns int language sql as 'select 1'",
    "create rule mine as on select to bi.shown do instead select 1",
    "create trigger mine instead of insert on bi.shown execute function pg_catalog.suppress_redundant_updates_trigger()",
    "comment on view bi.shown is 'mine'",
    "begin; lock table bi.shown in exclusive mode",
    "begin; lock table event_log.processes in access share mode",
    "create temporary table mine (x int)",
    "create function pg_temp.leak(text) returns bool language sql cost 0.0001 as 'select true'",
    "create schema mine",
    "create extension vector",
    "set role sluice_loader",
    "set role sluice_miner",
    "grant sluice_auditor to current_user",
    "select pg_advisory_lock(hashtext('sluice:publish:demo'))",
    "select pg_try_advisory_lock(1)",
    "select pg_advisory_lock_shared(1, 2)",
    "select pg_advisory_xact_lock(1)",
    "select pg_try_advisory_xact_lock_shared(1)",
    "analyze event_log.processes; select 1 / 0 from event_log.processes",
    "declare c cursor with hold for select * from event_log.events",
    "explain analyze select * from event_log.events",
    "refresh materialized view event_log.events",
    "create index on event_log.events (process)",
    "copy event_log.events to stdout",
    "copy bi.shown to '/tmp/sluice_was_here'",
    "copy bi.shown from stdin",
)  # fmt: skip
_OF_THE_LOADER = (
    *(f"select * from {table}" for table in ("event_log.events", "event_log.processes", "mining.dfg", "bi.shown",
      "bi_audit.event_resources", "candidate.demo__events", "intermediate.demo")),
    "insert into event_log.processes (process) values ('x')",
    "delete from mining.dfg",
    "delete from ops.process_state",
    "insert into ops.case_rows values ('a', 'b', 'c', 'd')",
    "delete from quality.quarantined_cases",
    "create table event_log.mine (x int)",
    "create table candidate.mine (x int)",
    "create view bi.mine as select 1",
    "create view mining.mine as select 1",
    "drop view bi.shown",
    "drop table event_log.processes",
    "drop table intermediate.demo",
    "alter table event_log.events add x int",
    "grant select on event_log.events to sluice_loader",
    "set role sluice_miner",
    "grant sluice_miner to sluice_loader",
)  # fmt: skip
_OF_THE_MINER = (
    "insert into raw_odoo.sale_order values (1)",
    "update raw_odoo.sale_order set name = 'x'",
    "update raw_odoo.sale_order set _version = 0",
    "delete from raw_odoo.sale_order",
    "truncate raw_odoo.sale_order",
    "alter table raw_odoo.sale_order add x int",
    "drop table raw_odoo.sale_order",
    "create table raw_odoo.mine (x int)",
    "drop schema raw_odoo cascade",
    "select user_id from raw_odoo.sale_order",
    "select * from raw_odoo.sale_order",
    "select partner_id from raw_odoo.sale_order",
    "select name from landing_odoo.sale_order",
    "delete from raw_odoo._pseudonyms",
    "drop view staging.stg_odoo__orders",
    "create or replace view staging.stg_odoo__orders as select 1",
    "create view staging.mine as select 1",
    "create schema mine",
    "delete from ops.watermarks",
    "update ops.alive_keys set version = 0",
    "update ops.watermarks set version = 0",
    "delete from ops.files",
    "drop table mining.dfg",
    "alter table mining.dfg add x int",
    "create table mining.mine (x int)",
    "create table quality.mine (x int)",
    "create extension vector",
    "set role sluice_loader",
    "grant sluice_loader to sluice_miner",
)  # fmt: skip


@pytest.fixture(scope="module")
def urls(server: Settings, make_database) -> Iterator[dict[str, str]]:
    """A warehouse as its set-up leaves it, with something in every layer; role -> URL of a login that has it."""
    url = make_database("roles_of_readers_and_workers")
    migrate(url)
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("create schema raw_odoo; create schema landing_odoo")
        for schema in ("raw_odoo", "landing_odoo"):
            db.execute(
                f"create table {schema}.sale_order (id bigint, name text, user_id int, partner_id int, _version bigint)"
            )
        db.execute("create table raw_odoo._pseudonyms (entity text, source_id bigint, pseudonym text, _version bigint)")
        db.execute("create view staging.stg_odoo__orders as select id, name from raw_odoo.sale_order")
        db.execute("create table candidate.demo__events (x int); create table intermediate.demo (x int)")
        db.execute("create view bi.shown as select title from event_log.processes")
        for login, role in ((DASHBOARD, READER), ("an_auditor", AUDITOR)):
            db.execute(sql.SQL("create role {} login password 'p-{}' in role {}").format(
                sql.Identifier(login), sql.SQL(login), sql.Identifier(role)))  # fmt: skip
    assert migrate(url) == []
    settings = with_embedded_logins(replace(server, warehouse_url=url))
    yield {
        "admin": url,
        LOADER: settings.loader_url,
        MINER: settings.miner_url,
        READER: _as(url, DASHBOARD, f"p-{DASHBOARD}"),
        AUDITOR: _as(url, "an_auditor", "p-an_auditor"),
    }
    with psycopg.connect(url, autocommit=True) as db:
        db.execute(f"drop role {DASHBOARD}; drop role an_auditor")


def _as(url: str, login: str, password: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{login}:{password}@{parts.netloc.rsplit('@', 1)[1]}"))


def connected(urls: dict[str, str], role: str) -> psycopg.Connection:
    return psycopg.connect(urls[role], autocommit=True)


@pytest.fixture(scope="module")
def _connections(urls) -> Iterator[dict[str, psycopg.Connection]]:
    made = {role: connected(urls, role) for role in urls}
    yield made
    for db in made.values():
        db.close()


@pytest.fixture
def logins(_connections) -> Iterator[dict[str, psycopg.Connection]]:
    """An open connection of each role; a transaction that a statement began is over at the end."""
    yield _connections
    for db in _connections.values():
        if db.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            db.rollback()


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        *((role, one) for role in (READER, AUDITOR, LOADER, MINER) for one in _OF_THE_SERVER),
        *((role, one) for role in (READER, AUDITOR) for one in _OF_READERS),
        (READER, "select * from bi_audit.event_resources"),
        *((LOADER, one) for one in _OF_THE_LOADER),
        *((MINER, one) for one in _OF_THE_MINER),
    ],
)
def test_is_refused(logins, role, statement):
    db = logins[role]
    text = statement.format(database=sql.Identifier(db.info.dbname).as_string())
    with pytest.raises(DENIED):
        if text.endswith(("from stdin", "to stdout")):
            with db.cursor() as cursor, cursor.copy(text):
                pass
        else:
            db.execute(text)


@pytest.mark.parametrize(
    "statement",
    [
        "grant select on ops.runs to public",
        "grant select on bi.shown to public",
        "grant usage on schema raw_odoo to public",
        "vacuum full ops.runs",
        "analyze event_log.processes",
    ],
)
def test_is_ignored_with_a_warning(urls, statement):
    acls = """select oid, relacl::text, relfilenode, reltuples from pg_class
              where relnamespace = any (array['ops', 'bi', 'event_log', 'raw_odoo']::regnamespace[]) order by 1"""
    for role in (READER, AUDITOR):
        with connected(urls, "admin") as admin, connected(urls, role) as db:
            before, notices = admin.execute(acls).fetchall(), []
            db.add_notice_handler(lambda notice, seen=notices: seen.append(notice.severity))
            try:
                db.execute(statement)
            except DENIED:
                notices.append("WARNING")
            assert notices == ["WARNING"]
            assert admin.execute(acls).fetchall() == before


def test_the_miner_vacuums_what_a_full_publish_fills_and_nothing_else(urls):
    with connected(urls, MINER) as db:
        notices = []
        db.add_notice_handler(lambda notice: notices.append(notice.message_primary))
        for schema, table in SHARED:
            db.execute(sql.SQL("vacuum (analyze, truncate false) {}").format(sql.Identifier(schema, table)))
        assert notices == []
        for table in ("ops.runs", "ops.process_state", "quality.check_results", "event_log.events"):
            db.execute(f"vacuum (analyze) {table}")
        assert notices == [
            f'permission denied to vacuum "{name}", skipping it' for name in ("runs", "process_state", "check_results")
        ]


def test_a_reader_sees_no_statement_of_others(urls):
    with connected(urls, "admin"), connected(urls, MINER) as miner, connected(urls, READER) as db:
        miner.execute("select 'a secret of the miner'")
        seen = db.execute("select usename, query from pg_stat_activity where usename <> current_user").fetchall()
    assert seen
    assert {query for _, query in seen} <= {"<insufficient privilege>", ""}


def test_every_login_can_do_its_work(urls):
    with connected(urls, READER) as db:
        assert db.execute("select count(*) from bi.shown").fetchone() == (0,)
    with connected(urls, AUDITOR) as db:
        assert db.execute("select count(*) from bi_audit.event_resources").fetchone() == (0,)
    with connected(urls, MINER) as db:
        db.execute("select id, _version from raw_odoo.sale_order; select * from staging.stg_odoo__orders")
        db.execute("select pg_advisory_lock(1); select pg_advisory_unlock(1)")
        db.execute("create table candidate.mine (like mining.dfg); drop table candidate.mine")
        db.execute("create table event_log.events__mine (like event_log.events including all)")
        db.execute("alter table event_log.events attach partition event_log.events__mine for values in ('mine')")
        db.execute("drop table event_log.events__mine")
        db.execute("create view bi.mine as select 1 as one")
    with connected(urls, READER) as db:
        assert db.execute("select one from bi.mine").fetchone() == (1,)
    with connected(urls, MINER) as db:
        db.execute("drop view bi.mine")
    with connected(urls, LOADER) as db:
        db.execute("create schema raw_shop; create table raw_shop.orders (id int); drop schema raw_shop cascade")
        db.execute("create or replace view staging.stg_odoo__orders as select id, name from raw_odoo.sale_order")
        db.execute("drop schema landing_odoo cascade; create schema landing_odoo")
        db.execute("create table landing_odoo.sale_order (name text)")


def test_a_new_raw_column_is_granted_unless_it_holds_ids_of_people(urls):
    with connected(urls, LOADER) as db:
        db.execute("create table raw_odoo.crm_lead (id int, user_id int, stage_id int)")
        grant_raw(db, "odoo")
        db.execute("alter table raw_odoo.crm_lead add partner_id int, add active boolean")
        db.execute("create table raw_odoo._alive_crm_lead (bucket bigint, bits bigint)")
        grant_raw(db, "odoo")
    with connected(urls, MINER) as db:
        db.execute("select id, stage_id, active from raw_odoo.crm_lead")
        for column in ("user_id", "partner_id"):
            with pytest.raises(DENIED):
                db.execute(f"select {column} from raw_odoo.crm_lead")
        with pytest.raises(DENIED):
            db.execute("select bucket from raw_odoo._alive_crm_lead")


def test_every_view_that_hides_rows_is_a_security_barrier():
    """Else a condition of the reader's is tried on hidden rows first, and its errors tell of them."""
    views = {path: path.read_text() for path in (PROJECT / "dbt_project" / "models" / "bi").glob("*.sql")}
    hiding = [path.name for path, text in views.items() if re.search(r"^where\b", text, re.MULTILINE)]
    assert hiding
    assert [
        name for name in hiding if "security_barrier = true" not in views[PROJECT / "dbt_project/models/bi" / name]
    ] == []


def test_a_barrier_outlives_its_tables_replacement(urls):
    options = "select reloptions from pg_class where oid = 'bi.guarded'::regclass"
    with connected(urls, MINER) as db:
        db.execute("create table event_log.demo_attributes (case_id text)")
        db.execute("create view bi.guarded with (security_barrier) as select case_id from event_log.demo_attributes")
        before = db.execute(options).fetchone()
        db.execute("create table event_log.fresh (case_id text, more int)")
        with db.transaction():
            assert replace_table(db, "event_log", "fresh", "demo_attributes") == []
        assert before == db.execute(options).fetchone() == (["security_barrier=true"],)
        db.execute("drop table event_log.demo_attributes cascade")


def test_migrating_again_changes_nothing(urls):
    everything = """select 'c', oid::text, relowner::text, relacl::text from pg_class union all
        select 'n', oid::text, nspowner::text, nspacl::text from pg_namespace union all
        select 'f', oid::text, '', proacl::text from pg_proc union all
        select 'd', oid::text, datdba::text, datacl::text from pg_database union all
        select 'e', oid::text, defaclrole::text, defaclacl::text from pg_default_acl union all
        select 'm', roleid::text, member::text, grantor::text from pg_auth_members order by 1, 2, 3, 4"""
    with connected(urls, "admin") as db:
        before = db.execute(everything).fetchall()
        migrate(urls["admin"])
        assert db.execute(everything).fetchall() == before


@pytest.fixture
def plain(make_database) -> Iterator[str]:
    """URL of a database whose owner may not create roles, as on a server of somebody else."""
    url = make_database()
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("create role plain_owner login password 'p-plain_owner'")
        db.execute(sql.SQL("alter database {} owner to plain_owner").format(sql.Identifier(db.info.dbname)))
    yield _as(url, "plain_owner", "p-plain_owner")
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("reassign owned by plain_owner to sluice; drop owned by plain_owner; drop role plain_owner")


def test_a_login_that_may_not_make_roles_is_told_so_and_goes_on(plain, monkeypatch):
    monkeypatch.setattr("sluice.roles.LOADER", "sluice_nobody")
    monkeypatch.setattr("sluice.roles.WORKERS", ("sluice_nobody", "sluice_no_one"))
    with psycopg.connect(plain) as db:
        (line,) = grant_workers(db)
        assert "create role sluice_nobody nologin; create role sluice_no_one nologin" in line
        assert "to plain_owner" in line
        assert "\n" not in line
        assert db.execute("select 1").fetchone() == (1,)


def test_a_login_that_may_not_act_for_the_roles_is_told_so_and_goes_on(plain, caplog):
    migrate(plain)
    (line,) = [record.message for record in caplog.records if "sluice_miner" in record.message]
    assert "grant sluice_loader, sluice_miner to plain_owner" in line
    with psycopg.connect(plain) as db:  # and everything is its own still
        assert db.execute(
            "select relowner::regrole::text from pg_class where oid = 'event_log.events'::regclass"
        ).fetchone() == ("plain_owner",)


def test_an_administrators_grant_lets_it_hand_over(plain, server, make_database):
    from sluice.warehouse import embedded

    with psycopg.connect(embedded.url(server, "postgres"), autocommit=True) as db:
        db.execute("grant sluice_loader, sluice_miner to plain_owner")
    migrate(plain)
    with psycopg.connect(plain) as db:
        owners = db.execute(
            "select distinct relowner::regrole::text from pg_class where relnamespace = 'event_log'::regnamespace"
        ).fetchall()
        assert owners == [(MINER,)]
        db.execute("insert into event_log.order_ties values ('x', 'y', 1, 1)")  # by membership
        db.execute("create table candidate.by_the_one_login (x int)")


def test_what_only_the_owner_of_the_database_can_grant_is_told(make_database, caplog):
    url = make_database()
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("create role a_guest login password 'p-a_guest' in role sluice_loader, sluice_miner")
        name = sql.Identifier(db.info.dbname)
        db.execute(sql.SQL("grant create on database {} to a_guest").format(name))
    try:
        migrate(_as(url, "a_guest", "p-a_guest"))
        (line,) = [record.message for record in caplog.records if "sluice_loader" in record.message]
        assert "grant connect, create, temporary on database" in line and "to sluice_loader" in line
        assert "\n" not in line
        with psycopg.connect(url, autocommit=True) as db:
            db.execute(sql.SQL("grant create, temporary on database {} to sluice_loader, sluice_miner").format(name))
        caplog.clear()
        migrate(_as(url, "a_guest", "p-a_guest"))
        assert [record.message for record in caplog.records if "sluice_" in record.message] == []
    finally:
        with psycopg.connect(url, autocommit=True) as db:
            db.execute("reassign owned by a_guest to sluice; drop owned by a_guest; drop role a_guest")


def test_the_statements_in_the_documentation_work(urls):
    text = (PROJECT / "docs" / "security.md").read_text()
    statements = [block.split("```")[0] for block in text.split("```sql\n")[1:]]
    assert len(statements) == 3
    with connected(urls, "admin") as db, db.transaction(force_rollback=True):
        for block in statements:
            db.execute("\n".join(line for line in block.splitlines() if not line.startswith("\\")))
        assert db.execute("select pg_has_role('superset', 'sluice_reader', 'usage')").fetchone() == (True,)


def test_a_task_sees_the_login_of_its_work_alone():
    settings = load_settings(
        {"SLUICE_WAREHOUSE_URL": "postgresql://all@h/d", "SLUICE_LOADER_URL": "postgresql://l@h/d",
         "SLUICE_MINER_URL": "postgresql://m@h/d"}
    )  # fmt: skip
    for kind, url in (("extract", "postgresql://l@h/d"), ("mine", "postgresql://m@h/d")):
        seen = worker_settings(settings, kind)
        assert (seen.warehouse_url, seen.loader_url, seen.miner_url) == (url, None, None)
    alone = load_settings({"SLUICE_WAREHOUSE_URL": "postgresql://all@h/d"})
    assert worker_settings(alone, "mine").warehouse_url == "postgresql://all@h/d"
