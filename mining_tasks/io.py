"""The one module of mining that reads and writes the warehouse: Arrow in, Arrow out (ADBC), integers in between.

The log that is mined is the one that publishing will leave: what is published minus the touched cases, plus the
candidate's minus the quarantined ones. It is read once and sorted by case_key, event_seq.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from datetime import datetime

import adbc_driver_postgresql.dbapi as adbc
import polars as pl
import pyarrow as pa

from mining_tasks.kept_rows import KeptRows
from sluice.errors import BadInput, SluiceError
from sluice.mined import Mined

_NUMBERS = ("smallint", "integer", "bigint", "numeric", "real", "double precision")


@dataclass(frozen=True)
class Log:
    """An event log in memory.

    events: the columns of `mining_tasks.frames`. cases: `case_key`, `case_id`, `is_open`, sorted by `case_key`.
    activities: activity_key -> activity. actions: of desktop work `case_key`, `event_seq`, `activity_key`,
    `application`, `action`, `step` (the activity, with the label of its target where there is one), `duration_us`,
    `resource_key`, else None. as_of: the horizon that the build used, None where it left no note. ranks: activity_key ->
    its declared rank, None for an activity without one.
    """

    events: pl.DataFrame
    cases: pl.DataFrame
    activities: Mapping[int, str]
    actions: pl.DataFrame | None = None
    as_of: datetime | None = None
    ranks: Mapping[int, int | None] = field(default_factory=dict)


_SIGNED = {"row": pl.UInt64, "sign": pl.Int64}
_CASES = ("case_key", "case_id", "is_open")
_IN_ORDER = ("case_key", "event_seq")
_held: ContextVar[tuple[str, adbc.Connection] | None] = ContextVar("held", default=None)
_kept: ContextVar[KeptRows | None] = ContextVar("kept", default=None)


@contextmanager
def one_connection(url: str) -> Iterator[None]:
    """Let all `connection(url)` in the block be one: the driver reads the whole catalog of types whenever it opens one."""
    with adbc.connect(url) as db:
        before = _held.set((url, db))
        try:
            yield
        finally:
            _held.reset(before)


@contextmanager
def keeping(kept: KeptRows | None) -> Iterator[None]:
    """Let what is read of a log in the block build on rows that were kept, and be kept itself."""
    before = _kept.set(kept)
    try:
        yield
    finally:
        _kept.reset(before)


def connection_of_its_own(url: str) -> adbc.Connection:
    """A new ADBC connection, to be closed by the caller; it knows the types that one held for this URL has read."""
    held = _held.get()
    return held[1].adbc_clone() if held and held[0] == url else adbc.connect(url)


@contextmanager
def connection(url: str) -> Iterator[adbc.Connection]:
    """An ADBC connection; its transaction commits at the end, or rolls back on an error."""
    held = _held.get()
    with nullcontext(held[1]) if held and held[0] == url else adbc.connect(url) as db:
        try:
            yield db
        except BaseException:
            db.rollback()
            raise
        db.commit()


def literal(value: str) -> str:
    """A text as an SQL literal (parameters would keep ADBC from using COPY)."""
    return "'" + value.replace("'", "''") + "'"


def quoted(*names: str) -> str:
    """A qualified name as an SQL identifier."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def read_log(url: str, process: str) -> Log:
    """The log of a process as it will be published; SluiceError when there is no candidate of it."""
    with connection(url) as db, db.cursor() as cursor:
        cursor.execute("set transaction isolation level repeatable read, read only")
        if not _exists(cursor, "candidate", f"{process}__events"):
            raise SluiceError(f"candidate.{process}__events: expected the table that the build makes; build it first")
        cases = _rows(cursor, process, "cases", "cases", _CASES)
        columns = (
            *_IN_ORDER,
            "activity_key",
            "occurred_at",
            "started_at",
            "hashtextextended(resource, 0) as resource_key",
        )
        events = _rows(cursor, process, "events", "events", columns, order=_IN_ORDER, made=_as_integers)
        activities = _activities(cursor, process, events["activity_key"].unique().to_list())
        ranks = _ranks(cursor, process, list(activities))
        actions = _actions(cursor, process, activities, events)
        as_of = _as_of(cursor, process)
    _check(process, events, cases)
    return Log(events=events, cases=cases, activities=activities, actions=actions, as_of=as_of, ranks=ranks)


