"""A vacuum that never ends, for what must not wait for one."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql


@contextmanager
def vacuuming(url: str, schema: str) -> Iterator[None]:
    """Every table of the schema is locked as a vacuum locks it; who waits for it two seconds fails."""
    with psycopg.connect(url) as db:
        name = sql.Identifier(db.info.dbname)
        db.execute(sql.SQL("alter database {} set lock_timeout = '2s'").format(name))
        db.commit()
        for (table,) in db.execute("select tablename from pg_tables where schemaname = %s", (schema,)).fetchall():
            locked = sql.SQL("lock table {} in share update exclusive mode")
            db.execute(locked.format(sql.Identifier(schema, table)))
        yield
        db.rollback()
        db.execute(sql.SQL("alter database {} reset lock_timeout").format(name))
