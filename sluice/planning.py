"""What the planner is told where it cannot know better."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

MOST = 20_000  # cases of which an array is made: what they touch of a table fits into BITMAP
BITMAP = 64 * 1024 * 1024  # bytes: a million pages; where more are hit, each row is held against the whole array


def are_few(db: psycopg.Connection, table: str) -> bool:
    """Whether a table (a name that needs no quotes) has no more than `MOST` rows."""
    return db.execute(f"select count(*) from (select from {table} limit {MOST + 1}) as counted").fetchone()[0] <= MOST


def one_of(query: str, *, is_few: bool) -> str:
    """SQL, to be put after a column: that it is one of what a query finds. Few are handed to the index as an array."""
    return f"= any (array({query}))" if is_few else f"in ({query})"


@contextmanager
def in_order_of_storage(db: psycopg.Connection, *, is_few: bool) -> Iterator[None]:
    """Within the block, few rows that an index finds are read in the order in which they lie, several pages at a time (as
    a bitmap); within a transaction only. Many are left to the planner.

    The rows of a night's few cases lie all over a large table: one after the other, each page that is not in memory is
    waited for. The planner, which takes an array of unknown length for a short one, would do that.
    """
    if not is_few:
        yield
        return
    *before, memory = db.execute(
        """select current_setting('enable_indexscan'), current_setting('work_mem'),
               greatest(pg_size_bytes(current_setting('work_mem')), %s) / 1024 || 'kB'""",
        (BITMAP,),
    ).fetchone()
    _set(db, "off", memory)
    yield
    _set(db, *before)  # not after an error: the transaction ends, and the settings with it


def _set(db: psycopg.Connection, indexscan: str, memory: str) -> None:
    db.execute("select set_config('enable_indexscan', %s, true), set_config('work_mem', %s, true)", (indexscan, memory))