def case_attributes(url: str, process: str, columns: Sequence[str]) -> pl.DataFrame:
    """`case_key` and the named attributes of the cases of `read_log`; BadInput names one that there is none of."""
    with connection(url) as db, db.cursor() as cursor:
        cursor.execute("set transaction isolation level repeatable read, read only")
        known = {}
        for schema, table in (("candidate", f"{process}__attributes"), ("event_log", f"{process}_attributes")):
            if _exists(cursor, schema, table):
                cursor.execute(f"select * from {quoted(schema, table)} limit 0")
                known[schema] = cursor.fetch_arrow_table().schema.names
        missing = [name for name in columns if any(name not in there for there in known.values()) or not known]
        if missing:
            there = ", ".join(known.get("candidate", [])) or "none"
            raise BadInput(f"processes/{process}.yml: no attribute {missing[0]}; expected one of its cases: {there}")
        published = f"{process}_attributes" if "event_log" in known else None
        named = ("case_key", *(quoted(name) for name in columns))
        return _rows(cursor, process, "attributes", published, named)


def resource_keys(url: str, resources: Sequence[str]) -> dict[int, str]:
    """The `resource_key` of pseudonyms."""
    if not resources:
        return {}
    listed = " union all ".join(f"select {literal(name)}::text as resource" for name in resources)
    with connection(url) as db, db.cursor() as cursor:
        found = _fetch(cursor, f"select hashtextextended(resource, 0) as key, resource from ({listed}) as r")
    return dict(found.iter_rows())


def automated_activities(url: str, process: str) -> dict[int, bool]:
    """activity_key -> whether a machine does it, as the build has it, else as it is published."""
    with connection(url) as db, db.cursor() as cursor:
        query = f"select activity_key, is_automated from event_log.activities where process = {literal(process)}"
        found = dict(_fetch(cursor, query).iter_rows())
        if _exists(cursor, "candidate", f"{process}__activities"):
            table = quoted("candidate", f"{process}__activities")
            found |= dict(_fetch(cursor, f"select activity_key, is_automated from {table}").iter_rows())
    return {key: bool(is_automated) for key, is_automated in found.items()}


def numeric_attributes(url: str, process: str, names: Iterable[str]) -> pl.DataFrame:
    """`case_key` and the columns `names` of the attributes of a process as they will be published, as float64.

    SluiceError where there is no such column, or where it holds no numbers.
    """
    return _typed_attributes(url, process, dict.fromkeys(_NUMBERS, "float8"), names, "numbers")


def plain_attributes(url: str, process: str, names: Iterable[str]) -> pl.DataFrame:
    """`case_key` and the columns `names` of the attributes of a process as they will be published: numbers as float64,
    text and truth values as they are. SluiceError where there is no such column, or where it holds something else.
    """
    kinds = dict.fromkeys(_NUMBERS, "float8") | {"text": "text", "character varying": "text", "boolean": "boolean"}
    return _typed_attributes(url, process, kinds, names, "numbers, text or truth values")


def _typed_attributes(
    url: str, process: str, kinds: Mapping[str, str], names: Iterable[str], expected: str
) -> pl.DataFrame:
    candidate = f"{process}__attributes"
    with connection(url) as db, db.cursor() as cursor:
        cursor.execute("set transaction isolation level repeatable read, read only")
        there = f"""select attname::text, format_type(atttypid, null) from pg_attribute
            where attrelid = to_regclass({literal(quoted("candidate", candidate))}) and attnum > 0 and not attisdropped"""
        types = dict(_fetch(cursor, there).iter_rows())
        for name in names:
            if types.get(name) not in kinds:
                found = f"found {types[name]}" if name in types else "there is none"
                raise SluiceError(
                    f"{process}: attribute {name}: expected a column of {expected} in {candidate}, {found}"
                )
        published = f"{process}_attributes" if _exists(cursor, "event_log", f"{process}_attributes") else None
        listed = ("case_key", *(f"{quoted(name)}::{kinds[types[name]]} as {quoted(name)}" for name in names))
        return _rows(cursor, process, "attributes", published, listed)


