"""Table specs: what is read of a source system, as data (`extractors/<system>/tables.yml`).

Everything else in this package works from these specs and knows no system by name.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sluice.errors import BadInput
from sluice.yaml_files import is_identifier, read_yaml
from sluice.yaml_files import shown as short

ROOT = Path(__file__).resolve().parent
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")
_OVERLAP = re.compile(r"([0-9]{1,6})\s+(day|hour|minute)s?")
_RESERVED = ("_version", "_is_deleted", "_loaded_at")
_SYSTEM_FIELDS = {"system", "title", "schema", "timezone", "overlap", "connections", "pseudonyms", "tables"}
_TABLE_FIELDS = {
    "key",
    "cursor",
    "columns",
    "index",
    "users",
    "partners",
    "where",
    "belongs_to",
    "reference",
    "personal",
}


@dataclass(frozen=True)
class Column:
    """A column that is read; `expression` (source SQL) when its value is read only where it cannot be personal."""

    name: str
    expression: str | None = None


@dataclass(frozen=True)
class BelongsTo:
    """`column` holds the key of a row of `table`: those rows alone are read whose row there is read."""

    column: str
    table: str


@dataclass(frozen=True)
class TableSpec:
    """One table of a source.

    key: the columns that identify a row. cursor: the column that moves when a row changes; None: compared whole.
    users, partners: columns that hold ids of people. personal: columns of the source that are never read.
    where: source SQL of the rows that are read, that of belongs_to included; None: all.
    """

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    cursor: str | None = None
    index: tuple[tuple[str, ...], ...] = ()
    users: tuple[str, ...] = ()
    partners: tuple[str, ...] = ()
    where: str | None = None
    reference: bool = False
    personal: tuple[str, ...] = ()
    belongs_to: BelongsTo | None = None

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def fingerprint(self) -> str:
        """Of all that decides a raw row's content: another one means that the table is read whole again."""
        parts = [self.where or "", *self.key, *(f"{column.name}={column.expression or ''}" for column in self.columns)]
        return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class UserSource:
    """Where logins are: `table`.`identity` by `key`. Read in memory only."""

    table: str
    key: str
    identity: str


@dataclass(frozen=True)
class PartnerSource:
    """Where partners are, and which column of which table tells the partner of a user."""

    table: str
    key: str
    user_table: str
    user_partner: str


@dataclass(frozen=True)
class SystemSpec:
    """A source system: its tables, its zone for naive times, the overlap that a night reads again, and how many
    connections read it at once."""

    system: str
    title: str
    schema: str
    timezone: str
    overlap: timedelta
    tables: Mapping[str, TableSpec]
    users: UserSource | None = None
    partners: PartnerSource | None = None
    path: Path = field(default=ROOT, compare=False)
    connections: int = 2

    @property
    def raw_schema(self) -> str:
        return f"raw_{self.system}"

    @property
    def landing_schema(self) -> str:
        return f"landing_{self.system}"


def load_spec(system: str, *, root: Path = ROOT) -> SystemSpec:
    """Read `<root>/<system>/tables.yml`; BadInput naming file, table and what was expected."""
    path = root / system / "tables.yml"
    shown = f"extractors/{system}/tables.yml"
    try:
        text = read_yaml(path, shown)
    except FileNotFoundError:
        raise BadInput(
            f"{shown}: there is no such file: a source system is a folder of extractors/ with tables.yml"
        ) from None
    return _Reader(shown).system(system, text, path)


