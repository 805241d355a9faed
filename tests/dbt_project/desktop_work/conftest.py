"""The models of desktop work as compiled by dbt once, run as plain SQL: a build of a small log takes milliseconds."""

from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import psycopg
import pytest

from extractors.agent import pipeline
from extractors.agent.tables import make_raw
from sluice.dbt_runner import run_dbt
from sluice.runs import RunContext, as_of_day
from sluice.settings import PROJECT, Settings
from sluice.warehouse import connect

SENTINEL = 987654321
INTERMEDIATE = ("rows", "case_rows", "source_rows", "touched_cases", "actions")
MARTS = ("events", "cases", "case_rows", "actions", "attributes", "activities")
KEY = "6b" * 32


@pytest.fixture(scope="session")
def compiled(server, make_database, tmp_path_factory) -> dict[tuple[bool, str], str]:
    """(is a full rebuild, model) -> SQL, with SENTINEL for the gated version."""
    home = tmp_path_factory.mktemp("compiled")
    url = make_database()
    found = {}
    for is_full in (True, False):
        subject = f"compile-{is_full}"
        run_dbt(
            url,
            PROJECT,
            home,
            subject,
            ["compile", "--select", "intermediate.desktop_work", "marts.desktop_work"],
            {
                "process": "desktop_work",
                "run_id": "test",
                "gated_version": SENTINEL,
                "upto_version": SENTINEL,
                "full_rebuild": is_full,
                "event_order": ["source_seq"],
            },
        )
        for path in (home / "dbt" / subject / "compiled").rglob("*.sql"):
            text = path.read_text()
            found[is_full, path.stem] = text.replace(f'"{psycopg.conninfo.conninfo_to_dict(url)["dbname"]}".', "")
    return found


@dataclass
class Desk:
    """A drop folder, its nights, and what a reader would see of them."""

    settings: Settings
    folder: Path
    compiled: dict[tuple[bool, str], str]
    day: date
    gated: int = 0
    nights: int = 0
    published: dict = field(default_factory=dict)
    touched: set = field(default_factory=set)

    def put(self, name, content):
        (self.folder / name).write_text(content)

    def extract(self, mode="night"):
        self.nights += 1
        ctx = RunContext(f"extract__agent/{self.day}/{self.nights}", "agent", self.day, as_of_day(self.day), mode=mode)
        version = pipeline.copy(self.settings, "agent", ctx)
        pipeline.land(self.settings, "agent", version, ctx)

    def build(self, *, is_full):
        """Run the models; returns {case_id: everything about it}, the touched cases, and the case rows."""
        with connect(self.settings.warehouse_url) as db:
            db.execute(
                "drop schema candidate cascade; create schema candidate;"
                "drop schema intermediate cascade; create schema intermediate"
            )
            db.execute(
                "create table intermediate.desktop_work__declared_activities "
                "(activity text, rank int, category text, is_automated boolean)"
            )
            for name in INTERMEDIATE:
                model, table = f"int_desktop_work__{name}", f"intermediate.int_desktop_work__{name}"
                if name == "touched_cases":
                    table = "candidate.desktop_work__touched_cases"
                self._create(db, is_full, model, table)
            for name in MARTS:
                self._create(db, is_full, f"desktop_work__{name}", f"candidate.desktop_work__{name}")
            cases: dict = {}
            for name in ("events", "cases", "actions", "attributes"):
                cursor = db.execute(f"select * from candidate.desktop_work__{name}")
                at = [column.name for column in cursor.description].index("case_id")
                for row in cursor:
                    cases.setdefault(row[at], set()).add((name, row))
            touched = {row[0] for row in db.execute("select case_id from candidate.desktop_work__touched_cases")}
            rows = db.execute(
                "select source_table, source_key, case_id from candidate.desktop_work__case_rows"
            ).fetchall()
        assert set(cases) <= touched
        assert len(rows) == len(set(rows))
        return cases, touched, rows

    def _create(self, db, is_full, model, table):
        kind = "view" if model in ("int_desktop_work__case_rows", "int_desktop_work__source_rows") else "table"
        db.execute(f"create {kind} {table} as {self.compiled[is_full, model].replace(str(SENTINEL), str(self.gated))}")

    def mine(self, quarantined=lambda rows: False):
        """Build the touched cases and publish those that are not quarantined."""
        cases, touched, case_rows = self.build(is_full=False)
        self.touched = touched
        for case_id in touched:
            self.published.pop(case_id, None)
        self.published |= {case_id: rows for case_id, rows in cases.items() if not quarantined(rows)}
        with connect(self.settings.warehouse_url) as db:
            db.execute("delete from ops.case_rows where case_id = any(%s)", (list(touched),))
            db.execute("delete from quality.quarantined_cases where case_id = any(%s)", (list(touched),))
            with db.cursor() as cursor:
                cursor.executemany("insert into ops.case_rows values ('desktop_work', %s, %s, %s)", case_rows)
                cursor.executemany(
                    "insert into quality.quarantined_cases (process, case_id, check_name, reason, run_id) "
                    "values ('desktop_work', %s, 'x', 'x', 'x')",
                    [(case_id,) for case_id, rows in cases.items() if quarantined(rows)],
                )
            self.gated = db.execute(
                "select coalesce(max(version), 0) from ops.loads where state = 'landed'"
            ).fetchone()[0]

    def rebuilt(self, quarantined=lambda rows: False):
        """What a full rebuild of the same raw rows publishes."""
        cases, _, _ = self.build(is_full=True)
        return {case_id: rows for case_id, rows in cases.items() if not quarantined(rows)}


@pytest.fixture
def desk(settings, tmp_path, compiled):
    folder = tmp_path / "drop"
    folder.mkdir()
    settings = replace(settings, agent_drop=folder, pseudonym_key_hex=KEY)
    with connect(settings.warehouse_url) as db:
        make_raw(db)
    return Desk(settings, folder, compiled, date(2025, 3, 3))