def candidate_cases(url: str, process: str) -> pl.Series:
    """The case_keys of the candidate."""
    with connection(url) as db, db.cursor() as cursor:
        return _fetch(cursor, f"select case_key from {quoted('candidate', f'{process}__cases')}")["case_key"]


def keep_tables(url: str, process: str, mined: Mined, names: Iterable[str]) -> dict[str, int]:
    """Leave the results as they are published but for their `as_of`; returns how many rows each of `names` has."""
    target, build = quoted("candidate", f"{process}__mining_process_kpis"), quoted("candidate", f"{process}__build")
    with connection(url) as db, db.cursor() as cursor:
        cursor.execute("select relname from pg_class where relnamespace = 'mining'::regnamespace and relkind = 'r'")
        for (table,) in cursor.fetchall():
            cursor.execute(f"drop table if exists {quoted('candidate', f'{process}__mining_{table}')}")
        cursor.execute(f"create table {target} (like mining.process_kpis)")
        cursor.execute(f"insert into {target} select * from mining.process_kpis where process = {literal(process)}")
        cursor.execute(f"update {target} set as_of = (select as_of from {build})")
        write_note(cursor, process, mined)
        counts = {}
        for name in names:
            cursor.execute(f"select count(*) from {quoted('mining', name)} where process = {literal(process)}")
            counts[name] = cursor.fetchone()[0]
        return counts


def write_note(cursor, process: str, mined: Mined) -> None:
    """candidate.<process>__mined, replaced: what the results cover."""
    note = quoted("candidate", f"{process}__mined")
    cursor.execute(f"drop table if exists {note}")
    known = {name: "null" if value is None else literal(value) for name, value in asdict(mined).items()}
    values = ", ".join(f"{value}::text as {name}" for name, value in known.items())
    cursor.execute(f"create table {note} as select {values}")


def make_empty(cursor, process: str, names: Iterable[str]) -> None:
    """candidate.<process>__mining_<name>, replaced, with the columns of mining.<name>; in one statement, as there are many."""
    statements = (
        f"drop table if exists {target}; create table {target} (like {quoted('mining', name)});"
        for name in names
        for target in (quoted("candidate", f"{process}__mining_{name}"),)
    )
    cursor.execute(f"do {literal('begin ' + ' '.join(statements) + ' end')}")


def different_rows(url: str, process: str, name: str, table: pa.Table | None) -> tuple[int, int]:
    """(how many rows of mining.<name> the process has published, how many rows these and `table` do not share).

    table: as `mining_tasks.writer` takes it. Rows are compared by their 64-bit hashes.
    """
    with connection(url) as db, db.cursor() as cursor:
        cursor.execute(f"select * from {quoted('mining', name)} where process = {literal(process)}")
        there = cursor.fetch_arrow_table()
    made = shaped(process, name, table, there.schema) if table else there.schema.empty_table()
    rows = pl.concat(
        pl.DataFrame({"row": pl.from_arrow(side).hash_rows(), "sign": [sign] * len(side)}, schema_overrides=_SIGNED)
        for side, sign in ((there, 1), (made, -1))
    )
    return len(there), rows.group_by("row").agg(pl.col("sign").sum().abs())["sign"].sum()


def shaped(process: str, name: str, table: pa.Table, schema: pa.Schema) -> pa.Table:
    """A result as the rows of mining.<name>; ValueError for a column missing or too much."""
    table = table.append_column("process", pa.array([process] * len(table), pa.string()))
    if set(schema.names) != set(table.column_names):
        raise ValueError(f"mining.{name}: expected the columns {schema.names}, found {table.column_names}")
    return table.select(schema.names).cast(schema)


