"""The doctor names what is wrong, and only that: each test breaks one thing for real and reads the line with its repair."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from sluice.doctor import NOTE, WELL, WRONG, doctor, examine
from sluice.doctor.examination import _made
from sluice.doctor.installation import dag_files
from sluice.warehouse import connect


def wrong(settings):
    return [line for state, line in examine(settings, is_quick=True) if state == WRONG]


def run(settings, *statements):
    with connect(settings.warehouse_url, autocommit=True) as db:
        for statement in statements:
            db.execute(statement)


def test_a_healthy_installation_has_nothing_wrong(settings, capsys):
    assert wrong(settings) == []
    assert doctor(settings, is_quick=True) == 0
    assert any(state == WELL and "migrations" in line for state, line in examine(settings, is_quick=True))
    capsys.readouterr()
    assert doctor(settings, is_quick=True, is_json=True) == 0
    assert {finding["state"] for finding in json.loads(capsys.readouterr().out)} <= {"ok", "note"}


def test_unreachable_warehouse_and_source(settings):
    broken = replace(
        settings,
        warehouse_url="postgresql://u:hidden@127.0.0.1:1/x",
        source_urls={"odoo": "postgresql://u:hidden@127.0.0.1:1/x"},
    )
    lines = wrong(broken)
    assert len(lines) == 2 and all("cannot be reached" in line and "hidden" not in line for line in lines)


def test_unknown_system_and_missing_folder(settings, tmp_path):
    broken = replace(settings, source_urls={"nosuch": settings.warehouse_url}, agent_drop=tmp_path / "none")
    assert any("no extractor called nosuch" in line for line in wrong(broken))
    assert any("is not a folder" in line for line in wrong(broken))


def test_readable_secrets_are_named(settings):
    settings.secret("pseudonym_key")
    path = settings.home / "secrets" / "pseudonym_key"
    path.chmod(0o644)
    assert wrong(settings) == [f"{path}: others can read it; chmod go= {path}"]


def test_bad_person_map_names_row_and_column(settings, tmp_path):
    path = tmp_path / "people.csv"
    path.write_text("person,kind,value\n7,nickname,ada\n")
    path.chmod(0o600)
    assert any("row 2: column kind" in line for line in wrong(replace(settings, person_map=path)))


@pytest.mark.parametrize("state", ["blocked", "failed", "interrupted"])
def test_last_run_that_did_not_end_well_is_named(settings, state):
    run(
        settings,
        f"""insert into ops.runs (run_id, kind, subject, state, message)
            values ('extract__odoo/x', 'extract', 'odoo', '{state}', 'a table is missing')""",
    )
    assert wrong(settings) == [f"last run of odoo: {state}: a table is missing"]


def test_a_run_whose_process_is_gone(settings):
    run(
        settings,
        "insert into ops.runs (run_id, kind, subject, state) values ('extract__odoo/x', 'extract', 'odoo', 'running')",
        "insert into ops.steps (run_id, step, state, owner) values ('extract__odoo/x', 'land', 'running', 'host:1')",
    )
    (line,) = wrong(settings)
    assert "its step land is recorded as running, but its process host:1 is gone: `sluice status` closes it" in line


def test_a_late_night(settings, server):
    day = datetime.now(UTC).date() - timedelta(days=5)
    run(
        settings,
        f"""insert into ops.runs (run_id, kind, subject, day, state)
            values ('extract__odoo/x', 'extract', 'odoo', '{day}', 'landed')""",
    )
    lines = wrong(replace(settings, source_urls={"odoo": "postgresql://u:hidden@127.0.0.1:1/x"}))
    assert any(line.startswith("odoo is late: the night of ") and "`sluice run` runs it now" in line for line in lines)


def test_edited_and_missing_migrations(settings):
    run(settings, "update ops.migrations set checksum = 'other' where name = '0010_operations'")
    (line,) = wrong(settings)
    assert "0010_operations.sql was edited" in line and "git checkout" in line
    run(settings, "delete from ops.migrations where name = '0010_operations'")
    (line,) = wrong(settings)
    assert "migrations 0010_operations are missing; `python -m sluice.migrate_warehouse`" in line
    run(settings, "insert into ops.migrations (name, sluice_version) values ('9999_next', '9.9.9')")
    assert any("newer release of Sluice (9.9.9: 9999_next)" in line for line in wrong(settings))


def test_sessions_and_prepared_transactions_that_hold_vacuum_back(settings, monkeypatch):
    monkeypatch.setattr("sluice.doctor.server._IDLE_MINUTES", 0)
    with psycopg.connect(settings.warehouse_url, application_name="somebody") as sleeper:
        sleeper.execute("select 1 from ops.runs")
        pid = sleeper.info.backend_pid
        (line,) = [line for line in wrong(settings) if "idle in a transaction" in line]
        assert f"session {pid} of sluice (somebody)" in line and f"select pg_terminate_backend({pid})" in line


def test_locks_that_nobody_uses(settings, monkeypatch):
    monkeypatch.setattr("sluice.doctor.warehouse._LOCK_MINUTES", 0)
    with psycopg.connect(settings.warehouse_url, autocommit=True) as sleeper:
        sleeper.execute("select pg_advisory_lock(hashtext('sluice:raw:odoo'))")
        assert any(f"select pg_terminate_backend({sleeper.info.backend_pid})" in line for line in wrong(settings))


def test_autovacuum_that_is_off_and_clocks_that_differ(settings, monkeypatch):
    from sluice.doctor import server

    with connect(settings.warehouse_url, autocommit=True) as db:
        db.execute("set timezone = 'UTC'")
        try:
            db.execute("alter system set autovacuum = off")
            db.execute("select pg_reload_conf(), pg_sleep(0.3)")
            assert any(
                "autovacuum is off" in line and "alter system set autovacuum = on" in line for line in wrong(settings)
            )
        finally:
            db.execute("alter system reset autovacuum")
            db.execute("select pg_reload_conf(), pg_sleep(0.3)")
    monkeypatch.setattr(server, "_SKEW_SECONDS", -1)
    assert any("its clock and ours differ" in line for line in wrong(settings))


def test_dead_rows(settings, monkeypatch):
    monkeypatch.setattr("sluice.doctor.server._DEAD_ROWS", 50)
    run(
        settings,
        "create table ops.full_of_dead (a int) with (autovacuum_enabled = off)",
        "insert into ops.full_of_dead select generate_series(1, 200)",
        "delete from ops.full_of_dead where a > 50",
        "select pg_stat_force_next_flush()",
    )
    assert any("ops.full_of_dead has 150 dead rows beside 50: vacuum (analyze)" in line for line in wrong(settings))


def test_grants_too_few_and_too_many(settings):
    run(
        settings,
        "create view bi.forgotten as select 1 as a",
        "revoke all on bi.forgotten from sluice_reader, sluice_auditor",
        "grant usage on schema event_log to sluice_reader",
        "grant select on event_log.cases to sluice_reader",
    )
    lines = wrong(settings)
    assert "sluice_reader cannot read bi.forgotten: `python -m sluice.migrate_warehouse` grants it" in lines
    assert any(
        "sluice_reader can read event_log.cases" in line and "revoke all on event_log.cases" in line for line in lines
    )


def test_age_and_key_of_the_last_backup(settings):
    assert any(state == NOTE and "backups: none" in line for state, line in examine(settings, is_quick=True))
    run(
        settings,
        """insert into ops.backups (location, format, byte_count, seconds, pseudonym_key_id, versions, taken_at)
           values ('/somewhere.dump', 'custom', 1, 1, 'another', '{}', now() - interval '9 days')""",
    )
    old, key = wrong(settings)
    assert "/somewhere.dump: `sluice backup FILE.dump`" in old and "the pseudonym key is another" in key


def test_alerts_that_could_not_be_sent_and_wrong_variables(settings):
    run(
        settings,
        "insert into ops.alerts (subject, kind, reason, command) values ('odoo', 'failed', 'r', 'c')",
        """insert into ops.alert_notices (alert_id, notice, channel, state, attempt_count, last_error)
           select alert_id, 'opened', 'email', 'given up', 60, 'answered 451' from ops.alerts""",
    )
    (line,) = wrong(settings)
    assert "1 could not be sent by email (answered 451)" in line and "`sluice alert --test`" in line
    for name, value in (
        ("SLUICE_RETENTION_ODOO", "a year"),
        ("SLUICE_NIGHT_DEADLINE", "noon"),
        ("SLUICE_ALERT_TO", "x"),
    ):
        assert any(name in found for found in wrong(replace(settings, operations={name: value})))


def test_schema_drift_and_missing_grants_at_the_source(settings, make_database, tmp_path):
    from sluice import demo

    url = make_database()
    state = demo.ensure(settings, url=url, cases=3, seed=3, folder=tmp_path / "demo", desktop_limit=5)
    state.person_map.chmod(0o600)
    ready = replace(settings, source_urls={"odoo": url}, person_map=state.person_map)
    assert wrong(ready) == []
    with psycopg.connect(url) as db:
        db.execute("create role narrow login password 'narrow'")
        db.execute("grant usage on schema public to narrow")
    host = url.rsplit("@", 1)[1]
    try:
        (line,) = wrong(replace(ready, source_urls={"odoo": f"postgresql://narrow:narrow@{host}"}))
        assert "python -m extractors.grants odoo" in line
    finally:
        with psycopg.connect(url) as db:
            db.execute("drop owned by narrow")
            db.execute("drop role narrow")
    with psycopg.connect(url) as db:
        db.execute("alter table sale_order rename column state to status")
    (line,) = wrong(ready)
    assert "sale_order has no column state" in line


def test_dag_files_that_cannot_be_read(settings, tmp_path):
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "good.py").write_text("x = 1\n")
    (tmp_path / "dags" / "bad.py").write_text("import nosuchmodule\n")
    ((state, line),) = _made(lambda: dag_files(replace(settings, project=tmp_path)))
    assert state == WRONG and "bad.py: cannot be read as a DAG file (ModuleNotFoundError" in line
    assert _made(lambda: dag_files(settings)) == [(WELL, "DAG files: all 3 can be read")]
