"""A connection reads and writes times and numbers alike on every server."""

import os
import time
from contextlib import ExitStack
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg import sql

from sluice.errors import Unreachable
from sluice.warehouse import connect
from sluice.warehouse.connection import at_work


def test_the_servers_ways_of_writing_times_and_numbers_do_not_matter(make_database):
    url = make_database()
    name = sql.Identifier(url.rsplit("/", 1)[1])
    with psycopg.connect(url, autocommit=True) as db:
        for setting, value in (
            ("datestyle", "SQL, DMY"),
            ("timezone", "Asia/Tokyo"),
            ("intervalstyle", "iso_8601"),
            ("extra_float_digits", "-15"),
        ):
            db.execute(
                sql.SQL("alter database {} set {} = {}").format(name, sql.Identifier(setting), sql.Literal(value))
            )
    with connect(url) as db:
        found = db.execute(
            """select '2025-03-01 09:00+00'::timestamptz, '2025-03-01 09:00+00'::timestamptz::text,
                      '90 minutes'::interval::text, (0.1::float8 + 0.2)::text"""
        ).fetchone()
    assert found == (
        datetime(2025, 3, 1, 9, tzinfo=UTC),
        "2025-03-01 09:00:00+00",
        "01:30:00",
        "0.30000000000000004",
    )


def test_work_that_ends_out_of_turn_leaves_nothing_behind(warehouse_url, monkeypatch):
    monkeypatch.setenv("PGAPPNAME", "of the user")
    first, second = ExitStack(), ExitStack()
    first.enter_context(at_work("first", patience=60))
    second.enter_context(at_work("second", patience=60))
    first.close()
    assert os.environ["PGAPPNAME"] == "second"
    with connect(warehouse_url) as db:
        assert db.execute("show application_name").fetchone() == ("second",)
    second.close()
    assert os.environ["PGAPPNAME"] == "of the user"
    began = time.monotonic()
    with pytest.raises(Unreachable):
        connect("postgresql://someone:hidden@127.0.0.1:1/none")
    assert time.monotonic() - began < 10, "nothing is waited for"