def _rows(
    cursor,
    process: str,
    candidate: str,
    published: str | None,
    columns: Sequence[str],
    *,
    order: Sequence[str] = ("case_key",),
    made: Callable[[pl.DataFrame], pl.DataFrame] = lambda rows: rows,
) -> pl.DataFrame:
    """Columns of a table of the log as it will be published, in an order that begins with `case_key`: read whole, or the
    kept rows with what the touched cases have become. made: what is made of rows that were read.
    """
    kept = _kept.get()
    before = None if kept is None else kept.rows(candidate, columns)
    gone = None if before is None else _touched_keys(cursor, process, kept)
    found = None
    if gone is not None:
        fresh = made(_fetch(cursor, _everywhere(cursor, process, candidate, None, columns))).sort(*order)
        if fresh.schema == before.schema:
            stayed = before.filter(~pl.col("case_key").is_in(gone.implode()))
            found = stayed.merge_sorted(fresh, "case_key").rechunk().set_sorted("case_key")  # no case is in both
    if found is None:
        found = made(_fetch(cursor, _everywhere(cursor, process, candidate, published, columns))).sort(*order)
    if kept is not None:
        kept.keep(candidate, columns, found)
    return found


def _touched_keys(cursor, process: str, kept: KeptRows) -> pl.Series | None:
    """The case_keys of the touched cases that are published; None where the kept rows do not tell them."""
    cases = kept.rows("cases", _CASES)
    if cases is None:
        return None
    touched = _fetch(cursor, f"select case_id from {quoted('candidate', f'{process}__touched_cases')}")["case_id"]
    return cases.filter(pl.col("case_id").is_in(touched.implode()))["case_key"]


def _as_integers(events: pl.DataFrame) -> pl.DataFrame:
    """Times as microseconds."""
    times = {"occurred_at": "occurred_us", "started_at": "started_us"}
    in_us = (pl.col(name).cast(pl.Datetime("us", "UTC")).to_physical().alias(us) for name, us in times.items())
    return events.with_columns(*in_us).select(*_IN_ORDER, "activity_key", "occurred_us", "started_us", "resource_key")


def _everywhere(cursor, process: str, candidate: str, published: str | None, columns: Iterable[str]) -> str:
    """Rows of published cases that are not touched, and of candidate cases that are not quarantined."""
    listed = ", ".join(columns)
    fresh = f"select {listed} from {quoted('candidate', f'{process}__{candidate}')} as e where true"
    if _exists(cursor, "candidate", f"{process}__quarantined"):
        fresh += _unless(process, "quarantined")
    if published is None:
        return fresh
    is_shared = published in ("events", "cases")
    kept = f"select {listed} from {quoted('event_log', published)} as e where "
    kept += f"e.process = {literal(process)}" if is_shared else "true"
    if _exists(cursor, "candidate", f"{process}__touched_cases"):
        kept += _unless(process, "touched_cases")
    return f"{kept} union all {fresh}"


def _unless(process: str, listed: str) -> str:
    table = quoted("candidate", f"{process}__{listed}")
    return f" and not exists (select from {table} as t where t.case_id = e.case_id)"


def _activities(cursor, process: str, keys: list[int]) -> dict[int, str]:
    known = f"select activity_key, activity from event_log.activities where process = {literal(process)}"
    if _exists(cursor, "candidate", f"{process}__activities"):
        known += f" union select activity_key, activity from {quoted('candidate', f'{process}__activities')}"
    names = dict(_fetch(cursor, known).iter_rows())
    missing = [key for key in keys if key not in names]
    if missing:
        seen = _everywhere(cursor, process, "events", "events", ("activity_key", "activity"))
        listed = ", ".join(map(str, missing))
        found = _fetch(cursor, f"select distinct * from ({seen}) as s where activity_key in ({listed})")
        names |= dict(found.iter_rows())
    return {key: names[key] for key in keys}


def _ranks(cursor, process: str, keys: list[int]) -> dict[int, int | None]:
    """The ranks of the build's activities; those of published ones that it does not have."""
    known = f"select activity_key, rank from event_log.activities where process = {literal(process)}"
    ranks = dict(_fetch(cursor, known).iter_rows())
    if _exists(cursor, "candidate", f"{process}__activities"):
        table = quoted("candidate", f"{process}__activities")
        ranks |= dict(_fetch(cursor, f"select activity_key, rank from {table}").iter_rows())
    return {key: ranks.get(key) for key in keys}


