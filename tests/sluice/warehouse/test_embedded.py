"""The embedded PostgreSQL: starts once, keeps its data, asks for a password, stops."""

import os
import shutil
import signal
import tempfile
import threading
import time
from pathlib import Path

import psycopg
import pytest

from sluice.errors import SluiceError
from sluice.settings import Settings
from sluice.warehouse import connect, embedded, migrate, redacted
from sluice.warehouse.connection import at_work


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


@pytest.mark.parametrize(
    "limit, most", [("max", 1024), (str(2**60), 1024), (str(2**30), 128), (str(4 * 2**30), 256), (None, 1024)]
)
def test_it_keeps_a_sixteenth_of_the_memory_in_buffers(tmp_path, limit, most):
    file = tmp_path / "memory.max"
    if limit is not None:
        file.write_text(limit + "\n")
    of_machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**24
    assert embedded._shared_buffers([file]) == min(max(of_machine, 128), most)


def test_a_server_keeps_the_buffers_that_it_was_made_with(server):
    with psycopg.connect(embedded.url(server, "postgres")) as db:
        kept = db.execute("select pg_size_bytes(current_setting('shared_buffers')) / 1048576").fetchone()[0]
    assert kept == embedded._shared_buffers()


def test_its_last_user_stops_it_unless_it_is_kept(home):
    settings = Settings(home=home)
    try:
        with embedded.in_use(settings):
            with embedded.in_use(settings):
                assert embedded.running_port(settings) is not None
            assert embedded.running_port(settings) is not None, "somebody uses it still"
            embedded.stop_if_unused(settings)
            assert embedded.running_port(settings) is not None
        assert embedded.running_port(settings) is None
        pid = os.fork()
        if pid == 0:
            with embedded.in_use(settings):
                os._exit(9)
        os.waitpid(pid, 0)
        assert embedded.running_port(settings) is not None
        embedded.stop_if_unused(settings)
        assert embedded.running_port(settings) is None, "what a killed one left is stopped"
        with embedded.in_use(settings):
            embedded.keep(settings)
        assert embedded.running_port(settings) is not None
    finally:
        embedded.stop(settings)


def test_a_killed_server_starts_again_with_what_was_committed(home):
    settings = Settings(home=home)
    try:
        with embedded.in_use(settings):
            with connect(embedded.url(settings)) as db:
                db.execute("create table kept as select 1 as one")
            with connect(embedded.url(settings)) as db:
                db.execute("create table open_still as select 1 as one")
                postmaster = int((embedded.data_folder(settings) / "postmaster.pid").read_text().split()[0])
                os.kill(postmaster, signal.SIGKILL)
                with pytest.raises(psycopg.OperationalError):
                    db.execute("select pg_sleep(10)")
        with embedded.in_use(settings), connect(embedded.url(settings)) as db:
            assert db.execute("select one from kept").fetchone() == (1,)
            assert db.execute("select to_regclass('open_still')").fetchone() == (None,)
    finally:
        embedded.stop(settings)


def test_a_server_that_comes_back_is_waited_for_and_a_wrong_password_is_not(home):
    settings = Settings(home=home)
    try:
        embedded.start(settings)
        url = embedded.url(settings)
        embedded.stop(settings)
        with pytest.raises(SluiceError, match="cannot be reached"):
            connect(url)
        back = threading.Timer(1.5, lambda: embedded.start(settings))
        back.start()
        with at_work("sluice test", patience=30), connect(url) as db:
            assert db.execute("show application_name").fetchone() == ("sluice test",)
        back.join()
        assert embedded.url(settings) == url, "the port of the last time"
        began = time.monotonic()
        with at_work("sluice test", patience=30), pytest.raises(SluiceError, match="password"):
            connect(url.replace(settings.secret("postgres_password"), "wrong"))
        assert time.monotonic() - began < 15
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
