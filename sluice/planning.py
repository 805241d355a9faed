"""What the planner is told where it cannot know better."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import psycopg

MOST = 20_000  # cases of which an array is made: what they touch of a table fits into BITMAP
BITMAP = 64 * 1024 * 1024  # bytes: a million pages; where more are hit, each row is held against the whole array

# for a session that analyses the tables of few cases: a tenth of PostgreSQL's own sample and lists tells enough of them, and
# analysing them takes longer than making them otherwise
LITTLE_STATISTICS = "default_statistics_target = 10"

AS_ON_SSDS = "random_page_cost = 1.1"  # dear random pages would have whole tables read for few cases' rows


def are_few(db: psycopg.Connection, table: str) -> bool:
    """Whether a table (a name that needs no quotes) has no more than `MOST` rows."""
    return db.execute(f"select count(*) from (select from {table} limit {MOST + 1}) as counted").fetchone()[0] <= MOST


def one_of(query: str, *, is_few: bool) -> str:
    """SQL, to be put after a column: that it is one of what a query finds. Few are handed to the index as an array."""
    return f"= any (array({query}))" if is_few else f"in ({query})"


def in_order_of_storage(db: psycopg.Connection, *, is_few: bool) -> AbstractContextManager[None]:
    """Within the block, few rows that an index finds are read in the order in which they lie, several pages at a time (as
    a bitmap); within a transaction only. Many are left to the planner.

    The rows of a night's few cases lie all over a large table: one after the other, each page that is not in memory is
    waited for. The planner, which takes an array of unknown length for a short one, would do that.
    """
    if not is_few:
        return nullcontext()
    memory = db.execute(
        "select greatest(pg_size_bytes(current_setting('work_mem')), %s) / 1024 || 'kB'", (BITMAP,)
    ).fetchone()[0]
    return _told(db, enable_indexscan="off", work_mem=memory)


def by_index(db: psycopg.Connection) -> AbstractContextManager[None]:
    """Within the block, few rows are looked up one by one in an index; within a transaction only."""
    return _told(db, enable_hashjoin="off", enable_mergejoin="off", enable_seqscan="off", enable_bitmapscan="off")


@contextmanager
def _told(db: psycopg.Connection, **settings: str) -> Iterator[None]:
    before = db.execute(f"select {', '.join(f'current_setting({name!r})' for name in settings)}").fetchone()
    _set(db, settings)
    yield
    _set(
        db, dict(zip(settings, before, strict=True))
    )  # not after an error: the transaction ends, and the settings with it


def _set(db: psycopg.Connection, settings: dict[str, str]) -> None:
    for name, value in settings.items():
        db.execute("select set_config(%s, %s, true)", (name, value))
