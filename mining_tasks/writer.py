"""Writes results to the warehouse while others are still computed: candidate.<process>__mining_<table>, in one transaction."""

import queue
import threading
from collections.abc import Sequence
from contextvars import copy_context

import adbc_driver_postgresql.dbapi as adbc
import pyarrow as pa

from mining_tasks import io
from sluice.mined import TOUCHED, Mined
from sluice.planning import LITTLE_STATISTICS

_GIVEN_UP = object()
_MANY = 1_000  # rows, from which publishing must know how many they are: it compares them with those that are there


class Writer:
    """A thread with a connection of its own. `candidate.<process>__mining_<name>` of all `names` are replaced, with the
    columns and types of mining.<name>, and the note what they cover: all in one transaction, which the end of the block
    commits; an error in the block, or in writing, leaves everything as it was. mined: the note, as it is at the end of the
    block.
    """

    def __init__(self, url: str, process: str, names: Sequence[str], mined: Mined):
        self._url, self._process, self._names, self.mined = url, process, names, mined
        self._waiting: queue.SimpleQueue[tuple[str, pa.Table] | object | None] = queue.SimpleQueue()
        self._failure: BaseException | None = None
        work = copy_context().run  # a connection that is held is held for this thread, too
        self._thread = threading.Thread(target=work, args=(self._work,), name="writes results", daemon=True)

    def __enter__(self) -> "Writer":
        self._thread.start()
        return self

    def put(self, name: str, rows: pa.Table | None) -> None:
        """Have the rows of a table written, of which there is no column `process` (None: no rows).

        A column missing or too much is a ValueError, here or at the end of the block, like whatever writing raises.
        """
        if self._failure is not None:
            raise self._failure
        if rows:
            self._waiting.put((name, rows))

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._waiting.put(None if kind is None else _GIVEN_UP)
        self._thread.join()
        if kind is None and self._failure is not None:
            raise self._failure

    def _work(self) -> None:
        try:
            with io.connection_of_its_own(self._url) as db, db.cursor() as cursor:
                if self.mined.scope == TOUCHED:
                    cursor.execute(f"set {LITTLE_STATISTICS}")
                io.make_empty(cursor, self._process, self._names)
                while (found := self._waiting.get()) is not None:
                    if found is _GIVEN_UP:
                        return
                    self._write(cursor, *found)
                io.write_note(cursor, self._process, self.mined)
                db.commit()
        except BaseException as error:  # noqa: BLE001 - whoever puts results or ends the block raises it
            self._failure = error

    def _write(self, cursor: adbc.Cursor, name: str, rows: pa.Table) -> None:
        cursor.execute(f"select * from {io.quoted('mining', name)} limit 0")
        rows = io.shaped(self._process, name, rows, cursor.fetch_arrow_table().schema)
        target = f"{self._process}__mining_{name}"
        cursor.adbc_ingest(target, rows, mode="append", db_schema_name="candidate")
        if len(rows) >= _MANY:
            cursor.execute(f"analyze {io.quoted('candidate', target)}")
