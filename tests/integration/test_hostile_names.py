"""Names that try to be SQL, Jinja, a format or a path: wherever a name comes from, it stays a name."""

from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest

from expectations.candidate import gate_candidate
from expectations.mining import gate_mining
from extractors.postgres import copy_source, land_source
from extractors.specs import load_spec
from mining_tasks.runner import mine
from sluice.errors import SluiceError
from sluice.import_log import run as import_log
from sluice.publish import publish
from sluice.runs import RunContext
from sluice.settings import Settings
from tests.expectations.candidates import AS_OF, DAY, START, Candidate, process, run
from tests.sluice.import_log.conftest import arguments

HOSTILE = (
    "O'Reilly",
    "'; drop table ops.runs; --",
    'a"; drop table ops.runs; --',
    "'); delete from ops.loads; select ('",
    "{{ 7 * 7 }}",
    "{% raw %}",
    "{batch}",
    "{0} {x!r} {",
    "%s %(process)s %",
    ":process :x ::text",
    "\\'; drop table ops.runs; --",
    "$$; drop table ops.runs; $$",
    "/* */ -- x",
    "a\tb",
    "=cmd|'/c calc'!A1",
    "<script>alert(1)</script>",
    "\u202egnirts",
)


@pytest.fixture
def intact(settings: Settings):
    """Fails if a schema or a table of the set-up is gone at the end."""
    tables = (
        "select schemaname, tablename from pg_tables where schemaname in ('ops', 'quality', 'mining') order by 1, 2"
    )
    with psycopg.connect(settings.warehouse_url) as db:
        before = db.execute(tables).fetchall()
    yield
    with psycopg.connect(settings.warehouse_url) as db:
        assert db.execute(tables).fetchall() == before


def test_activities_and_declared_labels(settings, intact):
    ctx = run(1)
    names = list(HOSTILE)
    cases = {f"case {number} {name}": [name, "end"] for number, name in enumerate(names)} | {"all": [*names, "end"]}
    Candidate(cases).write(settings.warehouse_url, ctx)
    declared = process(
        checks={
            "start_activities": names,
            "end_activities": ["end", *names],
            "date_only": names[:3],
            "order": [[name, "end"] for name in names],
            "max_quarantined_share": 1,
        },
    )
    gate_candidate(settings, declared, ctx)
    mine(settings, "demo", ctx)
    gate_mining(settings, declared, ctx)
    done = publish(settings, declared, ctx)
    assert (done.published_count, done.quarantined_count) == (len(cases), 0)
    with psycopg.connect(settings.warehouse_url) as db:
        found = {name for (name,) in db.execute("select activity from event_log.activities where process = 'demo'")}
        assert found == {*names, "end"}
        assert {case for (case,) in db.execute("select case_id from mining.case_kpis")} == set(cases)
    assert any("&lt;script&gt;" in page.read_text() or "<script>alert(1)" not in page.read_text()
               for page in settings.home.rglob("*.html"))  # fmt: skip


def test_a_declared_label_that_is_not_there_is_reported_as_it_is(settings, intact):
    ctx = run(1)
    Candidate({"A": ["x", "y"]}).write(settings.warehouse_url, ctx)
    declared = process(checks={"start_activities": list(HOSTILE), "max_quarantined_share": 1})
    try:
        gate_candidate(settings, declared, ctx)
    except SluiceError as error:  # blocked is fine; broken SQL is not
        assert "\n" not in str(error) and "syntax error" not in str(error)


