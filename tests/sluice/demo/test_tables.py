"""The demo's tables: every column that the extractor reads, with the names and types of a real Odoo."""

from pathlib import Path

import psycopg
import yaml

from sluice.demo.tables import cents, read_keys, read_schema

PROJECT = Path(__file__).resolve().parents[3]


def _spec() -> dict:
    return yaml.safe_load((PROJECT / "extractors/odoo/tables.yml").read_text())["tables"]


def test_all_that_the_extractor_reads_is_there() -> None:
    schema, keys = read_schema(), read_keys()
    for table, spec in _spec().items():
        columns = {column if isinstance(column, str) else column["name"] for column in spec["columns"]}
        assert columns | set(spec.get("personal", [])) <= set(schema[table]), table
        assert list(keys[table]) == spec["key"], table


def test_every_table_has_rows_and_personal_data_that_must_not_be_read(made) -> None:
    with psycopg.connect(made.url) as db:
        for table, spec in _spec().items():
            assert db.execute(f"select count(*) > 0 from {table}").fetchone()[0], table
            if spec.get("personal"):
                filled = " + ".join(f"count({column})" for column in spec["personal"])
                assert db.execute(f"select {filled} from {table}").fetchone()[0] > 0, table


def test_amounts_are_written_to_the_cent() -> None:
    assert [cents(n) for n in (0, 5, 100, -1, -12345)] == ["0.00", "0.05", "1.00", "-0.01", "-123.45"]


def test_types_are_those_of_a_real_odoo(made, real_data) -> None:
    import gzip
    import re

    types = {}
    with gzip.open(real_data("odoo/odoo.sql.gz"), "rt") as dump:
        table = None
        for line in dump:
            if found := re.match(r"CREATE TABLE public\.(\w+) \(", line):
                table = found[1]
            elif line.startswith(");"):
                table = None
            elif table and (found := re.match(r"    \"?(\w+)\"? (.+?)(?: DEFAULT .*?)?( NOT NULL)?,?$", line)):
                types[table, found[1]] = found[2], bool(found[3])
            if line.startswith("COPY "):
                break
    with psycopg.connect(made.url) as db:
        rows = db.execute(
            """select c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull
               from pg_attribute a join pg_class c on c.oid = a.attrelid
               where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attnum > 0"""
        ).fetchall()
    assert {(table, column): (kind, required) for table, column, kind, required in rows}.items() <= types.items()
