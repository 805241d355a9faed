"""What the planner is told where it cannot know better."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg


@contextmanager
def in_order_of_storage(db: psycopg.Connection) -> Iterator[None]:
    """Within the block, rows that an index finds are read in the order in which they lie, several pages at a time (as a
    bitmap); within a transaction only.

    The rows of a night's few cases lie all over a large table: one after the other, each page that is not in memory is
    waited for. The planner, which takes an array of unknown length for a short one, would do that.
    """
    db.execute("set local enable_indexscan = off")
    yield
    db.execute("set local enable_indexscan = on")  # not after an error: the transaction ends, and the setting with it
