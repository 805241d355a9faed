"""Reads a source ahead of the warehouse: while one answer is taken in, the source's connections work at the next ones."""

import contextlib
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from extractors.source import BATCH_BYTES, Source

_MOST_BYTES = 32 * BATCH_BYTES  # what waits in memory, of all connections together
_LOOK_UP = 0.2  # seconds


@dataclass(eq=False)
class _Question:
    """blocks: what has been read and not been taken, then None or an error."""

    query: sql.Composed
    table: str
    what: object
    blocks: deque[bytes | BaseException | None] = field(default_factory=deque)
    is_arriving: bool = False


class ReadAhead:
    """Queries that are answered by threads, each of which has one connection of the source to itself.

    Whoever takes the answers may ask for more meanwhile. Answers come as they begin to arrive: none is waited for while
    another could be taken in, and no connection waits for ever for one that nobody takes.
    """

    def __init__(self, sources: Sequence[Source]):
        self._sources = sources
        self._to_read: deque[_Question] = deque()
        self._arriving: deque[_Question] = deque()
        self._taken: _Question | None = None
        self._unanswered = self._waiting_bytes = 0
        self._is_given_up = False
        self._changed = threading.Condition()  # of all of the above
        self._threads = [
            threading.Thread(target=self._read, args=(source,), name="reads ahead", daemon=True) for source in sources
        ]
        for thread in self._threads:
            thread.start()

    def ask(self, query: sql.Composed, table: str, what: object, *, is_next: bool = False) -> None:
        """Have `query` read, before all others that wait if `is_next`. table: its name, for errors. what: comes back with
        the answer."""
        question = _Question(query, table, what)
        with self._changed:
            self._unanswered += 1
            (self._to_read.appendleft if is_next else self._to_read.append)(question)
            self._changed.notify_all()

    def answers(self) -> Iterator[tuple[object, Iterator[bytes]]]:
        """What was asked with, and the rows as `Source.blocks` gives them, to be taken in to their end before the next
        answer; ends when nothing that was asked is left. Raises what reading raised."""
        while self._unanswered:
            with self._changed:
                self._changed.wait_for(lambda: self._arriving)
                self._taken = self._arriving.popleft()
                self._changed.notify_all()
            yield self._taken.what, self._blocks(self._taken)
            with self._changed:
                self._unanswered -= 1

    def give_up(self) -> None:
        """Stop reading, wherever it is, and leave the source with nothing to do."""
        with self._changed:
            self._is_given_up = True
            self._changed.notify_all()
        for source, thread in zip(self._sources, self._threads, strict=True):
            while thread.is_alive():  # again: the first may come in between two queries
                with contextlib.suppress(psycopg.Error):
                    source.db.cancel_safe(timeout=5)
                thread.join(_LOOK_UP)

    def _blocks(self, question: _Question) -> Iterator[bytes]:
        while (found := self._take(question)) is not None:
            if isinstance(found, BaseException):
                raise found
            yield found

    def _take(self, question: _Question) -> bytes | BaseException | None:
        with self._changed:
            self._changed.wait_for(lambda: question.blocks)
            found = question.blocks.popleft()
            self._waiting_bytes -= _size(found)
            self._changed.notify_all()
            return found

    def _read(self, source: Source) -> None:
        while (question := self._next()) is not None:
            try:
                for block in source.blocks(question.query, question.table):
                    # to nobody, once given up: a server that cannot send does not hear of it
                    self._hand_over(question, block)
                self._hand_over(question, None)
            except BaseException as error:  # noqa: BLE001 - whoever takes the answer raises it
                self._hand_over(question, error)
                return

    def _next(self) -> _Question | None:
        with self._changed:
            self._changed.wait_for(lambda: self._to_read or self._is_given_up)
            return None if self._is_given_up else self._to_read.popleft()

    def _hand_over(self, question: _Question, found: bytes | BaseException | None) -> None:
        """Once there is room: for one block there always is, if it is waited for."""

        def is_room() -> bool:
            is_awaited = question is self._taken and not question.blocks
            return self._is_given_up or is_awaited or self._waiting_bytes < _MOST_BYTES

        with self._changed:
            self._changed.wait_for(is_room)
            if self._is_given_up:
                return
            question.blocks.append(found)
            self._waiting_bytes += _size(found)
            if not question.is_arriving:
                question.is_arriving = True
                self._arriving.append(question)
            self._changed.notify_all()


def _size(found: bytes | BaseException | None) -> int:
    return len(found) if isinstance(found, bytes) else 0


@contextmanager
def reading_ahead(sources: Sequence[Source]) -> Iterator[ReadAhead]:
    """Read ahead on these connections within the block; whatever ends the block ends the reading."""
    ahead = ReadAhead(sources)
    try:
        yield ahead
    finally:
        ahead.give_up()
