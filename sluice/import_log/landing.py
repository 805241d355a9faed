"""Where the rows of a file land: a temporary table of the import's own transaction, filled by COPY.

People are pseudonyms, and what looks personal is too, before a row leaves this process; long texts never do.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import TracebackType

import psycopg

from sluice.errors import BadInput
from sluice.import_log.attributes import LONGEST_TEXT, holds_email, is_personal
from sluice.pseudonyms import Pseudonymiser

MOST_REJECTS = 100_000
LONGEST_KEY = 500  # characters of a case id or an activity: both are indexed
_COLUMNS = (
    "row",
    "case_id",
    "activity",
    "occurred_at",
    "started_at",
    "lifecycle",
    "resource",
    "instance",
    "attributes",
)


@dataclass
class Found:
    """What reading a file showed, for the report and the record of the run."""

    rejects: list[tuple[int, str, str]] = field(default_factory=list)  # row, check, reason
    counts: Counter = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)


class Landing:
    """COPY into `pg_temp.import_events`, as a context manager; one row per event, in file order.

    where: how messages name the file. extra: names of further columns (CSV); they land as x0, x1, … and are judged when
    all rows are there.
    """

    def __init__(
        self,
        db: psycopg.Connection,
        people: Pseudonymiser,
        extra: Sequence[str] = (),
        *,
        plain: frozenset[str] = frozenset(),
        personal: frozenset[str] = frozenset(),
        where: str = "the log",
    ):
        self.found = Found()
        self.free_text: set[str] = set()  # attributes with a value too long to be one
        self.hidden: set[str] = set()  # attributes that became pseudonyms
        self._where = where
        self._db, self._people, self._extra = db, people, tuple(extra)
        self._plain, self._personal = plain, personal
        self._pseudonyms: dict[str, str] = {}
        self._is_personal: dict[str, bool] = {}

    def __enter__(self) -> "Landing":
        names = [*_COLUMNS, *(f"x{number}" for number in range(len(self._extra)))]
        types = {"row": "bigint", "occurred_at": "timestamptz", "started_at": "timestamptz"}
        self._db.execute("drop table if exists pg_temp.import_events")
        self._db.execute(
            "create temporary table import_events ("
            + ", ".join(f"{name} {types.get(name, 'text')}" for name in names)
            + ")"
        )
        self._cursor = self._db.cursor()
        self._copying = self._cursor.copy(f"copy pg_temp.import_events ({', '.join(names)}) from stdin")
        self.write = self._copying.__enter__().write_row
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._copying.__exit__(kind, error, trace)
        self._cursor.close()

    def reject(self, row: int, check: str, reason: str) -> None:
        """Set a row aside with its reason (never its content)."""
        rejects = self.found.rejects
        rejects.append((row, check, reason))
        if len(rejects) > MOST_REJECTS:
            raise BadInput(
                f"{self._where}: more than {MOST_REJECTS:,} rows cannot be used (the first: {rejects[0][2]}): "
                "is the right column mapped to the right part?"
            )

    def person(self, name: str) -> str:
        """The pseudonym of a resource."""
        known = self._pseudonyms.get(name)
        if known is None:
            known = self._pseudonyms[name] = self._people.person("email" if holds_email(name) else "erp_login", name)
        return known

    def case(self, column: str, case: str) -> str:
        """The case's id as it may land: a pseudonym where it is an e-mail address or was declared personal."""
        if ("@" in case and column not in self._plain and holds_email(case)) or column in self._personal:
            self.hidden.add(column)
            return self.person(case)
        return case

    def attribute(self, name: str, value: str) -> str | None:
        """A value of an attribute as it may land: a pseudonym if it is personal, nothing if it is free text."""
        personal = self._is_personal.get(name)
        if personal is None:
            personal = self._is_personal[name] = name in self._personal or (
                is_personal(name) and name not in self._plain
            )
        if personal or ("@" in value and name not in self._plain and holds_email(value)):
            self.hidden.add(name)
            return self.person(value)
        if len(value) > LONGEST_TEXT:
            self.free_text.add(name)
            return None
        return value

    def attributes(self, values: dict[str, str]) -> str | None:
        """The attributes of a case as JSON, or None."""
        kept = {name: self.attribute(name, value) for name, value in values.items()}
        return json.dumps(kept, ensure_ascii=False) if kept else None
