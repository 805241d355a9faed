"""What the tests of the models share: a raw schema of Odoo to write into by hand, and the models as plain SQL.

dbt compiles all processes once per session; running the compiled SQL takes milliseconds, so that a test can try many
histories. That dbt itself runs them alike is held by test_builds.py.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
from psycopg.types.json import Jsonb

from extractors.specs import load_spec
from sluice import transform
from sluice.dbt_runner import run_dbt
from sluice.settings import PROJECT, Settings
from sluice.warehouse import embedded

PROCESSES = ("purchase_to_pay", "order_to_cash", "lead_to_order")
_PROCESS, _GATED = "@process@", 987654321
_TABLES = ("events", "cases", "attributes", "activities")


class RawOdoo:
    """Raw tables of Odoo, as the extractor leaves them; every load has the next version."""

    def __init__(self, db: psycopg.Connection):
        self.db, self.version, self.tables = db, 0, load_spec("odoo").tables
        db.execute("create schema typed")
        db.execute("set search_path = typed")
        db.execute((PROJECT / "sluice" / "demo" / "schema.sql").read_text())
        db.execute("set search_path = public")
        db.execute("create schema raw_odoo")
        for name, table in self.tables.items():
            columns = ", ".join(table.column_names)
            db.execute(f"create table raw_odoo.{name} as select {columns} from typed.{name} limit 0")
            db.execute(f"""alter table raw_odoo.{name} add _version bigint not null,
                add _is_deleted boolean not null default false, add _loaded_at timestamptz default now(),
                add primary key ({", ".join(table.key)})""")
            for columns in (*table.index, ("_version",)):
                db.execute(f"create index on raw_odoo.{name} ({', '.join(columns)})")
        db.execute("""create table raw_odoo._pseudonyms (entity text, source_id bigint, pseudonym text,
            _version bigint not null default 1, primary key (entity, source_id))""")
        db.execute("drop schema typed cascade")
        self.load()

    def load(self) -> int:
        """Begin the next load."""
        self.version += 1
        self.db.execute(
            "insert into ops.loads (run_id, system, mode, state) values (%s, 'odoo', 'night', 'landed')",
            (f"load {self.version}",),
        )
        return self.version

    def put(self, table: str, **row: object) -> None:
        """Insert or change a row; a deleted one comes back."""
        row = {**row, "_version": self.version, "_is_deleted": False}
        names = list(row)
        self.db.execute(
            f"""insert into raw_odoo.{table} ({", ".join(names)}) values ({", ".join(["%s"] * len(names))})
                on conflict ({", ".join(self.tables[table].key)}) do update
                set {", ".join(f"{name} = excluded.{name}" for name in names)}""",
            list(row.values()),
        )

    def delete(self, table: str, **key: object) -> None:
        """Leave a tombstone."""
        where = " and ".join(f"{name} = %s" for name in key)
        self.db.execute(
            f"""update raw_odoo.{table} set _is_deleted = true, _version = %s
                            where {where} and not _is_deleted""",
            (self.version, *key.values()),
        )

    def look_ups(self) -> None:
        """Two companies with a currency each, the fields of the change log, stages, three users."""
        for number, currency in ((1, "EUR"), (2, "USD")):
            self.put("res_currency", id=number, name=currency, decimal_places=2, active=True)
            self.put("res_company", id=number, currency_id=number, active=True)
        for number, (model, name) in FIELDS.items():
            self.put("ir_model_fields", id=number, model=model, name=name, ttype="selection")
        for number, (stage, is_won) in enumerate((("New", False), ("Qualified", False), ("Won", True)), start=1):
            self.put("crm_stage", id=number, sequence=number, name=Jsonb({"en_US": stage}), is_won=is_won)
        for number, code in ((1, "incoming"), (2, "outgoing")):
            self.put("stock_picking_type", id=number, code=code)
        for number in (1, 2, 3):
            self.db.execute("insert into raw_odoo._pseudonyms values ('user', %s, %s)", (number, f"p_{number:016x}"))
            self.db.execute("insert into raw_odoo._pseudonyms values ('partner', %s, %s)", (number, f"k_{number:016x}"))


FIELDS = dict(
    enumerate(
        (
            ("purchase.order", "state"),
            ("purchase.order", "amount_untaxed"),
            ("purchase.order", "acknowledged"),
            ("sale.order", "state"),
            ("sale.order", "amount_untaxed"),
            ("stock.picking", "state"),
            ("account.move", "state"),
            ("crm.lead", "stage_id"),
            ("crm.lead", "active"),
            ("crm.lead", "expected_revenue"),
        ),
        start=1,
    )
)


@dataclass
class Models:
    """The compiled models of one process on one database, and what publishing does with their result."""

    db: psycopg.Connection
    process: str
    steps: list[tuple[str, str, str, str]] = field(repr=False)  # relation, materialisation, SQL full, SQL incremental
    gated_version: int = 0

    def make(self, *, full: bool) -> None:
        """Make the candidate tables."""
        for relation, kind, full_sql, touched_sql in self.steps:
            text = (full_sql if full else touched_sql).replace(str(_GATED), str(self.gated_version))
            if kind == "view":
                self.db.execute(f"create or replace view {relation} as {text}")
            else:
                self.db.execute(f"drop table if exists {relation}")
                self.db.execute(f"create table {relation} as {text}")

    def publish(self, version: int) -> None:
        """Replace the touched cases, as publishing does, and note how far everything was looked at."""
        touched = f"(select case_id from candidate.{self.process}__touched_cases)"
        candidate = f"candidate.{self.process}__"
        self.db.execute(f"create table if not exists public.{self.process}_attributes (like {candidate}attributes)")
        for target, source, own in (
            ("event_log.events", "events", False),
            ("event_log.cases", "cases", False),
            ("ops.case_rows", "case_rows", False),
            (f"public.{self.process}_attributes", "attributes", True),
        ):
            columns = [
                name
                for (name,) in self.db.execute(
                    "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 order by attnum",
                    (candidate + source,),
                )
            ]
            self.db.execute(
                f"delete from {target} where case_id in {touched}" + ("" if own else " and process = %s"),
                None if own else (self.process,),
            )
            fixed = {} if own else {"process": f"'{self.process}'"}
            if source == "events":
                fixed["loaded_at"] = "now()"
            self.db.execute(
                f"insert into {target} ({', '.join([*columns, *fixed])}) "
                f"select {', '.join([*columns, *fixed.values()])} from {candidate}{source}"
            )
        self.db.execute("delete from event_log.activities where process = %s", (self.process,))
        columns = "activity_key, activity, rank, category, is_automated"
        self.db.execute(f"""insert into event_log.activities (process, {columns})
                            select '{self.process}', {columns} from {candidate}activities""")
        self.gated_version = version

    def published(self) -> dict[str, list[tuple]]:
        """What readers see, row by row, in a fixed order."""
        return self._rows(
            {
                table: f"public.{self.process}_attributes" if table == "attributes" else f"event_log.{table}"
                for table in _TABLES
            },
            f"and process = '{self.process}'",
        )

    def candidate(self) -> dict[str, list[tuple]]:
        """What the last build made, likewise."""
        return self._rows({table: f"candidate.{self.process}__{table}" for table in _TABLES}, "")

    def _rows(self, relations: dict[str, str], condition: str) -> dict[str, list[tuple]]:
        found = {}
        for table, relation in relations.items():
            columns = ", ".join(
                name
                for (name,) in self.db.execute(
                    "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 order by attnum",
                    (f"candidate.{self.process}__{table}",),
                )
            )
            where = "true" if table == "attributes" else f"true {condition}"
            found[table] = self.db.execute(
                f'select {columns} from {relation} where {where} order by ({columns})::text collate "C"'
            ).fetchall()
        return found


@pytest.fixture(scope="session")
def dbt_home(server: Settings) -> Path:
    """One SLUICE_HOME for all builds of the session, so that dbt parses the project once."""
    return server.home / "dbt-tests"


@pytest.fixture(scope="session")
def _compiled(server: Settings, dbt_home: Path, _template: str) -> dict[str, list[tuple[str, str, str, str]]]:
    """process -> its models in the order of their making: (file stem, kind, SQL of a full build, of a touched one)."""
    url = embedded.url(server, _template)
    texts = {}
    for is_full in (True, False):
        subject = f"compile-{is_full}"
        folders = [f"{layer}.{process}" for layer in ("intermediate", "marts") for process in PROCESSES]
        outcome = run_dbt(
            url,
            PROJECT,
            dbt_home,
            subject,
            ["compile", "--select", *folders],
            {"process": _PROCESS, "full_rebuild": is_full, "gated_version": _GATED},
            threads=1,
        )
        order = list(outcome.nodes)
        for path in (dbt_home / "dbt" / subject / "compiled").rglob("*.sql"):
            texts.setdefault(path.stem, {})[is_full] = re.sub(rf'"{_template}"\.', "", path.read_text())
    models = {}
    for process in PROCESSES:
        sources = {
            path.stem: path.read_text()
            for layer in ("intermediate", "marts")
            for path in (PROJECT / "dbt_project" / "models" / layer / process).glob("*.sql")
        }
        for name in (name for name in order if name in sources):
            configured = re.search(r"materialized='(\w+)'", sources[name])
            kind = configured[1] if configured else "table" if name.startswith(process) else "ephemeral"
            if kind == "ephemeral":
                continue
            is_candidate = name.startswith(process) or "schema='candidate'" in sources[name]
            relation = f"candidate.{name.removeprefix('int_')}" if is_candidate else f"intermediate.{name}"
            full, touched = (texts[name][is_full].replace(_PROCESS, process) for is_full in (True, False))
            models.setdefault(process, []).append((relation, kind, full, touched))
    return models


@pytest.fixture(scope="module")
def _staged(module_warehouse_url: str, dbt_home: Path) -> str:
    """A warehouse with empty raw tables of Odoo, its staging views and the processes' seeds."""
    with psycopg.connect(module_warehouse_url, autocommit=True) as db:
        RawOdoo(db)
        transform.stage(Settings(home=dbt_home, warehouse_url=module_warehouse_url), "odoo")
        seeds = [f"{process}__declared_activities" for process in PROCESSES]
        run_dbt(module_warehouse_url, PROJECT, dbt_home, "seeds", ["seed", "--select", *seeds])
        for table in ("events", "cases"):
            db.execute(f"create table event_log.{table}_all partition of event_log.{table} default")
    return module_warehouse_url


@pytest.fixture
def odoo(_staged: str) -> Iterator[RawOdoo]:
    """Raw tables of Odoo with nothing but look-ups; whatever a test writes is rolled back."""
    with psycopg.connect(_staged) as db:
        raw = RawOdoo.__new__(RawOdoo)
        raw.db, raw.version, raw.tables = db, 1, load_spec("odoo").tables
        db.execute("set time zone 'UTC'")
        raw.look_ups()
        yield raw
        db.rollback()


@pytest.fixture
def models(odoo: RawOdoo, _compiled: dict) -> Callable[[str], Models]:
    """models(process): its compiled models on the database of `odoo`."""
    return lambda process: Models(odoo.db, process, _compiled[process])


@pytest.fixture
def fields() -> SimpleNamespace:
    """Ids of the change log's fields by model and name."""
    return SimpleNamespace(id=lambda model, name: next(key for key, value in FIELDS.items() if value == (model, name)))
