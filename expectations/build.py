"""What is known of a build: the one row of candidate.<process>__build, left by whatever made the candidate tables."""

from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg import sql
from psycopg.rows import class_row


@dataclass(frozen=True)
class Build:
    """What the candidate tables were built from: the one row of candidate.<process>__build."""

    run_id: str
    as_of: datetime
    gated_version: int
    upto_version: int
    is_full_rebuild: bool
    fingerprint: str


def read_build(db: psycopg.Connection, process: str) -> Build | None:
    """The build that made the candidate tables of a process; None when there is none."""
    if not exists(db, "candidate", f"{process}__build"):
        return None
    with db.cursor(row_factory=class_row(Build)) as cursor:
        return cursor.execute(
            sql.SQL("select run_id, as_of, gated_version, upto_version, is_full_rebuild, fingerprint from {}").format(
                sql.Identifier("candidate", f"{process}__build")
            )
        ).fetchone()


def exists(db: psycopg.Connection, schema: str, table: str) -> bool:
    """Whether there is a table or view of this name."""
    return db.execute(
        "select to_regclass(format('%%I.%%I', %s::text, %s::text)) is not null", (schema, table)
    ).fetchone()[0]
