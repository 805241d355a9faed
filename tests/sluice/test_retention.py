"""Retention: what is old goes, what is needed stays, and no sequence of runs can bring it back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from extractors.agent.tables import make_raw
from sluice.errors import BadInput
from sluice.retention import declared, keep, keep_history, retain
from sluice.warehouse import connect

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)


def rows(settings, query):
    with connect(settings.warehouse_url) as db:
        return db.execute(query).fetchall()


@pytest.fixture
def kept(settings):
    """Thirty days of desktop work; recordings of January and of the last days, an export of both, all gated."""
    with connect(settings.warehouse_url) as db:
        make_raw(db)
        db.execute(
            """insert into ops.runs (run_id, kind, subject, day, as_of, state) values
               ('extract__agent/2026-01-10/1', 'extract', 'agent', '2026-01-10', '2026-01-11', 'landed'),
               ('extract__agent/2026-02-28/1', 'extract', 'agent', '2026-02-28', '2026-03-01', 'landed')"""
        )
        db.execute(
            """insert into ops.loads (run_id, system, mode, state) values
               ('extract__agent/2026-01-10/1', 'agent', 'night', 'landed'),
               ('extract__agent/2026-02-28/1', 'agent', 'night', 'landed')"""
        )
        values = [
            ("rpa_logger", "old", 1, "2026-01-09 10:00+00", 1),
            ("rpa_logger", "old", 2, "2026-01-09 10:20+00", 1),
            ("rpa_logger", "old", 3, "2026-02-20 10:00+00", 1),
            ("rpa_logger", "long", 1, "2026-01-29 23:50+00", 2),
            ("rpa_logger", "long", 2, "2026-01-30 00:10+00", 2),
            ("activitywatch", "all", 1, "2026-01-09 10:00+00", 2),
            ("activitywatch", "all", 2, "2026-02-27 10:00+00", 2),
        ]
        for table, file_id, number, at, version in values:
            db.execute(
                f"""insert into raw_agent.{table} (file_id, source_seq, line, occurred_at, person, application, action,
                                                  derivation_version, _version)
                    values (%s, %s, %s, %s, 'p_1', 'Excel', 'click', 1, %s)""",
                (file_id, number, number, at, version),
            )
        db.execute(
            """insert into ops.process_state (process, gated_version, fingerprint, as_of, run_id)
               values ('desktop_work', 2, 'f', '2026-03-01', 'r')"""
        )
        db.execute(
            """insert into ops.case_rows (process, source_table, source_key, case_id) values
               ('desktop_work', 'rpa_logger', 'old:1', 'old:1'), ('desktop_work', 'rpa_logger', 'old:2', 'old:1')"""
        )
    return replace(settings, operations={"SLUICE_RETENTION_AGENT": "30 days"})


def left(settings):
    return rows(
        settings,
        """select file_id, source_seq::int, _is_deleted from raw_agent.rpa_logger
           union all select file_id, source_seq::int, _is_deleted from raw_agent.activitywatch order by 1, 2""",
    )


def test_a_session_goes_whole_once_its_last_row_is_old(kept):
    made = keep(kept, "agent", AS_OF, "run")
    assert (made.expired, made.purged, made.case_count) == ({"activitywatch": 1, "rpa_logger": 2}, {}, 1)
    assert left(kept) == [
        ("all", 1, True),
        ("all", 2, False),
        ("long", 1, False),
        ("long", 2, False),
        ("old", 1, True),
        ("old", 2, True),
        ("old", 3, False),
    ]
    assert rows(kept, "select distinct _version from raw_agent.rpa_logger where _is_deleted") == [(made.version,)]
    assert made.version == 3 and rows(kept, "select state, mode from ops.loads where version = 3") == [
        ("landed", "window")
    ]


def test_content_is_erased_only_after_every_process_has_seen_it_go(kept):
    version = keep(kept, "agent", AS_OF, "run").version
    assert keep(kept, "agent", AS_OF, "run").is_empty, "not gated yet: nothing is erased, and nothing is marked twice"
    rows_before = left(kept)
    with connect(kept.warehouse_url) as db:
        db.execute("update ops.process_state set gated_version = %s", (version,))
    made = keep(kept, "agent", AS_OF, "run")
    assert made.purged == {"activitywatch": 1, "rpa_logger": 2} and made.version is None
    assert left(kept) == [row for row in rows_before if not row[2]]
    assert rows(kept, "select expired_count, purged_count from ops.retention order by 1") == [(0, 3), (3, 0)]


def test_the_cutoff_never_moves_back(kept):
    keep(kept, "agent", AS_OF, "run")
    with connect(kept.warehouse_url) as db:  # a backfill of an earlier day, and a longer retention, read the file again
        db.execute("update raw_agent.rpa_logger set _is_deleted = false, _version = 9 where file_id = 'old'")
    longer = replace(kept, operations={"SLUICE_RETENTION_AGENT": "400 days"})
    assert keep(longer, "agent", AS_OF - timedelta(days=60), "run").expired == {"rpa_logger": 2}


def test_dry_run_counts_and_touches_nothing(kept, capsys):
    before = left(kept)
    assert retain(kept, is_dry_run=True) == 0
    said = capsys.readouterr().out
    assert "raw_agent.rpa_logger: 2 rows would be marked as gone" in said and "1 cases would be taken out" in said
    assert left(kept) == before and rows(kept, "select count(*) from ops.retention") == [(0,)]
    assert retain(kept, is_dry_run=False) == 0
    assert left(kept) != before


def test_a_mirror_loses_old_tombstones_alone(settings):
    with connect(settings.warehouse_url) as db:
        db.execute("create schema raw_odoo")
        db.execute(
            """create table raw_odoo.sale_order (id int primary key, name text, _version bigint not null,
               _is_deleted boolean not null default false, _loaded_at timestamptz not null default now())"""
        )
        for number, day in enumerate(("2026-01-10", "2026-01-20", "2026-02-20"), start=1):
            db.execute(
                "insert into ops.runs (run_id, kind, subject, as_of, state) values (%s, 'extract', 'odoo', %s, 'landed')",
                (f"r{number}", day),
            )
            db.execute(
                "insert into ops.loads (run_id, system, mode, state) values (%s, 'odoo', 'night', 'landed')",
                (f"r{number}",),
            )
        db.execute(
            """insert into raw_odoo.sale_order (id, name, _version, _is_deleted) values
               (1, 'there', 1, false), (2, 'gone long ago', 1, true), (3, 'gone lately', 3, true)"""
        )
        for process, gated in (("order_to_cash", 3), ("lead_to_order", 0)):
            db.execute("insert into ops.process_state values (%s, %s, 'f', now(), 'r')", (process, gated))
    ready = replace(settings, operations={"SLUICE_RETENTION_ODOO": "30 days"})
    assert keep(ready, "odoo", AS_OF, "run").is_empty, "a process has not looked at the deletion yet"
    with connect(settings.warehouse_url) as db:
        db.execute("update ops.process_state set gated_version = 2 where process = 'lead_to_order'")
    assert keep(ready, "odoo", AS_OF, "run").purged == {"sale_order": 1}
    assert rows(ready, "select id from raw_odoo.sale_order order by id") == [(1,), (3,)]


def test_history_keeps_what_decides_later_runs(settings):
    with connect(settings.warehouse_url) as db:
        db.execute("insert into ops.runs (run_id, kind, subject, state) values ('r', 'extract', 'odoo', 'landed')")
        db.execute(
            """insert into ops.steps (run_id, step, state, started_at) values
               ('r', 'copy', 'done', now() - interval '100 days'), ('r', 'land', 'done', now())"""
        )
        db.execute(
            """insert into ops.alerts (subject, kind, reason, command, opened_at)
               values ('a', 'failed', '', '', now() - interval '200 days')"""
        )
    ready = replace(settings, operations={"SLUICE_RETENTION_OPS": "90 days"})
    assert keep_history(ready, is_dry_run=True) == keep_history(ready) == {"ops.steps": 1}
    assert rows(ready, "select (select count(*) from ops.runs), (select count(*) from ops.alerts)") == [(1, 1)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLUICE_RETENTION_AGENT", "a year"),
        ("SLUICE_RETENTION_AGENT", "-5 days"),
        ("SLUICE_RETENTION_AGENT", "0"),
        ("SLUICE_RETENTION_OPS", "30 days"),
        ("SLUICE_RETENTION_SAPP", "400 days"),
    ],
)
def test_a_declaration_that_cannot_be_meant_is_named(settings, name, value):
    with pytest.raises(BadInput, match=name):
        declared(replace(settings, operations={name: value}))


def test_nothing_is_declared_by_default(settings):
    assert declared(settings) == {} and keep(settings, "agent", AS_OF, "run") is None
