"""Versioned migrations: every file of sluice/migrations, in order, each once and in one transaction."""

import logging
from pathlib import Path

from sluice.readers import grant_readers
from sluice.roles import grant_workers
from sluice.warehouse.connection import connect
from sluice.warehouse.releases import prepare_migrations, record_migration

FOLDER = Path(__file__).resolve().parent.parent / "migrations"


def migrate(url: str) -> list[str]:
    """Bring the warehouse to this release; returns the names of the migrations that were applied now.

    Raises SluiceError, having changed nothing, when a newer release migrated it or an applied migration was edited since.
    Also makes the roles and grants each what it needs; a line is logged where this login may not.
    """
    applied = []
    with connect(url) as db:
        db.execute("select pg_advisory_xact_lock(hashtext('sluice:migrate'))")
        done = prepare_migrations(db, FOLDER)
        for path in sorted(FOLDER.glob("*.sql")):
            if path.stem not in done:
                db.execute(path.read_text())
                record_migration(db, path)
                applied.append(path.stem)
        for line in [*grant_readers(db), *grant_workers(db)]:
            logging.getLogger("sluice").warning(line)
    return applied
