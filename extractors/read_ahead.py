"""Reads a source ahead of the warehouse: while one answer is taken in, the source's connections work at the next ones."""

import contextlib
import queue
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from extractors.source import Source

_MOST_BLOCKS = 32  # of about 256 kB each: what waits in memory, of all connections together
_LOOK_UP = 0.2  # seconds


@dataclass(eq=False)
class _Question:
    query: sql.Composed
    table: str
    what: object
    blocks: queue.Queue
    is_announced: bool = field(default=False)


class ReadAhead:
    """Queries that are answered by threads, each of which has one connection of the source to itself.

    Whoever takes the answers may ask for more meanwhile. Answers come as they begin to arrive: none is waited for while
    another could be taken in, and no connection waits for ever for one that nobody takes.
    """

    def __init__(self, sources: Sequence[Source]):
        self._sources = sources
        self._to_read: deque[_Question] = deque()
        self._changed = threading.Condition()
        self._arriving: queue.SimpleQueue[_Question] = queue.SimpleQueue()
        self._unanswered = 0
        self._is_given_up = threading.Event()
        self._threads = [
            threading.Thread(target=self._read, args=(source,), name="reads ahead", daemon=True) for source in sources
        ]
        for thread in self._threads:
            thread.start()

    def ask(self, query: sql.Composed, table: str, what: object, *, is_next: bool = False) -> None:
        """Have `query` read, before all others that wait if `is_next`. table: its name, for errors. what: comes back with
        the answer."""
        question = _Question(query, table, what, queue.Queue(max(_MOST_BLOCKS // len(self._sources), 1)))
        with self._changed:
            self._unanswered += 1
            (self._to_read.appendleft if is_next else self._to_read.append)(question)
            self._changed.notify()

    def answers(self) -> Iterator[tuple[object, Iterator[bytes]]]:
        """What was asked with, and the rows as `Source.blocks` gives them, to be taken in to their end before the next
        answer; ends when nothing that was asked is left. Raises what reading raised."""
        while self._unanswered:
            question = self._arriving.get()
            yield question.what, self._blocks(question)
            self._unanswered -= 1

    def give_up(self) -> None:
        """Stop reading, wherever it is, and leave the source with nothing to do."""
        self._is_given_up.set()
        with self._changed:
            self._changed.notify_all()
        for source, thread in zip(self._sources, self._threads, strict=True):
            while thread.is_alive():  # again: the first may come in between two queries
                with contextlib.suppress(psycopg.Error):
                    source.db.cancel_safe(timeout=5)
                thread.join(_LOOK_UP)

    @staticmethod
    def _blocks(question: _Question) -> Iterator[bytes]:
        while (found := question.blocks.get()) is not None:
            if isinstance(found, BaseException):
                raise found
            yield found

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
            self._changed.wait_for(lambda: self._to_read or self._is_given_up.is_set())
            return None if self._is_given_up.is_set() else self._to_read.popleft()

    def _hand_over(self, question: _Question, found: bytes | BaseException | None) -> None:
        while not self._is_given_up.is_set():
            with contextlib.suppress(queue.Full):
                question.blocks.put(found, timeout=_LOOK_UP)
                break
        if not question.is_announced:
            question.is_announced = True
            self._arriving.put(question)


@contextmanager
def reading_ahead(sources: Sequence[Source]) -> Iterator[ReadAhead]:
    """Read ahead on these connections within the block; whatever ends the block ends the reading."""
    ahead = ReadAhead(sources)
    try:
        yield ahead
    finally:
        ahead.give_up()
