"""`sluice export`: who may export what, what becomes of the file, and that it is one moment in constant memory."""

import gzip
import json
import tracemalloc
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from lxml import etree
from psycopg import sql

from sluice.cli import main
from sluice.errors import BadInput
from sluice.export.csv import write_csv
from sluice.export.published import open_published
from sluice.export.xes import write_xes
from sluice.readers import AUDITOR, READER
from sluice.warehouse import connect
from tests.sluice.export.conftest import published, write_published
from tests.sluice.export.test_round_trip import export

START = datetime(2025, 1, 1, 8, tzinfo=UTC)
ADA, BOB = "p_00000000000000aa", "p_00000000000000bb"
SHIFT = {
    "1": [("A", START, None, "complete", ADA), ("B", START + timedelta(hours=1), None, "complete", BOB)],
    "2": [("A", START, START - timedelta(minutes=5), None, BOB)],
}
NAMESPACE = "{http://www.xes-standard.org/}"


@contextmanager
def login(settings, name: str, *roles: str):
    """Settings of a new login in `roles`, dropped at the end."""
    parts = urlsplit(settings.warehouse_url)
    with psycopg.connect(settings.warehouse_url, autocommit=True) as db:
        db.execute(sql.SQL("create role {} login password {}").format(sql.Identifier(name), f"pass-{name}"))
        for role in roles:
            db.execute(sql.SQL("grant {} to {}").format(sql.Identifier(role), sql.Identifier(name)))
        try:
            netloc = f"{name}:pass-{name}@{parts.netloc.rsplit('@', 1)[1]}"
            yield replace(settings, warehouse_url=urlunsplit(parts._replace(netloc=netloc)))
        finally:
            db.execute(sql.SQL("drop role {}").format(sql.Identifier(name)))


def add_attributes(db: psycopg.Connection, process: str) -> None:
    db.execute(
        sql.SQL(
            """drop table if exists {0}; create table {0} (case_id text, case_key bigint primary key, amount numeric(18, 2),
                   is_urgent boolean, due date, note text, buyer text, score double precision);
               insert into {0} select case_id, case_key, 10.50, true, '2025-02-03', 'a <b>', {1}, 'infinity'
               from event_log.cases where process = {2} and case_id = '1';
               insert into {0} (case_id, case_key) select case_id, case_key from event_log.cases
               where process = {2} and case_id <> '1';
               comment on column {0}.amount is {3}"""
        ).format(
            sql.Identifier("event_log", f"{process}_attributes"),
            sql.Literal(ADA),
            sql.Literal(process),
            sql.Literal("attribute 'Amount (€)' of the imported log"),
        )
    )


def test_persons_are_not_exported_unless_asked_for(exporting, publish, tmp_path):
    publish("shift", SHIFT)
    for name in ("shift.xes", "shift.csv"):
        export(exporting, "shift", tmp_path / name)
        assert "p_0" not in (tmp_path / name).read_text() and "org:resource" not in (tmp_path / name).read_text()
        export(exporting, "shift", tmp_path / f"who_{name}", "--resources")
        text = (tmp_path / f"who_{name}").read_text()
        assert text.count(ADA) == 1 and text.count(BOB) == 2 + name.endswith(".xes")  # a start and its completion


def test_a_reader_exports_the_log_without_persons_and_an_auditor_with_them(exporting, publish, tmp_path):
    publish("shift", SHIFT)
    with connect(exporting.warehouse_url) as db:
        add_attributes(db, "shift")
    with login(exporting, "exporting_reader", READER) as reader:
        export(reader, "shift", tmp_path / "reader.csv")
        with pytest.raises(BadInput, match=r"^export shift: --resources is for logins with the role sluice_auditor"):
            export(reader, "shift", tmp_path / "no.csv", "--resources")
        with pytest.raises(BadInput, match=r"^export shift: --attributes needs the right to read"):
            export(reader, "shift", tmp_path / "no.csv", "--attributes")
    with login(exporting, "exporting_auditor", AUDITOR) as auditor:
        export(auditor, "shift", tmp_path / "auditor.csv", "--resources")
    with (
        login(exporting, "exporting_nobody") as nobody,
        pytest.raises(BadInput, match="grant it the role sluice_reader"),
    ):
        export(nobody, "shift", tmp_path / "no.csv")
    assert len((tmp_path / "reader.csv").read_text().splitlines()) == 4
    assert (tmp_path / "auditor.csv").read_text().count(ADA) == 1
    assert not (tmp_path / "no.csv").exists()


def test_work_of_people_is_not_exported(exporting, publish, tmp_path):
    publish("desk", SHIFT, is_public=False)
    for options in ((), ("--resources",), ("--attributes",)):
        with pytest.raises(BadInput, match=r"^export desk: its cases are people's own sessions"):
            export(exporting, "desk", tmp_path / "desk.xes", *options)
    assert list(tmp_path.iterdir()) == []


