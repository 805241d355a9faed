"""Logs written into the published tables by the tests themselves, and a warehouse with the views of their readers."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from sluice.import_log.candidate import TABLES
from sluice.import_log.files import open_log
from sluice.import_log.pipeline import build_import
from sluice.keys import activity_key, case_key, event_id, variant_id
from sluice.processes import imported_process
from sluice.settings import PROJECT, Settings
from sluice.warehouse import connect
from tests.sluice.import_log.conftest import arguments

# (activity, occurred_at[, started_at[, lifecycle[, resource]]])
Step = tuple


def write_published(
    db: psycopg.Connection,
    process: str,
    cases: Mapping[str, Sequence[Step]],
    *,
    order: str = "occurred_at, source_seq",
    is_public: bool = True,
) -> None:
    """Make `cases` the published log of `process`, in the open transaction of `db`."""
    for table in ("events", "cases", "activities", "processes"):
        db.execute(sql.SQL("delete from event_log.{} where process = %s").format(sql.Identifier(table)), (process,))
    for table in ("events", "cases"):
        db.execute(
            sql.SQL("create table if not exists event_log.{} partition of event_log.{} for values in ({})").format(
                sql.Identifier(f"{table}__{process}"), sql.Identifier(table), sql.Literal(process)
            )
        )
    db.execute(
        "insert into event_log.processes values (%s, %s, 'imported', %s, %s, 5, %s, 'run', now())",
        (process, f"The {process}", order, is_public, datetime(2030, 1, 1, tzinfo=UTC)),
    )
    row, events, rows = 0, [], []
    for case, steps in cases.items():
        key = case_key(process, case)
        for seq, step in enumerate(steps, 1):
            row += 1
            place = ("file", "xes", str(row), row, "occurred_at", datetime(2030, 1, 1, tzinfo=UTC))
            activity, at, started, lifecycle, resource = (*step, None, None, None)[:5]
            identity = event_id(process, case, "file", "xes", str(row), activity, 1)
            named = (process, identity, case, key, seq, activity, activity_key(activity))
            events.append((*named, at, started, lifecycle, resource, *place))
        begun = min(min(step[1], (*step, None)[2] or step[1]) for step in steps)
        ended, variant = max(step[1] for step in steps), variant_id([step[0] for step in steps])
        rows.append((process, case, key, begun, ended, len(steps), variant, False))
    with db.cursor() as cursor:
        cursor.executemany(f"insert into event_log.events values ({', '.join(['%s'] * 17)})", events)
        cursor.executemany(f"insert into event_log.cases values ({', '.join(['%s'] * 8)})", rows)
        names = {step[0] for steps in cases.values() for step in steps}
        cursor.executemany(
            "insert into event_log.activities values (%s, %s, %s)",
            [(process, activity_key(name), name) for name in sorted(names)],
        )


def make_views(db: psycopg.Connection, *names: str) -> None:
    """Views of bi from the text of their models, as dbt makes them (tests/dbt_project/bi holds that it does)."""
    for name in names:
        text = (PROJECT / "dbt_project" / "models" / "bi" / f"{name}.sql").read_text()
        options = " with (security_barrier = true)" if "security_barrier = true" in text else ""
        text = re.sub(r"\{\{ config\(.*?\) \}\}", "", text, flags=re.DOTALL)
        text = re.sub(r"\{\{ source\('(\w+)', '(\w+)'\) \}\}", r"\1.\2", text)
        text = re.sub(r"\{\{ ref\('(\w+)'\) \}\}", r"bi.\1", text)
        db.execute(f"create view bi.{name}{options} as {text}")


def published(db: psycopg.Connection, process: str) -> list[tuple]:
    """The events as they are published, without persons."""
    return db.execute(
        """select case_id, event_seq, activity, occurred_at, started_at, lifecycle from event_log.events
           where process = %s order by case_id collate "C", event_seq""",
        (process,),
    ).fetchall()


@pytest.fixture(scope="module")
def exporting(tmp_path_factory: pytest.TempPathFactory, module_warehouse_url: str) -> Settings:
    """Settings of a warehouse with the views of bi, that the tests of one module share."""
    with connect(module_warehouse_url) as db:
        make_views(db, "processes", "events", "cases", "activities")
    return replace(Settings(home=tmp_path_factory.mktemp("home")), warehouse_url=module_warehouse_url)


@pytest.fixture
def publish(exporting: Settings) -> Callable[..., None]:
    """publish(process, cases, …): the log is there for every connection."""

    def write(process: str, cases: Mapping[str, Sequence[Step]], **options: object) -> None:
        with connect(exporting.warehouse_url) as db:
            write_published(db, process, cases, **options)

    return write


@pytest.fixture
def read_back(exporting: Settings) -> Callable[..., list[tuple]]:
    """read_back(file, *options): what `import-log` makes of a file, as `published` has it; nothing stays."""

    @contextmanager
    def built(path: Path, *options: str) -> Iterator[psycopg.Connection]:
        with connect(exporting.warehouse_url) as db:
            args = arguments("read_back", path, *options, "--dry-run")
            build_import(db, imported_process("read_back"), open_log(path), args, exporting, "fingerprint")
            yield db
            db.rollback()

    def read(path: Path, *options: str) -> list[tuple]:
        with built(path, *options) as db:
            assert set(TABLES) >= {"events", "cases"}
            return db.execute(
                """select case_id, event_seq, activity, occurred_at, started_at, lifecycle
                   from candidate.read_back__events order by case_id collate "C", event_seq"""
            ).fetchall()

    return read
