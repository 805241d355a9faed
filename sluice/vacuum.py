"""What a full publish fills, and vacuums and analyses at once, so that the server need not do it beside the nights to come."""

from collections.abc import Iterable

import psycopg
from psycopg import sql

from sluice.mined import PER_CASE

SHARED = (  # tables of all processes, of which the miner owns none: `sluice.roles` lets it
    ("quality", "findings"),
    ("quality", "daily_counts"),
    ("ops", "case_rows"),
    *(("mining", name) for name in (*PER_CASE, "predictions")),
)


def vacuum_filled(db: psycopg.Connection, process: str, own: Iterable[str]) -> None:
    """Vacuum and analyse the tables that a full publish of the process has filled, outside of a transaction.

    own: event_log.<process>_<name> of these names are among them. The next gate and the next publish plan their queries by
    what is there. No table is made shorter, for which readers would wait. What the login may not vacuum (before PostgreSQL
    17 only an owner may), PostgreSQL leaves with a warning.
    """
    names = (f"events__{process}", f"cases__{process}", *(f"{process}_{name}" for name in own))
    for schema, table in (*(("event_log", name) for name in names), *SHARED):
        db.execute(sql.SQL("vacuum (analyze, truncate false) {}").format(sql.Identifier(schema, table)))
