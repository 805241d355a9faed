"""A connection reads and writes times and numbers alike on every server."""

from datetime import UTC, datetime

import psycopg
from psycopg import sql

from sluice.warehouse import connect


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