def _actions(cursor, process: str, activities: Mapping[int, str], events: pl.DataFrame) -> pl.DataFrame | None:
    if not _exists(cursor, "candidate", f"{process}__actions"):
        return None
    columns = (*_IN_ORDER, "application", "action", "element_label", "duration_seconds")
    published = f"{process}_actions" if _exists(cursor, "event_log", f"{process}_actions") else None
    actions = _rows(cursor, process, "actions", published, columns, order=_IN_ORDER)
    names = pl.DataFrame(
        {"activity_key": list(activities), "activity": list(activities.values())},
        schema={"activity_key": pl.Int32, "activity": pl.String},
    )
    label = pl.col("element_label").cast(pl.String)
    return (
        actions.join(
            events.select("case_key", "event_seq", "activity_key", "resource_key"), on=["case_key", "event_seq"]
        )
        .join(names, on="activity_key")
        .with_columns(
            pl.when(label.is_null()).then("activity").otherwise(pl.format("{} [{}]", "activity", label)).alias("step"),
            (pl.col("duration_seconds").cast(pl.Float64) * 1_000_000).round().cast(pl.Int64).alias("duration_us"),
        )
        .select("case_key", "event_seq", "activity_key", "application", "action", "step", "duration_us", "resource_key")
        .sort("case_key", "event_seq")
    )


def _as_of(cursor, process: str) -> datetime | None:
    if not _exists(cursor, "candidate", f"{process}__build"):
        return None
    rows = _fetch(cursor, f"select as_of from {quoted('candidate', f'{process}__build')}")
    return rows.item(0, 0) if len(rows) else None


def _check(process: str, events: pl.DataFrame, cases: pl.DataFrame) -> None:
    """Every event has its case and every case its events, else the candidate is broken."""
    with_events = events.select("case_key").unique()
    sides = {"events have no case": (with_events, cases), "cases have no events": (cases, with_events)}
    for what, (left, right) in sides.items():
        lost = left.join(right, on="case_key", how="anti")
        if len(lost):
            raise SluiceError(
                f"candidate of {process}: {len(lost)} {what} (case_key {lost['case_key'].min()}); "
                "expected none: rebuild it in full"
            )
    if cases["case_key"].n_unique() != len(cases):
        raise SluiceError(
            f"candidate of {process}: a case is there twice; expected touched cases to be taken out of "
            "the published ones: rebuild it in full"
        )


def _exists(cursor, schema: str, table: str) -> bool:
    cursor.execute(f"select to_regclass({literal(quoted(schema, table))}) is not null as there")
    return bool(cursor.fetchone()[0])


def _fetch(cursor, query: str) -> pl.DataFrame:
    cursor.execute(query)
    return pl.from_arrow(cursor.fetch_arrow_table())


def timestamps(microseconds: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """Microseconds since 1970 as timestamps in UTC."""
    return microseconds.cast(pa.int64()).cast(pa.timestamp("us", "UTC"))


def is_public(url: str, process: str) -> tuple[bool, int] | None:
    """(is_case_level_public, k_anonymity) of a published process, None if it is not published yet."""
    with connection(url) as db, db.cursor() as cursor:
        rows = _fetch(
            cursor,
            f"select is_case_level_public, k_anonymity from event_log.processes where process = {literal(process)}",
        )
    return rows.row(0) if len(rows) else None


def published_order(url: str, process: str) -> tuple[str, ...]:
    """What the log of a published process is ordered by; empty if it is not published yet."""
    with connection(url) as db, db.cursor() as cursor:
        rows = _fetch(cursor, f"select order_declared from event_log.processes where process = {literal(process)}")
    return tuple(rows.item(0, 0).split(", ")) if len(rows) else ()


def as_of_us(as_of: datetime) -> int:
    """A time as microseconds since 1970."""
    return pl.Series([as_of]).cast(pl.Datetime("us", "UTC")).to_physical()[0]