def test_columns_and_values_of_an_imported_log(settings, intact, tmp_path):
    names = [name for name in HOSTILE if "\t" not in name]
    quoted = ",".join('"' + name.replace('"', '""') + '"' for name in names)
    path = tmp_path / 'it\'s a "log"; drop table x; --.csv'
    rows = "".join(
        f"c{number},a,2020-01-0{number}T10:00:00Z,{quoted}\n{f'c{number},b,2020-01-0{number}T11:00:00Z,{quoted}'}\n"
        for number in range(1, 6)
    )
    path.write_text(f"case,activity,time,{quoted}\n{rows}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sluice.import_log.pipeline._make_views", lambda db, settings: None)
        assert import_log(arguments("hostile", path, "--title", "'; drop table ops.runs; --"), settings) == 0
    with psycopg.connect(settings.warehouse_url) as db:
        columns = [
            name
            for (name,) in db.execute(
                "select attname::text from pg_attribute where attrelid = 'event_log.hostile_attributes'::regclass and attnum > 0"
            )
        ]
        assert len(columns) > 2
        assert all(name.isascii() and name.replace("_", "").isalnum() for name in columns)
        (row,) = db.execute("select to_jsonb(a) from event_log.hostile_attributes as a where case_id = 'c1'").fetchone()
        assert set(row.values()) >= {name for name in names if len(name) < 200 and "@" not in name}
        assert db.execute("select title from event_log.processes").fetchone() == ("'; drop table ops.runs; --",)


def test_columns_and_keys_of_a_source(settings, intact, make_database, tmp_path):
    """The names of a source's catalogue are quoted; what a spec may name is narrower than what a catalogue holds."""
    source = make_database()
    with psycopg.connect(source) as db:
        db.execute('create schema "pub""; drop schema ops; --"')
        db.execute(
            'create table "Orders$1" (id text primary key, "Group" text, "a""; drop table ops.runs; --" text, "select" text)'
        )
        for number, name in enumerate(HOSTILE):
            db.execute('insert into "Orders$1" values (%s, %s, %s, %s)', (f"{number} {name}", name, name, name))
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "tables.yml").write_text(
        "system: odd\nschema: public\ntables:\n  Orders$1:\n    key: [id]\n    columns: [id, Group, select]\n"
    )
    spec = load_spec("odd", root=tmp_path)
    settings = replace(settings, source_urls={"odd": source})
    for number in (1, 2):
        ctx = RunContext(f"extract__odd/{DAY}/'; drop table ops.runs; -- {number}", "odd", DAY, AS_OF)
        land_source(settings, spec, copy_source(settings, spec, ctx), ctx)
        with psycopg.connect(source) as db:
            db.execute('delete from "Orders$1" where id like %s', ("0 %",))
    with psycopg.connect(settings.warehouse_url) as db:
        rows = db.execute(
            'select id, "Group", "select", _is_deleted from raw_odd."Orders$1" order by _version, id'
        ).fetchall()
        assert {row[1] for row in rows} == {row[2] for row in rows} == set(HOSTILE)
        assert sum(row[3] for row in rows) == 1
        (columns,) = db.execute(
            """select array_agg(attname::text) from pg_attribute
               where attrelid = 'raw_odd."Orders$1"'::regclass and attnum > 0"""
        ).fetchone()
        assert set(columns) == {"id", "Group", "select", "_version", "_is_deleted", "_loaded_at"}


ODD_VALUES = (
    ("timestamp", ("infinity", "-infinity", "4713-01-01 00:00:00 BC", "294276-12-31 23:59:59.999999", "0001-01-01 00:00:00")),
    ("timestamptz", ("infinity", "-infinity", "4713-01-01 00:00:00+00 BC", "294276-12-31 23:59:59.999999+00")),
    ("date", ("infinity", "-infinity", "4713-01-01 BC", "5874897-12-31")),
    ("numeric", ("NaN", "Infinity", "-Infinity", "1e-16383", "1" + "0" * 1000, "0.000")),
    ("double precision", ("NaN", "Infinity", "-Infinity", "-0", "1e308", "4.9e-324")),
    ("interval", ("178000000 years", "-178000000 years", "infinity")),
    ("bigint", ("9223372036854775807", "-9223372036854775808")),
    ("json", ("null", "{}", "[" * 500 + "]" * 500, '{"a": 1, "a": 2}', '"\\ud83d\\ude00"', "1e400")),
    ("jsonb", ("null", "1e400", "[" * 500 + "]" * 500)),
    ("text", ("", " ", "\u0085", "x" * 3_000_000, "\ufffe", *HOSTILE)),
    ("bytea", ("\\x", "\\x00ff")),
    ("text[]", ("{}", "{NULL}", '{"a,b","{}"}', "{{a},{b}}")),
)  # fmt: skip


