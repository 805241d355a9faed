"""Fixtures of all tests: a real PostgreSQL of the session's own, fresh databases, and the real data where it is."""

import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from sluice.settings import Settings
from sluice.warehouse import embedded, migrate

REAL_DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "real"
_numbers = itertools.count(1)


_FOLDERS = ("AIRFLOW_HOME", "SLUICE_DBT_PARSED")


def pytest_configure() -> None:
    """Airflow makes its home when it is imported: never in that of whoever runs the tests. And dbt's parsed project is kept
    in one place for all tests, which have homes of their own: parsing takes ten seconds."""
    for name in _FOLDERS:
        os.environ.setdefault(name, tempfile.mkdtemp(prefix="sluice-tests-"))


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):  # not while other workers use them
        for name in _FOLDERS:
            if Path(os.environ[name]).name.startswith("sluice-tests-"):
                shutil.rmtree(os.environ[name], ignore_errors=True)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the slow tests (make test-all)")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--slow"):
        return
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason="slow: runs with --slow (make test-all)"))


@pytest.fixture(scope="session")
def server() -> Iterator[Settings]:
    """The session's own embedded PostgreSQL, under a home that is removed at the end."""
    home = Path(tempfile.mkdtemp(prefix="sluice-tests-"))
    settings = Settings(home=home)
    embedded.start(settings)
    try:
        yield settings
    finally:
        embedded.stop(settings)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def _template(server: Settings) -> str:
    """A migrated database that fresh warehouses are copied from."""
    with psycopg.connect(embedded.url(server, "postgres"), autocommit=True) as db:
        db.execute("create database migrated_template")
    migrate(embedded.url(server, "migrated_template"))
    return "migrated_template"


@pytest.fixture(scope="session")
def readable_template(server: Settings, _template: str) -> str:
    """A migrated database with the views of schema bi, which take dbt many seconds."""
    from sluice.transform import build_bi

    url = _create(server, "readable_template", _template)
    build_bi(Settings(home=server.home / "readable", warehouse_url=url))
    return "readable_template"


def _create(server: Settings, name: str, template: str) -> str:
    with psycopg.connect(embedded.url(server, "postgres"), autocommit=True) as db:
        db.execute(f'create database "{name}" template "{template}"')
    return embedded.url(server, name)


def _drop(server: Settings, name: str) -> None:
    with psycopg.connect(embedded.url(server, "postgres"), autocommit=True) as db:
        db.execute(f'drop database if exists "{name}" with (force)')


@pytest.fixture
def warehouse_url(server: Settings, _template: str) -> Iterator[str]:
    """A fresh warehouse with all migrations, dropped after the test."""
    name = f"warehouse_{next(_numbers)}"
    yield _create(server, name, _template)
    _drop(server, name)


@pytest.fixture(scope="module")
def module_warehouse_url(server: Settings, _template: str) -> Iterator[str]:
    """A fresh warehouse that the tests of one module share."""
    name = f"warehouse_{next(_numbers)}"
    yield _create(server, name, _template)
    _drop(server, name)


@pytest.fixture(scope="session")
def make_database(server: Settings) -> Iterator[Callable[..., str]]:
    """Make a database, empty unless a template is named, and return its URL; dropped at the end of the session."""
    made = []

    def make(name: str | None = None, template: str = "template0") -> str:
        name = name or f"database_{next(_numbers)}"
        made.append(name)
        return _create(server, name, template)

    yield make
    for name in made:
        _drop(server, name)


@pytest.fixture
def settings(tmp_path: Path, warehouse_url: str) -> Settings:
    """Settings of an installation whose warehouse is fresh and whose home is the test's own folder."""
    return Settings(home=tmp_path / "home", warehouse_url=warehouse_url)


@pytest.fixture(scope="session")
def real_data() -> Callable[[str], Path]:
    """Path of a file of real input beside the checkout; skips, saying so, where it is absent."""

    def find(name: str) -> Path:
        path = REAL_DATA / name
        if not path.exists():
            pytest.skip(f"real input is absent: {os.path.relpath(path)} is needed beside the checkout")
        return path

    return find
