"""Versioned migrations: every file of sluice/migrations, in order, each once and in one transaction."""

import logging
from pathlib import Path

from sluice.readers import grant_readers
from sluice.warehouse.connection import connect

FOLDER = Path(__file__).resolve().parent.parent / "migrations"


def migrate(url: str) -> list[str]:
    """Bring the warehouse to this release; returns the names of the migrations that were applied now.

    Also makes the roles of readers and grants them their views; a line is logged where this login may not.
    """
    applied = []
    with connect(url) as db:
        db.execute("select pg_advisory_xact_lock(hashtext('sluice:migrate'))")
        db.execute("create schema if not exists ops")
        db.execute(
            "create table if not exists ops.migrations "
            "(name text primary key, applied_at timestamptz not null default clock_timestamp())"
        )
        done = {name for (name,) in db.execute("select name from ops.migrations")}
        for path in sorted(FOLDER.glob("*.sql")):
            if path.stem not in done:
                db.execute(path.read_text())
                db.execute("insert into ops.migrations (name) values (%s)", (path.stem,))
                applied.append(path.stem)
        for line in grant_readers(db):
            logging.getLogger("sluice").warning(line)
    return applied
