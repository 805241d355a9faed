"""What people typed, copied, read or are called is nowhere: in no cell of the warehouse, in no file of the home.

The recordings are real ones and copies of them with canaries; each row lands or is quarantined.
"""

import csv
import gzip
import io
import json
import secrets
from dataclasses import replace
from datetime import date

import pytest

from extractors.agent import pipeline
from sluice import transform
from sluice.runs import RunContext, as_of_day, step
from sluice.warehouse import connect
from tests.extractors.agent.exports import (
    RPA_COLUMNS,
    SMARTRPA_COLUMNS,
    aw_text,
    bucket,
    csv_text,
    event,
    rpa_row,
    smartrpa_row,
)

REAL = (
    "tasks/reimbursement_raw.csv.gz",
    "tasks/L1.csv.gz",
    "tasks/smartrpa/banking_1.csv",
    "tasks/smartrpa/banking_2.csv",
)
TYPED = ("content", "target.value", "clipboard_content", "cell_content", "tag_value")
KINDS = (
    "Maximiliane Oberhuber {}",
    "m.oberhuber.{}@kanarien.example",
    "Kontonummer {}",
    "Vertraulich-{}",
    "{}",
    "geheim{}wort",
    "DE89 {}",
)


def canaries(count):
    """Long values that stand nowhere else: names, addresses, texts."""
    return [KINDS[n % len(KINDS)].format(secrets.token_hex(12)) for n in range(count)]


def cells(url):
    """Every text of every table and view of the warehouse: text, JSON, arrays, whatever else can hold one."""
    with connect(url) as db:
        columns = db.execute(
            """select n.nspname, c.relname, a.attname from pg_attribute as a
               inner join pg_class as c on a.attrelid = c.oid inner join pg_namespace as n on c.relnamespace = n.oid
               inner join pg_type as t on a.atttypid = t.oid
               where c.relkind in ('r', 'p', 'v', 'm') and a.attnum > 0 and not a.attisdropped
                   and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg\\_t%%'
                   and (t.typcategory in ('S', 'A', 'U') or t.typname in ('json', 'jsonb', 'bytea', 'xml'))"""
        ).fetchall()
        for schema, table, column in columns:
            for (value,) in db.execute(
                f'select distinct "{column}"::text from "{schema}"."{table}" where "{column}" is not null'
            ):
                yield value


def typed_values(content):
    """What was typed or copied in a recording, eight characters or more."""
    delimiter = ";" if content.split("\n", 1)[0].count(";") > 9 else ","
    rows = csv.DictReader(io.StringIO(content, newline=""), delimiter=delimiter)
    values = (row.get(name) or "" for row in rows for name in TYPED)
    return {value.strip() for value in values if len(value.strip()) >= 8}


def planted(columns, rows, marks, *, skip=(), **options):
    """A copy of a recording with a canary in each column of some row."""
    marks, rows = list(marks), [dict(row) for row in rows]
    targets = [name for name in columns if name not in skip]
    for number, mark in enumerate(marks):
        name = targets[number % len(targets)]
        rows[(7 * number) % len(rows)][name] = (
            mark
            if name not in ("url", "browser_url", "target.href", "tag_href")
            else f"https://{mark}.example/{mark}?q={mark}#{mark}"
        )
    return csv_text(columns, rows, **options)


def run(settings, folder, *, with_models=False):
    """A night, with the models that follow if asked for: they read nothing but raw."""
    day = date(2025, 9, 1)
    settings = replace(settings, agent_drop=folder)
    ctx = RunContext(f"extract__agent/{day}/1", "agent", day, as_of_day(day))
    with step(settings.warehouse_url, ctx, "copy"):
        version = pipeline.copy(settings, "agent", ctx)
    with step(settings.warehouse_url, ctx, "land", ends_run="landed"):
        pipeline.land(settings, "agent", version, ctx)
    if not with_models:
        return
    transform.stage(settings, "agent")
    ctx = RunContext(f"mine__desktop_work/{day}/1", "desktop_work", day, as_of_day(day))
    with step(settings.warehouse_url, ctx, "build", ends_run="published"):
        transform.build(settings, "desktop_work", ctx)


def found_in_files(home, values):
    blobs = [path.read_bytes() for path in home.rglob("*") if path.is_file()]
    return {value for value in values if any(value.encode() in blob for blob in blobs)}


def found_in_cells(url, values):
    """Values that stand in a cell, as such or as JSON writes them."""
    text = "\x00".join(cells(url)).casefold()
    return {value for value in values if value.casefold() in text or json.dumps(value)[1:-1].casefold() in text}


