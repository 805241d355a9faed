"""Take in the tables of a Postgres source: what is asked of it, in which order, and how its answers come into the landing.

Of a table whose keys travel as bits the source makes one pass, which tells its keys and which of its rows are to be read;
then those rows are asked for by their keys, or by the condition again where they are many.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from extractors.keys import belonging, compare_keys, copy_keys, count_news, is_packed, keys_query, news_by_key, pipe
from extractors.landing import SINCE, WHOLE, create_landing_table, missing_table
from extractors.raw import RawState
from extractors.read_ahead import ReadAhead
from extractors.source import Source, SourceTable

# rows are asked for by key up to this number, and this share of the table's: one pass over a table costs less than its index
_MOST_BY_KEY, _MOST_SHARE_BY_KEY = 250_000, 0.05


@dataclass(frozen=True)
class Reading:
    """How a table is read. state: of its raw table. condition: of its rows, None where it is read whole."""

    table: SourceTable
    state: RawState
    kind: str
    watermark: str | None
    condition: sql.Composable | None


@dataclass
class Taken:
    """What of a table is in the landing. missing: temporary table of keys whose rows are not there yet, if any."""

    target: sql.Identifier
    row_count: int = 0
    key_count: int | None = None
    missing: sql.Identifier | None = None
    seconds: float = 0.0


def take_in(
    db: psycopg.Connection, source: Source, ahead: ReadAhead, readings: Sequence[Reading], raw_version: int
) -> dict[str, Taken]:
    """Have the source read as `readings` say, and take in what it answers; returns what is in the landing, by table.

    raw_version: the load that had landed last before `db` looked at raw.
    """
    intake = _Intake(db, source, ahead, readings, raw_version)
    for take, blocks in ahead.answers():
        began = time.monotonic()
        taken = take(blocks)
        taken.seconds += time.monotonic() - began
    return intake.taken


class _Intake:
    def __init__(
        self, db: psycopg.Connection, source: Source, ahead: ReadAhead, readings: Sequence[Reading], raw_version: int
    ):
        self._db, self._source, self._ahead, self._raw_version = db, source, ahead, raw_version
        self._rows_wanted: set[str] = {reading.table.spec.name for reading in readings}
        self._readings = {reading.table.spec.name: reading for reading in readings}
        self._belonging: dict[str, list[Reading]] = defaultdict(list)
        self.taken = {reading.table.spec.name: self._begin(reading) for reading in readings}
        # the longest first, or the last of them is waited for alone
        for reading in sorted(readings, key=lambda reading: -reading.table.pages):
            if not self._waits_for_keys(reading):
                self._ask(reading)

    def _begin(self, reading: Reading) -> Taken:
        spec, types = reading.table.spec, reading.table.types
        target = create_landing_table(self._db, self._source.spec, spec.name, types, is_kept=not reading.state.types)
        return Taken(target)

    def _waits_for_keys(self, reading: Reading) -> bool:
        """Whether its keys are asked for once those of the table are there that it belongs to."""
        belongs_to = reading.table.spec.belongs_to
        other = self._readings.get(belongs_to.table) if belongs_to else None
        if other is None or not (_is_marked(reading) and _is_marked(other)):
            return False
        self._belonging[belongs_to.table].append(reading)
        return True

    def _ask(self, reading: Reading) -> None:
        if _is_marked(reading):
            self._ask_keys(reading)
            return
        self._ask_rows(reading, reading.condition)
        if reading.kind != WHOLE:
            self._ask_for(keys_query(self._source, reading.table), reading, self._take_keys)

    def _ask_keys(self, reading: Reading, where: sql.Composable | None = None, *, is_next: bool = False) -> None:
        query = keys_query(self._source, reading.table, reading.condition, where)
        self._ask_for(query, reading, self._take_marked_keys, is_next=is_next)

    def _ask_rows(self, reading: Reading, condition: sql.Composable | None) -> None:
        spec = reading.table.spec
        self._ask_for(self._source.select(spec, spec.column_names, condition), reading, self._take_rows)

    def _ask_for(
        self,
        query: sql.Composed,
        reading: Reading,
        take: Callable[[Reading, Iterator[bytes]], Taken],
        *,
        is_next: bool = False,
    ) -> None:
        self._ahead.ask(query, reading.table.spec.name, lambda blocks: take(reading, blocks), is_next=is_next)

    def _take_marked_keys(self, reading: Reading, blocks: Iterator[bytes]) -> Taken:
        """Keys that tell which rows are to be read."""
        db, spec, table = self._db, self._source.spec, reading.table
        taken = self._take_keys(reading, blocks)
        for other in self._belonging.pop(table.spec.name, ()):
            self._ask_keys(other, belonging(db, spec, other.table), is_next=True)
        wanted = count_news(db, spec, table)
        is_few = wanted <= min(_MOST_BY_KEY, _MOST_SHARE_BY_KEY * taken.key_count)
        self._ask_rows(reading, news_by_key(db, spec, table) if is_few else reading.condition)
        return taken

    def _take_keys(self, reading: Reading, blocks: Iterator[bytes]) -> Taken:
        taken = self.taken[reading.table.spec.name]
        taken.key_count = copy_keys(self._db, self._source.spec, reading.table, blocks)
        self._compare(reading, taken)
        return taken

    def _take_rows(self, reading: Reading, blocks: Iterator[bytes]) -> Taken:
        name = reading.table.spec.name
        taken = self.taken[name]
        taken.row_count = pipe(self._db, blocks, taken.target)
        self._rows_wanted.remove(name)
        self._compare(reading, taken)
        return taken

    def _compare(self, reading: Reading, taken: Taken) -> None:
        """Hold the source's keys against raw's, once both keys and rows are there."""
        name, state = reading.table.spec.name, reading.state
        if name in self._rows_wanted or taken.key_count is None or not state.types:
            return
        query = compare_keys(self._db, self._source.spec, reading.table, self._raw_version)
        if reading.kind == SINCE:
            kept = sql.SQL("create temporary table {} on commit drop as {}")
            missing = missing_table(name)
            if self._db.execute(kept.format(sql.Identifier(missing), query)).rowcount:
                taken.missing = sql.Identifier("pg_temp", missing)


def _is_marked(reading: Reading) -> bool:
    """Whether its keys tell which rows are to be read."""
    return reading.kind != WHOLE and is_packed(reading.table)
