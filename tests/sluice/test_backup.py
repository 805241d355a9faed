"""A backup brings everything back, or nothing changes: formats, keys, damaged files, a warehouse that is not empty."""

from dataclasses import replace

import psycopg
import pytest

from sluice.backup import backup, key_id
from sluice.errors import BadInput, SluiceError
from sluice.restore import restore
from sluice.settings import Settings
from sluice.warehouse import connect, migrate
from sluice.warehouse.contents import sluice_schemas
from tests.fixtures.releases import restoring

KEY = "5a" * 32


@pytest.fixture(scope="module")
def full(make_database, tmp_path_factory):
    """An installation with two nights of data."""
    url = make_database()
    restoring.restore_release("0.1.0", url)
    migrate(url)
    return Settings(home=tmp_path_factory.mktemp("home"), warehouse_url=url, pseudonym_key_hex=KEY)


@pytest.fixture
def empty(full, make_database, tmp_path):
    """Another installation, with nothing in it and the same key."""
    return Settings(home=tmp_path / "other", warehouse_url=make_database(), pseudonym_key_hex=KEY)


def content(url):
    """Every row of every table of Sluice, as text, and the definition of every view."""
    with psycopg.connect(url) as db:
        db.execute("set time zone 'UTC'")
        found = {}
        for schema in sluice_schemas(db):
            for name, kind in db.execute(
                "select relname::text, relkind::text from pg_class where relnamespace = %s::regnamespace "
                "and relkind in ('r', 'v') and relpersistence = 'p'",
                (schema,),
            ).fetchall():
                query = f'select t::text from "{schema}"."{name}" as t'
                if kind == "v":
                    query = f'select pg_get_viewdef(\'"{schema}"."{name}"\'::regclass)'
                if (schema, name) != ("ops", "backups"):
                    found[f"{schema}.{name}"] = sorted(str(row) for row in db.execute(query))
        return found


@pytest.mark.parametrize("name", ["warehouse.dump", pytest.param("folder", marks=pytest.mark.slow)])
def test_what_was_backed_up_comes_back_row_by_row(full, empty, tmp_path, name, capsys):
    target = tmp_path / name
    assert backup(full, target) == 0
    said = capsys.readouterr().out
    assert "not in it:               the pseudonym key (SLUICE_PSEUDONYM_KEY)" in said
    assert target.stat().st_mode & 0o077 == 0 and not list(tmp_path.glob("*.part"))
    assert KEY not in "".join(path.read_bytes().hex() for path in [target] if path.is_file())
    assert restore(empty, target, is_replaced=False) == 0
    assert content(empty.warehouse_url) == content(full.warehouse_url)
    with connect(empty.warehouse_url) as db:
        assert db.execute("select pseudonym_key_id from ops.backups").fetchall()[-1] == (key_id(bytes.fromhex(KEY)),)
        assert db.execute("select has_schema_privilege('sluice_reader', 'bi', 'usage')").fetchone() == (True,)
        next_version = db.execute(
            """insert into ops.loads (run_id, system, mode, state) values ('x', 'x', 'full', 'copied')
               returning version > (select max(version) from ops.loads)"""
        ).fetchone()
        assert next_version == (True,), "versions go on from where they were"


@pytest.mark.slow
def test_a_warehouse_that_holds_something_is_replaced_only_if_asked(full, empty, tmp_path):
    target = tmp_path / "warehouse.dump"
    backup(full, target)
    restore(empty, target, is_replaced=False)
    with connect(empty.warehouse_url) as db:
        db.execute("delete from event_log.events")
        db.execute("create schema raw_later")
        db.execute("create table raw_later._tables (a int)")
    with pytest.raises(SluiceError, match=r"not empty .* add --replace"):
        restore(empty, target, is_replaced=False)
    assert restore(empty, target, is_replaced=True, yes=True) == 0
    assert content(empty.warehouse_url) == content(full.warehouse_url)


def test_a_damaged_backup_leaves_the_warehouse_as_it_was(full, empty, tmp_path):
    target = tmp_path / "warehouse.dump"
    backup(full, target)
    restore(empty, target, is_replaced=False)
    before = content(empty.warehouse_url)
    broken = bytearray(target.read_bytes())
    broken[len(broken) // 2 :] = b"\0" * 1000
    target.write_bytes(broken)
    with pytest.raises(SluiceError) as refused:
        restore(empty, target, is_replaced=True, yes=True)
    assert "\n" not in str(refused.value)
    assert content(empty.warehouse_url) == before
    (tmp_path / "text.dump").write_text("no backup")
    with pytest.raises(BadInput, match="is no backup"):
        restore(empty, tmp_path / "text.dump", is_replaced=True)


def test_the_key_must_be_at_hand(full, empty, tmp_path):
    target, key_file = tmp_path / "warehouse.dump", tmp_path / "key"
    backup(full, target, key_file=key_file)
    assert key_file.stat().st_mode & 0o777 == 0o600 and key_file.read_text().strip() == KEY
    keyless = replace(empty, pseudonym_key_hex=None)
    with pytest.raises(SluiceError, match="pseudonym key and this installation has none"):
        restore(keyless, target, is_replaced=False)
    assert not (keyless.home / "secrets").exists(), "asking makes no key"
    with pytest.raises(SluiceError, match="has another one"):
        restore(replace(empty, pseudonym_key_hex="77" * 32), target, is_replaced=False)
    (tmp_path / "wrong").write_text("99" * 32)
    with pytest.raises(BadInput, match="is not the pseudonym key"):
        restore(keyless, target, is_replaced=False, key_file=tmp_path / "wrong")
    assert restore(keyless, target, is_replaced=False, key_file=key_file) == 0
    assert keyless.pseudonym_key.hex() == KEY
    assert (keyless.home / "secrets" / "pseudonym_key").stat().st_mode & 0o777 == 0o600


def test_a_backup_of_a_newer_release_is_refused(full, empty, tmp_path):
    target = tmp_path / "warehouse.dump"
    with connect(full.warehouse_url) as db:
        db.execute("insert into ops.migrations (name, sluice_version) values ('9999_next', '9.9.9')")
    try:
        from sluice.backup import _dump

        _dump(full, target)
    finally:
        with connect(full.warehouse_url) as db:
            db.execute("delete from ops.migrations where name = '9999_next'")
    with pytest.raises(SluiceError, match="newer release of Sluice"):
        restore(empty, target, is_replaced=False)
    with psycopg.connect(empty.warehouse_url) as db:
        assert sluice_schemas(db) == []


def test_nothing_is_overwritten(full, tmp_path):
    target = tmp_path / "warehouse.dump"
    target.write_text("mine")
    with pytest.raises(BadInput, match="exists"):
        backup(full, target)
    assert target.read_text() == "mine"
    with pytest.raises(BadInput, match="is not a folder"):
        backup(full, tmp_path / "none" / "x.dump")
