"""One small demo company for all tests of this folder: its first load and two more days."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import psycopg
import pytest

from sluice import demo
from sluice.demo.tables import read_schema
from sluice.settings import Settings

CASES, SEED = 60, 11


def table_texts(url: str) -> dict[str, list[str]]:
    """Every row of every table of the source, as text, sorted."""
    with psycopg.connect(url) as db:
        return {
            table: sorted(row for (row,) in db.execute(f"select row(t.*)::text from {table} as t"))
            for table in read_schema()
        }


def file_bytes(folder: Path) -> dict[str, bytes]:
    """Every file under `folder`, by its path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@dataclass(frozen=True)
class Made:
    """A demo company on its first three days: rows and files of each day, and where it now stands."""

    tables = staticmethod(table_texts)
    contents = staticmethod(file_bytes)

    url: str
    state: demo.DemoState
    rows: dict[date, dict[str, list[str]]]
    files: dict[date, dict[str, bytes]]


@pytest.fixture(scope="session")
def made(make_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The company after two further days."""
    folder = tmp_path_factory.mktemp("demo") / "company"
    settings, url = Settings(home=folder.parent), make_database()
    state = demo.ensure(settings, url=url, cases=CASES, seed=SEED, folder=folder)
    rows, files = {state.day: table_texts(url)}, {state.day: file_bytes(folder)}
    for _ in range(2):
        state = demo.advance(settings, url=url, folder=folder)
        rows[state.day], files[state.day] = table_texts(url), file_bytes(folder)
    yield Made(url, state, rows, files)
    shutil.rmtree(folder, ignore_errors=True)