def test_attributes_have_their_types_and_those_of_persons_are_left_out(exporting, publish, tmp_path, capsys, read_back):
    publish("shift", SHIFT)
    with connect(exporting.warehouse_url) as db:
        add_attributes(db, "shift")
    export(exporting, "shift", tmp_path / "shift.xes", "--attributes")
    assert "left out, since they hold persons: buyer" in capsys.readouterr().out
    first, second = sorted(
        (
            {one.get("key"): (one.tag.removeprefix(NAMESPACE), one.get("value")) for one in trace if one.get("key")}
            for trace in etree.parse(str(tmp_path / "shift.xes")).iter(f"{NAMESPACE}trace")
        ),
        key=len,
        reverse=True,
    )
    assert first == {
        "concept:name": ("string", "1"),
        "Amount (€)": ("float", "10.50"),
        "is_urgent": ("boolean", "true"),
        "due": ("date", "2025-02-03T00:00:00.000+00:00"),
        "note": ("string", "a <b>"),
        "score": ("float", "INF"),
    }
    assert second == {"concept:name": ("string", "2")}
    export(exporting, "shift", tmp_path / "shift.csv", "--attributes", "--resources")
    head, *rows = (tmp_path / "shift.csv").read_text().splitlines()
    assert head.endswith("org:resource,case:Amount (€),case:is_urgent,case:due,case:note,case:buyer,case:score")
    assert sum(f"{ADA},Infinity" in row for row in rows) == 2


@pytest.mark.parametrize(
    "options, said",
    [
        (("nowhere",), "no process 'nowhere' is published"),
        (("shift", "--output", "{folder}"), "is a folder"),
        (("shift", "--output", "{folder}/none/x.xes"), "there is no folder"),
        (("shift", "--output", "{folder}/there.xes"), "is there already: give another name with --output"),
    ],
)
def test_what_cannot_be_done_is_one_line(exporting, publish, tmp_path, monkeypatch, capsys, options, said):
    publish("shift", SHIFT)
    (tmp_path / "there.xes").write_text("mine")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SLUICE_WAREHOUSE_URL", exporting.warehouse_url)
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path / "home"))
    assert main(["export", *(option.format(folder=tmp_path) for option in options)]) == 1
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("sluice: ") and said in err and err.count("\n") == 1
    assert (tmp_path / "there.xes").read_text() == "mine" and {"there.xes"} >= {p.name for p in tmp_path.glob("*.*")}


def test_the_command_says_what_it_wrote_and_how_it_is_read_back(exporting, publish, tmp_path, monkeypatch, capsys):
    publish("shift", SHIFT, order="source_seq")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SLUICE_WAREHOUSE_URL", exporting.warehouse_url)
    monkeypatch.setenv("SLUICE_HOME", str(tmp_path / "home"))
    assert main(["export", "shift"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("shift.xes: 2 cases, 3 events of shift as of 2030-01-01 00:00, no persons, in ")
    assert "read back by: sluice import-log NAME shift.xes --lifecycle pair --order file" in out
    assert main(["export", "shift", "--output", "shift.csv.gz"]) == 0
    assert gzip.decompress((tmp_path / "shift.csv.gz").read_bytes()).startswith(b"case:concept:name,concept:name,")
    assert main(["export", "shift", "--output", "shift.xes", "--overwrite"]) == 0


def test_standard_output_holds_the_log_alone(exporting, publish, capfdbinary):
    publish("shift", SHIFT)
    export(exporting, "shift", Path("-"), "--format", "csv")
    out, err = capfdbinary.readouterr()
    assert out.count(b"\r\n") == 4 and b"2 cases" not in out and b"2 cases" in err


def test_the_same_log_gives_the_same_bytes(exporting, publish, tmp_path):
    publish("shift", SHIFT)
    for name in ("a.xes.gz", "b.xes.gz", "a.csv.gz", "b.csv.gz"):
        export(exporting, "shift", tmp_path / name)
    assert (tmp_path / "a.xes.gz").read_bytes() == (tmp_path / "b.xes.gz").read_bytes()
    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()


def test_a_failure_halfway_leaves_nothing_or_the_old_file(exporting, publish, tmp_path, monkeypatch):
    publish("shift", SHIFT)
    (tmp_path / "old.csv").write_text("old")

    def fail(log, out, **options):
        out.write(b"half")
        raise BadInput("no more")

    monkeypatch.setattr("sluice.export.csv.write_csv", fail)
    for name in ("new.csv", "new.csv.gz", "old.csv"):
        with pytest.raises(BadInput, match="no more"):
            export(exporting, "shift", tmp_path / name, "--overwrite")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"old.csv": "old"}


def test_an_export_is_one_moment(exporting, publish, tmp_path):
    publish("shift", SHIFT)
    with open_published(exporting.warehouse_url, "shift") as log:
        cases = log.cases()
        first = next(cases)
        with connect(exporting.warehouse_url) as db:
            write_published(db, "shift", {"other": [("Z", START)]})
        rest = list(cases)
    assert {case.case_id for case in (first, *rest)} == {"1", "2"}
    with connect(exporting.warehouse_url) as db:
        assert [row[0] for row in published(db, "shift")] == ["other"]


@pytest.mark.parametrize("write", [write_xes, write_csv])
def test_memory_does_not_grow_with_the_log(exporting, write):
    """Forty thousand events are written in the memory of the rows of one fetch."""
    with connect(exporting.warehouse_url) as db:
        write_published(db, "large", {"seed": [("A", START)]})
        db.execute(
            """insert into event_log.events
               select process, gen_random_uuid(), 'case ' || n / 10, n / 10, n % 10 + 1, activity, activity_key, occurred_at,
                   null, null, null, 'file', 'xes', n::text, n, 'occurred_at', now()
               from event_log.events cross join generate_series(10, 40009) as n where process = 'large'"""
        )

    class Nowhere:
        size = 0

        def write(self, some: bytes) -> None:
            self.size += len(some)

    nowhere = Nowhere()
    with open_published(exporting.warehouse_url, "large") as log:
        tracemalloc.start()
        write(log, nowhere)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert nowhere.size > 1_500_000 and peak < 12_000_000, json.dumps([nowhere.size, peak])
