"""`sluice status`: the last nights at a glance, as a table and as JSON."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from sluice.night_board import MISSING, collect
from sluice.status import status
from sluice.warehouse import connect

NOW = datetime(2026, 1, 31, 9, tzinfo=UTC)


@pytest.fixture
def nights(settings):
    """Three nights of a system (one missing) and one process; the last one blocked."""
    with connect(settings.warehouse_url) as db:
        for day, state in (("2026-01-27", "landed"), ("2026-01-29", "landed"), ("2026-01-30", "landed")):
            run_id = f"extract__odoo/{day}/1"
            db.execute(
                """insert into ops.runs (run_id, kind, subject, day, state, versions)
                   values (%s, 'extract', 'odoo', %s, %s, '{"sluice": "0.1.0"}')""",
                (run_id, day, state),
            )
            for step, rows_in, rows_out in (
                ("copy", 1000, 990),
                ("gate", 990, 990),
                ("land", 990, 12),
                ("stage", 12, 12),
            ):
                db.execute(
                    """insert into ops.steps (run_id, step, state, rows_in, rows_out, seconds)
                       values (%s, %s, 'done', %s, %s, 1.5)""",
                    (run_id, step, rows_in, rows_out),
                )
            db.execute(
                """insert into ops.loads (run_id, system, mode, state, read_count, quarantined_count)
                   values (%s, 'odoo', 'night', 'landed', 1000, 10)""",
                (run_id,),
            )
        db.execute(
            """insert into ops.runs (run_id, kind, subject, day, state, message) values
               ('mine__p/2026-01-30/1', 'mine', 'p', '2026-01-30', 'failed', 'first'),
               ('mine__p/2026-01-30/2', 'mine', 'p', '2026-01-30', 'blocked', 'too few events')"""
        )
        db.execute("update ops.runs set started_at = now() - interval '1 hour' where message = 'first'")
        db.execute(
            """insert into ops.steps (run_id, step, state, rows_in, rows_out, seconds) values
               ('mine__p/2026-01-30/2', 'build', 'done', 7, 70, 2), ('mine__p/2026-01-30/2', 'gate', 'blocked', null, null, 1)"""
        )
        db.execute(
            """insert into quality.check_results (run_id, subject, layer, check_name, severity, is_success, message)
               values ('mine__p/2026-01-30/2', 'p', 'candidate', 'c', 'warn', false, 'm')"""
        )
    return settings


def test_each_night_has_its_state_rows_and_reason(nights):
    with connect(nights.warehouse_url) as db:
        board = collect(db, nights, nights=7, now=NOW)
    found = {(str(line.day), line.subject): line for line in board.nights}
    assert list(found) == [
        ("2026-01-30", "odoo"),
        ("2026-01-30", "p"),
        ("2026-01-29", "odoo"),
        ("2026-01-28", "odoo"),
        ("2026-01-27", "odoo"),
    ]
    odoo, p = found["2026-01-30", "odoo"], found["2026-01-30", "p"]
    assert (odoo.state, odoo.seconds, odoo.rows_in, odoo.rows_out, odoo.quarantined_count) == (
        "landed",
        6,
        1000,
        12,
        10,
    )
    assert (p.state, p.step, p.message, p.run_count, p.warning_count) == ("blocked", "gate", "too few events", 2, 1)
    assert (p.rows_in, p.rows_out) == (7, None)
    assert found["2026-01-28", "odoo"].state == MISSING
    assert board.is_red


def test_only_as_many_nights_as_asked_for(nights):
    with connect(nights.warehouse_url) as db:
        board = collect(db, nights, nights=2, now=NOW)
    assert {line.day for line in board.nights} == {date(2026, 1, 29), date(2026, 1, 30)}


def test_late_running_and_told_are_shown(nights, capsys):
    ready = replace(nights, source_urls={"odoo": "postgresql://nowhere/x"})
    with connect(nights.warehouse_url) as db:
        db.execute("insert into ops.alerts (subject, kind, reason, command) values ('p', 'blocked', 'r', 'c')")
    assert status(ready) == 1
    said = capsys.readouterr().out
    assert "late odoo" in said and "told: p blocked" in said and "too few events" in said and "sluice doctor" in said


def test_json_says_the_same(nights, capsys):
    assert status(nights, is_json=True) == 1
    board = json.loads(capsys.readouterr().out)
    assert board["is_red"] is True and board["airflow"] is None
    assert [line["state"] for line in board["nights"]] == ["landed", "blocked", "landed", "missing", "landed"]
    assert board["nights"][0]["sluice_version"] == "0.1.0"


def test_nothing_has_run_yet(settings, capsys):
    assert status(settings) == 0
    assert "nothing has run yet: `sluice run`" in capsys.readouterr().out
