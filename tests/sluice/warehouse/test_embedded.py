"""The embedded PostgreSQL: starts once, keeps its data, asks for a password, stops."""

import shutil
import tempfile
from pathlib import Path

import psycopg
import pytest

from sluice.errors import SluiceError
from sluice.settings import Settings
from sluice.warehouse import connect, embedded, migrate, redacted


@pytest.fixture
def home():
    # not tmp_path: as root, the server's account must be able to pass through the folders above
    folder = Path(tempfile.mkdtemp(prefix="sluice-embedded-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def test_starts_once_keeps_data_and_stops(home):
    settings = Settings(home=home)
    assert embedded.start(settings) is True
    try:
        assert embedded.start(settings) is False, "a running server is used as it is"
        with connect(embedded.url(settings)) as db:
            assert db.info.server_version >= 180000
            assert db.execute("show time zone").fetchone() == ("UTC",)
            db.execute("create table kept as select 1 as one")
        assert embedded.stop(settings) is True
        assert embedded.stop(settings) is False
        assert embedded.running_port(settings) is None
        assert embedded.start(settings) is True
        with connect(embedded.url(settings)) as db:
            assert db.execute("select one from kept").fetchone() == (1,)
    finally:
        embedded.stop(settings)


def test_asks_for_the_password_and_never_shows_it(server):
    url = embedded.url(server)
    password = server.secret("postgres_password")
    wrong = url.replace(password, "wrong-password")
    with pytest.raises(SluiceError) as caught:
        connect(wrong)
    assert "wrong-password" not in str(caught.value) and "\n" not in str(caught.value)
    assert password not in redacted(url)
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url.replace(f":{password}", ""))


def test_secrets_are_their_owners_alone(server):
    server.secret("postgres_password")
    assert (server.home / "secrets" / "postgres_password").stat().st_mode & 0o077 == 0
    assert (server.home / "secrets").stat().st_mode & 0o077 == 0


def test_unreachable_server_is_one_clear_line():
    with pytest.raises(SluiceError, match=r"cannot be reached .* is it running"):
        connect("postgresql://someone:hidden@127.0.0.1:1/none")


def test_migrations_apply_once(warehouse_url):
    assert migrate(warehouse_url) == []
    with connect(warehouse_url) as db:
        assert db.execute("select count(*) from ops.migrations").fetchone()[0] >= 1