def test_fifty_canaries_in_all_formats_are_found_nowhere(settings, tmp_path):
    marks = canaries(120)
    rpa = [
        rpa_row(time=f"2025-03-03T09:{n:02}:00.000Z", target_tagName="INPUT", target_type="text", target_name="q1")
        for n in range(60)
    ]
    smart = [
        smartrpa_row(time=f"2025-03-03T10:{n:02}:00.000", tag_category="INPUT", tag_type="password") for n in range(60)
    ]
    drop = tmp_path / "drop"
    drop.mkdir()
    rpa_marks, smart_marks, aw_marks, name_mark = marks[:44], marks[44:94], marks[94:119], marks[119]
    (drop / f"{name_mark}.csv").write_text(planted(RPA_COLUMNS, rpa, rpa_marks, quoting=csv.QUOTE_ALL))
    (drop / "b.csv").write_text(planted(SMARTRPA_COLUMNS, smart, smart_marks, delimiter=";"))
    give = iter(aw_marks)
    (drop / "c.json").write_text(
        aw_text(
            bucket(
                *(event(f"2025-03-03T09:0{n}:00Z", 5, app=next(give), title=next(give)) for n in range(3)),
                host=next(give),
            ),
            bucket(
                *(
                    event(f"2025-03-03T09:0{n}:00Z", 5, url=f"https://{next(give)}/x", title=next(give))
                    for n in range(3)
                ),
                kind="web.tab.current",
                name=next(give),
                host="unknown",
            ),
            bucket(
                event("2025-03-03T09:00:00Z", 5, status=next(give)),
                event(next(give), 5),
                kind="afkstatus",
                name=next(give),
            ),
            bucket(
                event("2025-03-03T09:00:00Z", next(give), **{next(give): next(give)}),
                kind=next(give),
                client=next(give),
                name=next(give),
            ),
        )
    )
    run(settings, drop)
    with connect(settings.warehouse_url) as db:
        assert db.execute("select count(*), min(state), max(state) from ops.files").fetchone() == (
            3,
            "landed",
            "landed",
        )
        assert db.execute("select sum(row_count), sum(landed_count + quarantined_count) from ops.files").fetchone() == (
            129,
            129,
        )
    assert found_in_cells(settings.warehouse_url, marks) == set()
    assert found_in_files(settings.home, marks) == set()


def test_refusals_and_quarantined_rows_do_not_quote(settings, tmp_path, caplog):
    marks = canaries(6)
    drop = tmp_path / "drop"
    drop.mkdir()
    (drop / "a.csv").write_text(
        f"timeStamp,userID,targetApp,eventType,{marks[0]}\n{marks[1]},a,b,c,d\n2025-03-03T09:00:00Z,a,b,c,d\n"
    )
    (drop / "b.csv").write_text(f"{marks[2]},{marks[3]}\n")
    (drop / "c.json").write_text('{"buckets": {"x": {"events": [{"timestamp": "' + marks[4])
    (drop / "d.csv").write_text(f"timeStamp;userID;targetApp;eventType;{marks[5]}\n")
    run(settings, drop)
    assert found_in_cells(settings.warehouse_url, marks) == set()
    assert found_in_files(settings.home, marks) == set()
    assert not [mark for mark in marks if mark in caplog.text]


@pytest.mark.parametrize("with_models", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_real_recordings_land_whole_and_hold_no_typed_value(settings, tmp_path, real_data, with_models):
    drop = tmp_path / "drop"
    drop.mkdir()
    values, rows_expected, marks = set(), 0, canaries(50)
    for number, name in enumerate(REAL):
        raw = real_data(name).read_bytes()
        content = (gzip.decompress(raw) if name.endswith(".gz") else raw).decode("utf-8-sig")
        delimiter = ";" if "smartrpa" in name else ","
        rows = list(csv.DictReader(io.StringIO(content, newline=""), delimiter=delimiter))
        values |= typed_values(content)
        rows_expected += 2 * len(rows)
        (drop / f"original {number}").write_bytes(raw)
        skip = ("timeStamp", "timestamp", "eventType", "event_type", "Task", "idx", "")
        (drop / f"copy {number}").write_text(
            planted(list(rows[0]), rows, marks[number::4], skip=skip, delimiter=delimiter, line_end="\r\n")
        )
    assert len(values) > 500
    run(settings, drop, with_models=with_models)
    with connect(settings.warehouse_url) as db:
        assert db.execute("select count(*), min(state), max(state) from ops.files").fetchone() == (
            8,
            "landed",
            "landed",
        )
        landed, bad = db.execute("select sum(landed_count), sum(quarantined_count) from ops.files").fetchone()
        raw = db.execute(
            "select (select count(*) from raw_agent.rpa_logger) + (select count(*) from raw_agent.smartrpa)"
        ).fetchone()[0]
        assert landed + bad == rows_expected and raw == landed
        assert db.execute("select count(*) from quality.quarantined_rows").fetchone()[0] == bad == 0
        if with_models:
            assert db.execute("select count(*) from candidate.desktop_work__events").fetchone()[0] == landed
    assert found_in_cells(settings.warehouse_url, marks) == set()
    assert found_in_cells(settings.warehouse_url, values) == set()
    assert found_in_files(settings.home, [*marks, *values]) == set()
