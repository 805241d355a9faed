"""What in a database is Sluice's: its schemas and its roles, for backups and for a clean removal."""

import psycopg

from extractors.systems import list_systems
from sluice.readers import AUDITOR, READER
from sluice.roles import WORKERS

ROLES = (READER, AUDITOR, *WORKERS)
_FIXED = ("staging", "intermediate", "candidate", "event_log", "mining", "quality", "ops", "bi", "bi_audit")
# a source system that this checkout does not have any more left a table of record
_MARKS = ("_tables", "_pseudonyms", "_derivations", "_load")


def sluice_schemas(db: psycopg.Connection) -> list[str]:
    """The schemas of Sluice that are in the database, sorted."""
    systems = [f"{layer}_{system}" for layer in ("raw", "landing") for system in list_systems()]
    rows = db.execute(
        """select n.nspname::text from pg_namespace as n
           where n.nspname = any(%s)
              or (n.nspname ~ '^(raw|landing)_' and exists (
                  select from pg_class as c where c.relnamespace = n.oid and c.relname = any(%s)))
           order by n.nspname""",
        ([*_FIXED, *systems], list(_MARKS)),
    )
    return [name for (name,) in rows]


def sluice_roles(db: psycopg.Connection) -> list[str]:
    """The roles of Sluice that the server has."""
    rows = db.execute("select rolname::text from pg_roles where rolname = any(%s) order by rolname", (list(ROLES),))
    return [name for (name,) in rows]
