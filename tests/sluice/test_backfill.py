"""Backfills: what is asked for, one at a time, recorded, resumable; a stand-in for Airflow's API does the runs."""

from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from types import SimpleNamespace

import psycopg
import pytest

from sluice import backfill_records as records
from sluice.backfill import EXIT_FAILED, EXIT_OK, backfill
from sluice.cli import main
from sluice.errors import BadInput, SluiceError
from sluice.runs import RunContext, as_of_day, step
from sluice.status import status
from sluice.warehouse import connect

FIRST, LAST = date(2026, 1, 1), date(2026, 1, 5)


class Runs:
    """Airflow as a backfill sees it: a triggered extraction records its run and has its processes run, at once."""

    def __init__(self, url: str) -> None:
        self.url, self.triggered, self.fails_on, self.dies_on = url, [], None, None

    def dags(self):
        names = ("extract__odoo", "extract__agent", "mine__purchase_to_pay", "mine__order_to_cash")
        return {name: {"is_paused": False} for name in (*names, "mine__lead_to_order", "mine__desktop_work")}

    def trigger(self, dag_id, day, conf=None, note=None):
        run_id = f"run_{len(self.triggered)}"
        self.triggered.append((dag_id, day, conf))
        if day == self.dies_on:
            raise KeyboardInterrupt
        kind, subject = dag_id.split("__", 1)
        self._record(kind, subject, day, run_id)
        if kind == "extract" and day != self.fails_on:
            for process in ("purchase_to_pay", "order_to_cash", "lead_to_order"):
                self._record("mine", process, day, run_id)
        return run_id

    def _record(self, kind, subject, day, run_id):
        context = RunContext(f"{kind}__{subject}/{day}/{run_id}", subject, day, as_of_day(day))
        name, state = ("stage", "landed") if kind == "extract" else ("publish", "published")
        try:
            with step(self.url, context, name, ends_run=state) as record:
                record.rows_in = 2
                if kind == "extract" and day == self.fails_on:
                    raise SluiceError("odoo: table sale_order is missing")
        except SluiceError:
            pass
        if kind == "extract":
            with psycopg.connect(self.url) as db:
                db.execute(
                    """insert into ops.loads (run_id, system, mode, state, updated_count)
                       values (%s, 'odoo', 'window', 'landed', 3)""",
                    (context.run_id,),
                )

    def run(self, dag_id, run_id):
        day = self.triggered[int(run_id.removeprefix("run_"))][1]
        return {"state": "failed" if day == self.fails_on else "success"}

    def runs(self, dag_id, **query):
        return []


@pytest.fixture
def here(settings, monkeypatch):
    """Settings with one source, and the stand-in for Airflow."""
    settings = replace(settings, source_urls={"odoo": "postgresql://nowhere/odoo"})
    runs = Runs(settings.warehouse_url)

    @contextmanager
    def stack(_settings):
        yield SimpleNamespace(api=lambda: runs)

    monkeypatch.setattr("sluice.run_night.night_stack", stack)
    monkeypatch.setattr("sluice.stack.wait_until_healthy", lambda *_: None)
    return settings, runs


def rows(
    settings, query="select state, days_done, days_count, reason, asked_by from ops.backfills order by backfill_id"
):
    with psycopg.connect(settings.warehouse_url) as db:
        return db.execute(query).fetchall()


def days_read(runs):
    return [day for dag_id, day, _ in runs.triggered if dag_id == "extract__odoo"]


def test_each_day_is_read_once_and_all_is_recorded(here, capsys):
    settings, runs = here
    assert backfill(settings, FIRST, LAST, reason="late bills", asked_by="ada") == EXIT_OK
    assert days_read(runs) == [FIRST + timedelta(days=number) for number in range(5)]
    assert runs.triggered[0][2] == {
        "window_start": "2026-01-01T00:00:00+00:00",
        "window_end": "2026-01-02T00:00:00+00:00",
    }
    assert rows(settings) == [("done", 5, 5, "late bills", "ada")]
    assert rows(settings, "select distinct state, changed_count, touched_count from ops.backfill_windows") == [
        ("done", 3, 6)
    ]
    shown = capsys.readouterr().out
    assert "5/5" in shown and "all is well" in shown


def test_a_long_window_is_read_in_31_pieces_that_cover_it(here):
    start, end = date(2024, 1, 1), date(2025, 3, 1)
    windows = records.windows_of(start, end, 14)
    assert len(windows) == 31 and windows[0].first_day == start and windows[-1].last_day == end
    for one, other in pairwise(windows):
        assert other.first_day == one.last_day + timedelta(days=1)


