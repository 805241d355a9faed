"""A warehouse goes from release to release: what was published stays, edited and unknown migrations are refused."""

import re
import shutil

import pytest

from sluice.errors import SluiceError
from sluice.settings import PROJECT
from sluice.versions import sluice_version
from sluice.warehouse import connect, migrate
from sluice.warehouse import migrations as module
from sluice.warehouse.releases import FOLDER, checksum, missing_migrations
from tests.fixtures.releases import restoring


def rows(url, query):
    with connect(url) as db:
        return db.execute(query).fetchall()


@pytest.mark.parametrize("release", restoring.RELEASES)
def test_a_warehouse_of_each_release_is_brought_to_now_with_its_data(release, make_database):
    url = make_database()
    restoring.restore_release(release, url)
    tables = (
        "event_log.events",
        "event_log.cases",
        "mining.variants",
        "ops.runs",
        "ops.case_rows",
        "raw_odoo.mail_message",
    )
    before = {table: rows(url, f"select count(*) from {table}") for table in tables}
    assert all(count > 0 for ((count,),) in before.values())
    names = [path.stem for path in sorted(FOLDER.glob("*.sql"))]
    done = [name for (name,) in rows(url, "select name from ops.migrations order by name")]
    assert migrate(url) == names[len(done) :] and migrate(url) == []
    assert {table: rows(url, f"select count(*) from {table}") for table in tables} == before
    recorded = rows(url, "select name, checksum, sluice_version from ops.migrations order by name")
    assert [(name, text) for name, text, _ in recorded] == [(n, checksum(FOLDER / f"{n}.sql")) for n in names]
    assert [version for *_, version in recorded] == [release] * len(done) + [sluice_version()] * (
        len(names) - len(done)
    )


def test_an_upgraded_warehouse_has_the_shape_of_a_fresh_one(make_database, warehouse_url):
    url = make_database()
    restoring.restore_release(restoring.RELEASES[0], url)
    migrate(url)
    shape = """select n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
                      col_description(c.oid, a.attnum)
               from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
               join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
               where n.nspname in ('ops', 'quality', 'mining', 'event_log') and c.relkind in ('r', 'p', 'v', 'i')
                 and not c.relispartition order by 1, 2, 3"""
    fresh = {row[:2] for row in rows(warehouse_url, shape)}
    upgraded = [row for row in rows(url, shape) if row[:2] in fresh]
    assert upgraded == rows(warehouse_url, shape)


@pytest.fixture
def own_migrations(tmp_path, monkeypatch):
    """The migrations in a folder that a test may change."""
    folder = tmp_path / "migrations"
    shutil.copytree(FOLDER, folder)
    monkeypatch.setattr(module, "FOLDER", folder)
    return folder


def test_an_edited_migration_is_refused_and_nothing_happens(warehouse_url, own_migrations):
    with open(own_migrations / "0002_mining.sql", "a") as file:
        file.write("create table mining.more (a int);\n")
    (own_migrations / "9999_next.sql").write_text("create table ops.next (a int);\n")
    with pytest.raises(SluiceError, match=r"0002_mining\.sql was edited after it had been applied") as refused:
        migrate(warehouse_url)
    assert "\n" not in str(refused.value)
    assert rows(warehouse_url, "select to_regclass('ops.next')") == [(None,)]


def test_other_line_ends_are_no_edit(warehouse_url, own_migrations):
    path = own_migrations / "0001_core.sql"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert migrate(warehouse_url) == []


def test_a_newer_warehouse_is_refused(warehouse_url, own_migrations):
    newer = own_migrations / "9999_next.sql"
    newer.write_text("create table ops.next (a int);\n")
    assert missing_migrations(connect(warehouse_url), own_migrations) == ["9999_next"]
    assert migrate(warehouse_url) == ["9999_next"]
    newer.unlink()
    with pytest.raises(SluiceError, match=r"newer release of Sluice \(.*9999_next\).*update this checkout"):
        migrate(warehouse_url)


def test_a_migration_that_fails_leaves_the_release_before(warehouse_url, own_migrations):
    (own_migrations / "9998_good.sql").write_text("create table ops.good (a int);\n")
    (own_migrations / "9999_bad.sql").write_text("create table ops.bad (a int); select 1 / 0;\n")
    with pytest.raises(Exception, match="division by zero"):
        migrate(warehouse_url)
    assert rows(warehouse_url, "select to_regclass('ops.good'), to_regclass('ops.bad')") == [(None, None)]
    assert missing_migrations(connect(warehouse_url), own_migrations) == ["9998_good", "9999_bad"]


def test_every_migration_belongs_to_a_release_in_the_docs():
    text = (PROJECT / "docs" / "operations.md").read_text()
    ranges = re.findall(r"^\| (\d+\.\d+\.\d+) \| (\d{4})–(\d{4}) \|", text, re.MULTILINE)
    assert ranges and ranges[0][0] == "0.1.0"
    numbers = [path.stem[:4] for path in FOLDER.glob("*.sql")]
    assert len(set(numbers)) == len(numbers)
    for path in FOLDER.glob("*.sql"):
        assert sum(first <= path.stem[:4] <= last for _, first, last in ranges) == 1, path.stem
