"""A small shop as a source system: Odoo-shaped tables in a database of its own, and the spec that reads them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import pytest

from extractors.postgres import copy_source, land_source
from extractors.specs import SystemSpec, load_spec
from sluice.runs import RunContext
from sluice.settings import Settings

SPEC = """
system: shop
title: A shop
schema: public
timezone: UTC
overlap: 2 days
pseudonyms:
  user:    {table: res_users, key: id, identity: login}
  partner: {table: res_partner, key: id, via_user: {table: res_users, partner: partner_id}}
tables:
  orders:
    key: [id]
    cursor: write_date
    columns: [id, name, state, partner_id, company_id, currency_id, amount, details, create_uid, create_date,
              write_date]
    users: [create_uid]
    partners: [partner_id]
    index: [name, {columns: [company_id, partner_id]}]
    personal: [note]
  changes:
    key: [id]
    cursor: write_date
    where: "model = 'orders'"
    columns:
      - id
      - model
      - order_id
      - {name: label, expression: "case when kind = 'selection' then label end"}
      - write_date
    personal: [body]
  order_invoice_rel:
    key: [order_id, invoice_id]
    columns: [order_id, invoice_id]
  res_users:
    key: [id]
    cursor: write_date
    reference: true
    columns: [id, partner_id, write_date]
    personal: [login]
  res_partner:
    key: [id]
    cursor: write_date
    columns: [id, is_company, write_date]
    personal: [name, email]
"""

TABLES = """
create type state as enum ('draft', 'purchase', 'done');
create domain money_amount as numeric check (value < 1e12);
create table orders (id serial primary key, name varchar(64), state state, partner_id int, company_id int,
    currency_id int, amount money_amount, details json, note text, create_uid int, create_date timestamp,
    write_date timestamp);
create table changes (id serial primary key, model varchar, order_id int, kind varchar, label varchar, body text,
    write_date timestamp);
create table order_invoice_rel (order_id int not null, invoice_id int not null, primary key (order_id, invoice_id));
create table res_users (id int primary key, login varchar not null, partner_id int, write_date timestamp);
create table res_partner (id int primary key, name varchar, email varchar, is_company boolean, write_date timestamp);
insert into res_partner values (1, 'Ada Canary-Lovelace', 'ada@canary.example', false, '2025-01-01'),
    (2, 'Canary Traders', 'info@canary.example', true, '2025-01-01'), (3, 'Bob Canary', null, false, '2025-01-01');
insert into res_users values (7, 'ada.canary', 1, '2025-01-01'), (8, 'bob.canary', 3, '2025-01-01');
insert into orders (name, state, partner_id, company_id, currency_id, amount, details, note, create_uid, create_date,
    write_date)
select 'P' || n, 'purchase', 2, 1 + n % 2, 1 + n % 2, n * 1.50, '{"a": 1.0}', 'canary note ' || n, 7 + n % 2, day,
    day
from generate_series(1, 20) as n, lateral (select '2025-01-01'::timestamp + n * interval '1 day') as t (day);
insert into changes (model, order_id, kind, label, body, write_date)
select case when n % 5 = 0 then 'other' else 'orders' end, n, case when n % 2 = 0 then 'selection' else 'char' end,
    case when n % 2 = 0 then 'Purchase' else 'canary street' end, 'canary body',
    '2025-01-01'::timestamp + n * interval '1 day'
from generate_series(1, 20) as n;
insert into order_invoice_rel select n, 100 + n from generate_series(1, 5) as n;
"""

Rows = dict[tuple, tuple]


@dataclass
class Shop:
    """The source, the warehouse and the spec between them."""

    source_url: str
    settings: Settings
    spec: SystemSpec
    runs: int = 0

    def source(self, statement: str, *values: object) -> None:
        with psycopg.connect(self.source_url) as db:
            db.execute(statement, values or None)

    def query(self, query: str, *values: object) -> list[tuple]:
        with psycopg.connect(self.settings.warehouse_url) as db:
            return db.execute(query, values or None).fetchall()

    def context(self, mode: str = "night", start: datetime | None = None, end: datetime | None = None) -> RunContext:
        self.runs += 1
        return RunContext(
            f"extract__shop/2025-02-01/{self.runs}",
            "shop",
            date(2025, 2, 1),
            datetime(2025, 2, 2, tzinfo=UTC),
            mode,
            start,
            end,
        )

    def copy(self, *arguments: object) -> int:
        return copy_source(self.settings, self.spec, self.context(*arguments))

    def land(self, version: int) -> None:
        land_source(self.settings, self.spec, version, self.context())

    def run(self, *arguments: object) -> int:
        version = self.copy(*arguments)
        self.land(version)
        return version

    def counts(self, version: int, table: str = "orders") -> tuple[int, int, int, int]:
        """(read, inserted, updated, deleted) of a table in a load."""
        return self.query(
            "select read_count, inserted_count, updated_count, deleted_count from ops.load_tables "
            "where version = %s and table_name = %s",
            version,
            table,
        )[0]

    def raw(self, table: str, *, deleted: bool = False) -> Rows:
        """Key -> declared columns, as text, of the rows that are alive (or of the tombstones)."""
        return self._rows(self.settings.warehouse_url, table, f"raw_shop.{table} where _is_deleted = {deleted}", {})

    def truth(self, table: str) -> Rows:
        """The same, straight from the source."""
        spec = self.spec.tables[table]
        expressions = {column.name: column.expression for column in spec.columns if column.expression}
        return self._rows(self.source_url, table, f"public.{table} where {spec.where or 'true'}", expressions)

    def _rows(self, url: str, table: str, where: str, expressions: dict[str, str]) -> Rows:
        spec = self.spec.tables[table]
        columns = ", ".join(f"({expressions.get(name, name)})::text" for name in (*spec.key, *spec.column_names))
        with psycopg.connect(url) as db:
            rows = db.execute(f"select {columns} from {where}").fetchall()
        found = {row[: len(spec.key)]: row[len(spec.key) :] for row in rows}
        assert len(found) == len(rows)
        return found

    def watermarks(self) -> dict[str, datetime]:
        return dict(self.query("select table_name, cursor_value from ops.watermarks where system = 'shop'"))

    def assert_equal_to_source(self) -> None:
        for table in self.spec.tables:
            assert self.raw(table) == self.truth(table), table


@pytest.fixture
def spec_text() -> str:
    """The shop's spec, to be changed."""
    return SPEC


@pytest.fixture
def read_spec(tmp_path: Path) -> Callable[[str], SystemSpec]:
    """Read a spec from its YAML text."""

    def read(text: str) -> SystemSpec:
        (tmp_path / "shop").mkdir(exist_ok=True)
        (tmp_path / "shop" / "tables.yml").write_text(text)
        return load_spec("shop", root=tmp_path)

    return read


@pytest.fixture
def shop(
    make_database: Callable[..., str], settings: Settings, read_spec: Callable[[str], SystemSpec]
) -> Iterator[Shop]:
    url = make_database()
    with psycopg.connect(url) as db:
        db.execute(TABLES)
    yield Shop(url, replace(settings, source_urls={"shop": url}), read_spec(SPEC))