class _Reader:
    """Turns the parsed YAML into specs; every refusal names the file and the place in it."""

    def __init__(self, shown: str):
        self.shown = shown

    def fail(self, place: str, expected: str) -> BadInput:
        line = " ".join(f"{place}: expected {expected}".split())
        return BadInput(f"{self.shown}: {line if len(line) <= 500 else line[:497] + '...'}")

    def known(self, place: str, data: object, allowed: set[str], required: set[str]) -> dict:
        if not isinstance(data, dict):
            raise self.fail(place, "a mapping")
        if unknown := sorted(set(map(str, data)) - allowed):
            raise self.fail(place, f"only {', '.join(sorted(allowed))}, found {', '.join(unknown)}")
        if missing := sorted(required - set(data)):
            raise self.fail(place, f"{', '.join(missing)} to be given")
        return data

    def system(self, system: str, text: object, path: Path) -> SystemSpec:
        data = self.known("top level", text, _SYSTEM_FIELDS, {"system", "schema", "tables"})
        if data["system"] != system or not is_identifier(system, longest=40):
            raise self.fail("system", f"the folder's own name ({short(system)}, lower case)")
        timezone = str(data.get("timezone", "UTC"))
        try:
            ZoneInfo(timezone)
        except (KeyError, ValueError, OSError):
            raise self.fail("timezone", f"an IANA zone such as UTC or Europe/Berlin, found {short(timezone)}") from None
        tables = data["tables"]
        if not isinstance(tables, dict) or not tables:
            raise self.fail("tables", "at least one table")
        read: dict[str, TableSpec] = {}
        for name, value in tables.items():
            read[str(name)] = self.table(str(name), value, read)
        users, partners = self.people(data.get("pseudonyms"), read)
        return SystemSpec(
            system,
            self.title(data.get("title", system)),
            self.name("schema", data["schema"]),
            timezone,
            self.overlap(data.get("overlap", "2 days")),
            read,
            users,
            partners,
            path,
            self.connections(data.get("connections", 2)),
        )

    def title(self, value: object) -> str:
        if not isinstance(value, str) or not value.strip() or "\x00" in value or len(value) > 200:
            raise self.fail("title", f"a text of at most 200 characters, found {short(value)}")
        return value

    def overlap(self, value: object) -> timedelta:
        found = _OVERLAP.fullmatch(str(value).strip())
        if not found:
            raise self.fail("overlap", f"a span such as '2 days' or '6 hours', found {short(value)}")
        return timedelta(**{f"{found[2]}s": int(found[1])})

    def connections(self, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 8:
            raise self.fail("connections", f"a number from 1 to 8, found {short(value)}")
        return value

    def name(self, place: str, value: object) -> str:
        if not isinstance(value, str) or not _NAME.fullmatch(value) or len(value) > 63:
            raise self.fail(place, f"a name, found {short(value)}")
        return value

    def sql(self, place: str, value: object) -> str | None:
        if value is not None and (not isinstance(value, str) or not value.strip() or "\x00" in value):
            raise self.fail(place, f"SQL of the source, found {short(value)}")
        return value

    def flag(self, place: str, value: object) -> bool:
        if not isinstance(value, bool):
            raise self.fail(place, f"true or false, found {short(value)}")
        return value

    def names(self, place: str, value: object) -> tuple[str, ...]:
        if not isinstance(value, list):
            raise self.fail(place, "a list of names")
        return tuple(self.name(place, one) for one in value)

    def table(self, table: str, value: object, above: Mapping[str, TableSpec]) -> TableSpec:
        place = f"table {self.name('tables', table)}"
        data = self.known(place, value, _TABLE_FIELDS, {"key", "columns"})
        columns = self.columns(f"{place}: columns", data["columns"])
        declared = [column.name for column in columns]

        def among(field_name: str) -> tuple[str, ...]:
            found = self.names(f"{place}: {field_name}", data.get(field_name, []))
            if unknown := [name for name in found if name not in declared]:
                raise self.fail(f"{place}: {field_name}", f"declared columns, found {', '.join(unknown)}")
            return found

        key, cursor, personal = (
            among("key"),
            data.get("cursor"),
            self.names(f"{place}: personal", data.get("personal", [])),
        )
        if not key:
            raise self.fail(f"{place}: key", "at least one column")
        if cursor is not None and cursor not in declared:
            raise self.fail(f"{place}: cursor", f"a declared column, found {short(cursor)}")
        if both := sorted(set(personal) & set(declared)):
            raise self.fail(f"{place}: personal", f"columns that are not read, found {', '.join(both)} in both lists")
        belongs_to, where = self.belongs_to(place, data, columns, above)
        return TableSpec(
            table,
            key,
            columns,
            cursor,
            self.index(f"{place}: index", data.get("index", []), declared),
            among("users"),
            among("partners"),
            where,
            self.flag(f"{place}: reference", data.get("reference", False)),
            personal,
            belongs_to,
        )

    def belongs_to(
        self, place: str, data: dict, columns: tuple[Column, ...], above: Mapping[str, TableSpec]
    ) -> tuple[BelongsTo | None, str | None]:
        """The row that a row belongs to, and the SQL that selects rows."""
        where, value = self.sql(f"{place}: where", data.get("where")), data.get("belongs_to")
        if value is None:
            return None, where
        if where:
            raise self.fail(place, "where or belongs_to, found both")
        place = f"{place}: belongs_to"
        one = self.known(place, value, {"column", "table"}, {"column", "table"})
        column, table = self.name(place, one["column"]), self.name(place, one["table"])
        if Column(column) not in columns:
            raise self.fail(place, f"a declared column without an expression, found {short(column)}")
        if table not in above or len(above[table].key) != 1:
            raise self.fail(place, f"a table that is declared above and has a key of one column, found {short(table)}")
        (key,), selected = above[table].key, above[table].where
        among = f'select "{key}" from "{table}"' + (f" where {selected}" if selected else "")
        return BelongsTo(column, table), f'"{column}" in ({among})'

    def columns(self, place: str, value: object) -> tuple[Column, ...]:
        if not isinstance(value, list) or not value:
            raise self.fail(place, "a list of columns")
        found = []
        for one in value:
            if isinstance(one, dict):
                data = self.known(place, one, {"name", "expression"}, {"name", "expression"})
                found.append(Column(self.name(place, data["name"]), self.sql(place, data["expression"]) or ""))
            else:
                found.append(Column(self.name(place, one)))
        names = [column.name for column in found]
        if twice := sorted({name for name in names if names.count(name) > 1 or name in _RESERVED}):
            raise self.fail(place, f"each column once and none called {', '.join(_RESERVED)}, found {', '.join(twice)}")
        return tuple(found)

    def index(self, place: str, value: object, declared: list[str]) -> tuple[tuple[str, ...], ...]:
        if not isinstance(value, list):
            raise self.fail(place, "a list of columns, or of {columns: [...]}")
        found = []
        for one in value:
            names = self.names(place, one.get("columns") if isinstance(one, dict) else [one])
            if unknown := [name for name in names if name not in declared]:
                raise self.fail(place, f"declared columns, found {', '.join(unknown)}")
            found.append(names)
        return tuple(found)

    def people(self, value: object, tables: dict[str, TableSpec]) -> tuple[UserSource | None, PartnerSource | None]:
        if value is None:
            return None, None
        data = self.known("pseudonyms", value, {"user", "partner"}, {"user"})
        one = self.known("pseudonyms: user", data["user"], {"table", "key", "identity"}, {"table", "key", "identity"})
        users = UserSource(*(self.name("pseudonyms: user", one[part]) for part in ("table", "key", "identity")))
        partners = None
        if "partner" in data:
            one = self.known(
                "pseudonyms: partner", data["partner"], {"table", "key", "via_user"}, {"table", "key", "via_user"}
            )
            via = self.known(
                "pseudonyms: partner: via_user", one["via_user"], {"table", "partner"}, {"table", "partner"}
            )
            partners = PartnerSource(
                *(
                    self.name("pseudonyms: partner", part)
                    for part in (one["table"], one["key"], via["table"], via["partner"])
                )
            )
        wanted = [users.table, *((partners.table, partners.user_table) if partners else ())]
        if unknown := [name for name in wanted if name not in tables]:
            raise self.fail("pseudonyms", f"tables that are declared below, found {', '.join(unknown)}")
        return users, partners
