"""Rows for Odoo's tables: templates of text fields that become COPY lines, and the writer that loads them.

A row is a list of texts in the order of the table's columns, ready for COPY's text format: '\\N' is null.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg

FOLDER = Path(__file__).resolve().parent
NULL = "\\N"
_TABLE = re.compile(r"create table (\w+) \((.*?)\n\);", re.S)
_KEY = re.compile(r"alter table (\w+) add primary key \(([^)]*)\);")


def read_schema() -> dict[str, tuple[str, ...]]:
    """Table -> its columns, from schema.sql."""
    text = (FOLDER / "schema.sql").read_text()
    return {name: tuple(line.split()[0] for line in body.strip().splitlines()) for name, body in _TABLE.findall(text)}


def read_keys() -> dict[str, tuple[str, ...]]:
    """Table -> its primary key, from indexes.sql."""
    text = (FOLDER / "indexes.sql").read_text()
    return {name: tuple(column.strip() for column in key.split(",")) for name, key in _KEY.findall(text)}


class Table:
    """One table: `table.column` is the column's place in a row; `table.row(**values)` makes a row."""

    def __init__(self, name: str, columns: tuple[str, ...]) -> None:
        self._name = name
        self._columns = columns
        self._empty = [NULL] * len(columns)
        self._places: dict[tuple[str, ...], list[int]] = {}
        for place, column in enumerate(columns):
            setattr(self, column, place)

    def row(self, **values: object) -> list[str]:
        """A row with these fields; the others are null. Texts must be free of tabs, line ends and backslashes."""
        row = self._empty.copy()
        names = tuple(values)
        places = self._places.get(names)
        if places is None:
            places = self._places[names] = [self._columns.index(name) for name in names]
        for place, value in zip(places, values.values(), strict=True):
            row[place] = value if value.__class__ is str else str(value) if value.__class__ is int else text(value)
        return row


def text(value: object) -> str:
    """A value as COPY text."""
    if value is None:
        return NULL
    if value is True:
        return "t"
    if value is False:
        return "f"
    return str(value)


def cents(amount: int) -> str:
    """Cents as a decimal amount."""
    sign, amount = ("-", -amount) if amount < 0 else ("", amount)
    return f"{sign}{amount // 100}.{amount % 100:02d}"


class Schema:
    """All tables: `schema.purchase_order.state` is a place, `schema.keys[table]` the primary key."""

    def __init__(self) -> None:
        self.columns = read_schema()
        self.keys = read_keys()
        for name, columns in self.columns.items():
            setattr(self, name, Table(name, columns))


class Batch:
    """COPY lines by table, written in one go once there are enough of them (so memory stays bounded)."""

    def __init__(self, schema: Schema, *, limit: int = 60_000) -> None:
        self.schema = schema
        self.limit = limit
        self.lines: dict[str, list[str]] = {table: [] for table in schema.columns}
        self.deleted: list[tuple[str, str]] = []  # (table, condition)

    def is_full(self) -> bool:
        """Whether it is time to write."""
        return sum(map(len, self.lines.values())) >= self.limit

    def clear(self) -> None:
        """Forget all lines."""
        for lines in self.lines.values():
            lines.clear()
        self.deleted.clear()

    def take(self) -> Iterator[tuple[str, bytes]]:
        """Give all lines away, as (table, what COPY reads)."""
        for table, lines in self.lines.items():
            if lines:
                yield table, ("\n".join(lines) + "\n").encode()
                lines.clear()

    def add(self, other: "Batch") -> None:
        """Take over the lines and deletions of another batch."""
        for table, lines in other.lines.items():
            self.lines[table] += lines
        self.deleted += other.deleted
        other.clear()

    def upsert_into(self, db: psycopg.Connection) -> None:
        """Insert new rows, update the ones that differ, leave equal ones alone; then delete; and forget all."""
        for table, lines in self.lines.items():
            if not lines:
                continue
            columns, key = self.schema.columns[table], self.schema.keys[table]
            names, keys = ", ".join(columns), ", ".join(key)
            db.execute(f"create temp table incoming (like {table}) on commit drop")
            copy_into(db, "incoming", columns, ("\n".join(lines) + "\n").encode())
            others = [column for column in columns if column not in key]
            if others:
                changes = ", ".join(f"{column} = excluded.{column}" for column in others)
                action = (
                    f"update set {changes} where row({', '.join(f't.{column}' for column in others)}) "
                    f"is distinct from row({', '.join(f'excluded.{column}' for column in others)})"
                )
            else:
                action = "nothing"
            db.execute(
                f"insert into {table} as t ({names}) select {names} from incoming on conflict ({keys}) do {action}"
            )
            db.execute("drop table incoming")
        for table, condition in self.deleted:
            db.execute(f"delete from {table} where {condition}")
        self.clear()


def copy_into(db: psycopg.Connection, table: str, columns: tuple[str, ...], lines: bytes) -> None:
    """Append lines to a table."""
    with db.cursor() as cursor, cursor.copy(f"copy {table} ({', '.join(columns)}) from stdin") as copy:
        copy.write(lines)
