"""Reads a source ahead of the warehouse: while one table is taken in and compared, the source is at the next."""

import contextlib
import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import psycopg
from psycopg import sql

from extractors.source import Source

_MOST_BLOCKS = 32  # of about 256 kB each: what waits in memory
_LOOK_UP = 0.2  # seconds


class ReadAhead:
    """The rows of several queries, in their order, read by a thread that has the source's connection to itself."""

    def __init__(self, source: Source, queries: Sequence[tuple[sql.Composed, str]]):
        self._source, self._queries = source, queries
        self._waiting: queue.Queue[bytes | BaseException | None] = queue.Queue(_MOST_BLOCKS)
        self._is_given_up = threading.Event()
        self._thread = threading.Thread(target=self._read, name="reads ahead", daemon=True)
        self._thread.start()

    def blocks(self) -> Iterator[bytes]:
        """The rows of the next query, as `Source.blocks` gives them; raises what reading them raised."""
        while (found := self._waiting.get()) is not None:
            if isinstance(found, BaseException):
                raise found
            yield found

    def give_up(self) -> None:
        """Stop reading, wherever it is, and leave the source with nothing to do."""
        self._is_given_up.set()
        while self._thread.is_alive():  # again: the first may come in between two queries
            with contextlib.suppress(psycopg.Error):
                self._source.db.cancel_safe(timeout=5)
            self._thread.join(_LOOK_UP)

    def _read(self) -> None:
        try:
            for query, table in self._queries:
                for block in self._source.blocks(query, table):
                    self._hand_over(block)  # to nobody, once given up: a server that cannot send does not hear of it
                if not self._hand_over(None):
                    return
        except BaseException as error:  # noqa: BLE001 - whoever waits for the blocks raises it
            self._hand_over(error)

    def _hand_over(self, found: bytes | BaseException | None) -> bool:
        """False: nobody waits for it any more."""
        while not self._is_given_up.is_set():
            with contextlib.suppress(queue.Full):
                self._waiting.put(found, timeout=_LOOK_UP)
                return True
        return False


@contextmanager
def reading_ahead(source: Source, queries: Sequence[tuple[sql.Composed, str]]) -> Iterator[ReadAhead]:
    """Read `queries` (each with its table's name) while the block takes them in; whatever ends the block ends the reading."""
    ahead = ReadAhead(source, queries)
    try:
        yield ahead
    finally:
        ahead.give_up()