def test_after_a_failure_the_same_command_goes_on_where_it_was(here, capsys):
    settings, runs = here
    runs.fails_on = FIRST + timedelta(days=2)
    assert backfill(settings, FIRST, LAST) == EXIT_FAILED
    assert "table sale_order is missing" in capsys.readouterr().out
    assert rows(settings)[0][:3] == ("failed", 2, 5)
    runs.fails_on, runs.triggered = None, []
    assert backfill(settings, FIRST, LAST) == EXIT_OK
    assert days_read(runs) == [FIRST + timedelta(days=number) for number in (2, 3, 4)]
    assert rows(settings)[0][:3] == ("done", 5, 5) and len(rows(settings)) == 1
    assert "2 of 5 days are done" in capsys.readouterr().out


def test_an_interruption_is_recorded_and_resumed(here):
    settings, runs = here
    runs.dies_on = FIRST + timedelta(days=1)
    with pytest.raises(KeyboardInterrupt):
        backfill(settings, FIRST, LAST, reason="because")
    assert rows(settings)[0][:3] == ("interrupted", 1, 5)
    runs.dies_on, runs.triggered = None, []
    assert backfill(settings, resume=0) == EXIT_OK
    assert len(days_read(runs)) == 4
    assert rows(settings)[0][:4] == ("done", 5, 5, "because")
    assert backfill(settings, resume=0) == EXIT_OK, "nothing is unfinished"
    assert len(days_read(runs)) == 4


def test_one_that_was_killed_is_seen_to_be_dead(here, capsys):
    settings, _ = here
    with closing(connect(settings.warehouse_url, autocommit=True)) as db:
        records.hold(db)
        record = records.begin(db, ("odoo",), records.windows_of(FIRST, LAST, 1), reason="x", asked_by="ada")
        records.start_window(db, record, record.windows[0])
        with connect(settings.warehouse_url) as other:
            assert records.close_dead(other) == 0, "its session lives"
    status(settings)
    assert "interrupted, 0 of 5 days" in " ".join(capsys.readouterr().out.split())
    assert rows(settings, "select distinct state from ops.backfill_windows") == [("waiting",)]


def test_a_second_one_is_refused_and_told_who_works(here):
    settings, runs = here
    with closing(connect(settings.warehouse_url, autocommit=True)) as db:
        records.hold(db)
        records.begin(db, ("odoo",), records.windows_of(FIRST, LAST, 1), reason="x", asked_by="ada")
        with pytest.raises(
            SluiceError, match=r"backfill 1 \(odoo, 2026-01-01 … 2026-01-05, asked for by ada\) works since"
        ):
            backfill(settings, FIRST, FIRST)
    assert runs.triggered == []


def test_anew_begins_at_the_first_day(here):
    settings, runs = here
    runs.fails_on = LAST
    backfill(settings, FIRST, LAST)
    runs.fails_on, runs.triggered = None, []
    assert backfill(settings, FIRST, LAST, is_anew=True) == EXIT_OK
    assert len(days_read(runs)) == 5
    assert [row[0] for row in rows(settings)] == ["abandoned", "done"]


@pytest.mark.parametrize("start, end, options, match", [
    (LAST, FIRST, {}, "a day not before --from"),
    (FIRST, date(2199, 1, 1), {}, "a day that is over"),
    (None, None, {}, "--from DAY and --to DAY, or --resume"),
    (FIRST, LAST, {"system": "sap"}, r"--system sap: expected a configured system \(odoo\)"),
    (FIRST, LAST, {"days_each": 0}, "--days-each 0"),
    (date(2020, 1, 1), date(2021, 12, 31), {}, "more than a year needs --yes"),
    (None, None, {"resume": 7}, "--resume 7: there is no such backfill"),
])  # fmt: skip
def test_what_cannot_be_is_refused_in_one_line(here, start, end, options, match, monkeypatch):
    settings, runs = here
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: False))
    with pytest.raises(BadInput, match=match):
        backfill(settings, start, end, **options)
    assert runs.triggered == [] and rows(settings) == []


def test_more_than_a_year_is_read_when_asked_to_be_sure(here):
    settings, runs = here
    start, end = date(2020, 1, 1), date(2021, 12, 31)
    assert backfill(settings, start, end, is_sure=True, days_each=366) == EXIT_OK
    assert len(days_read(runs)) == 2


def test_the_command_line_passes_everything_on(here, monkeypatch):
    settings, _ = here
    monkeypatch.setenv("SLUICE_HOME", str(settings.home))
    monkeypatch.setenv("SLUICE_WAREHOUSE_URL", settings.warehouse_url)
    monkeypatch.setenv("SLUICE_SOURCE_ODOO_URL", "postgresql://nowhere/odoo")
    asked = ["backfill", "--from", "2026-01-01", "--to", "2026-01-02", "--reason", "late", "--by", "bob"]
    assert main(asked) == EXIT_OK
    assert rows(settings) == [("done", 2, 2, "late", "bob")]
    assert main(["backfill", "--resume", "1"]) == EXIT_OK
