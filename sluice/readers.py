"""The roles of readers: `sluice_reader` reads the views of schema bi and nothing else, `sluice_auditor` also bi_audit.

Neither can log in; give them to your own logins: `grant sluice_reader to superset`. The views belong to the loader,
so that readers need no right on what lies behind them.
"""

import psycopg
from psycopg import sql

READER = "sluice_reader"
AUDITOR = "sluice_auditor"
SCHEMAS = {READER: ("bi",), AUDITOR: ("bi", "bi_audit")}


def grant_readers(db: psycopg.Connection) -> list[str]:
    """Make the two roles where they are missing, and grant them their views, those made later included.

    Runs in the transaction of `db`, may be repeated. Returns one clear line for each role that is missing and could not
    be made because the login has no right to create roles; the next call grants it once somebody has made it.
    """
    lines = []
    for role, schemas in SCHEMAS.items():
        if not _exists(db, role):
            try:
                with db.transaction():
                    db.execute(sql.SQL("create role {} nologin").format(sql.Identifier(role)))
            except psycopg.errors.InsufficientPrivilege:
                lines.append(
                    f"role {role} is missing and this login may not create roles: nobody but the loader can read "
                    f"the views yet; have an administrator run `create role {role} nologin`, then run again"
                )
                continue
            except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
                pass  # made meanwhile for another database of the same server
        for schema in schemas:
            names = {"schema": sql.Identifier(schema), "role": sql.Identifier(role)}
            db.execute(sql.SQL("grant usage on schema {schema} to {role}").format(**names))
            db.execute(sql.SQL("grant select on all tables in schema {schema} to {role}").format(**names))
            db.execute(
                sql.SQL("alter default privileges in schema {schema} grant select on tables to {role}").format(**names)
            )
    return lines


def _exists(db: psycopg.Connection, role: str) -> bool:
    return db.execute("select 1 from pg_roles where rolname = %s", (role,)).fetchone() is not None