def test_odd_values_of_a_source_land_as_they_are_and_a_night_later_nothing_has_changed(
    settings, intact, make_database, tmp_path
):
    source = make_database()
    columns = {f"c{number}": kind for number, (kind, _) in enumerate(ODD_VALUES)}
    typed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    with psycopg.connect(source) as db:
        db.execute(f"create table odd (id int primary key, write_date timestamp, {typed})")
        number = 0
        for name, (kind, values) in zip(columns, ODD_VALUES, strict=True):
            for value in values:
                number += 1
                db.execute(
                    f"insert into odd (id, write_date, {name}) values (%s, '2025-01-01', %s::{kind})", (number, value)
                )
        for value in ("infinity", "-infinity", "4713-01-01 BC", "294276-12-31", None):
            number += 1
            db.execute("insert into odd (id, write_date) values (%s, %s::text::timestamp)", (number, value))
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "tables.yml").write_text(
        f"system: odd\nschema: public\ntables:\n  odd:\n    key: [id]\n    cursor: write_date\n"
        f"    columns: [id, write_date, {', '.join(columns)}]\n"
    )
    spec = load_spec("odd", root=tmp_path)
    settings = replace(settings, source_urls={"odd": source})
    changed = []
    for night in (1, 2, 3):
        ctx = RunContext(f"extract__odd/{DAY}/{night}", "odd", DAY, AS_OF)
        version = copy_source(settings, spec, ctx)
        land_source(settings, spec, version, ctx)
        with psycopg.connect(settings.warehouse_url) as db:
            changed.append(db.execute("select count(*) from raw_odd.odd where _version = %s", (version,)).fetchone()[0])
        if night == 2:
            with psycopg.connect(source) as db:
                db.execute("update odd set c9 = 'late', write_date = now() at time zone 'UTC' where id = 1")
    assert changed == [number, 0, 1]
    listed = ", ".join(f"{name}::text" for name in ("id", "write_date", *columns))
    with psycopg.connect(settings.warehouse_url) as db, psycopg.connect(source) as there:
        for connection in (db, there):
            connection.execute("set time zone 'UTC'")
        assert (
            db.execute(f"select {listed} from raw_odd.odd order by id").fetchall()
            == there.execute(f"select {listed} from odd order by id").fetchall()
        )


def test_odd_times_of_events_are_quarantined_not_published(settings, intact):
    ctx = run(1)
    cases = {f"good {number}": ["a", "b"] for number in range(40)}
    for number in range(5):
        cases[f"odd {number}"] = [("a", START), ("b", START + timedelta(hours=1))]
    Candidate(cases).write(settings.warehouse_url, ctx)
    with psycopg.connect(settings.warehouse_url) as db:
        for number, value in enumerate(("infinity", "-infinity", "4713-01-01 BC", "294276-12-31", "0001-01-01")):
            edge = "max" if number in (0, 3) else "min"
            db.execute(
                f"""update candidate.demo__events set occurred_at = %s::text::timestamptz
                    where case_id = %s and event_seq = (
                        select {edge}(event_seq) from candidate.demo__events where case_id = %s)""",
                (value, f"odd {number}", f"odd {number}"),
            )
            column = "ended_at" if edge == "max" else "started_at"
            db.execute(
                f"update candidate.demo__cases set {column} = %s::text::timestamptz where case_id = %s",
                (value, f"odd {number}"),
            )
    declared = process(checks={"max_quarantined_share": 1})
    gate_candidate(settings, declared, ctx)
    mine(settings, "demo", ctx)
    gate_mining(settings, declared, ctx)
    done = publish(settings, declared, ctx)
    assert (done.published_count, done.quarantined_count) == (40, 5)
