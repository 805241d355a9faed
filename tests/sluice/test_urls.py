"""URLs are taken apart by libpq's own rules, and no message shows a password, however it is written."""

import socket

import psycopg
import pytest

from sluice.errors import SluiceError
from sluice.psql import connection_environment
from sluice.settings import Settings, close_home, load_settings
from sluice.urls import database_of, options_of, with_database, with_login, without_secrets
from sluice.warehouse import connect, embedded, redacted

SECRET = "hunter-2-is-no-password"
TLS = "sslmode=verify-full&sslrootcert=/etc/my%20ca/ca.pem&channel_binding=require"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://u:{SECRET}@127.0.0.1:1/d",
        f"postgresql://u:{SECRET}@127.0.0.1:1,127.0.0.1:2/d?connect_timeout=2",
        f"postgresql://u@127.0.0.1:1/d?password={SECRET}",
        f"postgresql://127.0.0.1:1/d?user=u&password={SECRET}&sslmode=disable",
        f"postgresql://u:x@127.0.0.1:1/d?sslpassword={SECRET}",
        f"host=127.0.0.1 port=1 user=u password={SECRET} dbname=d",
        f"host=127.0.0.1 port=1 user=u password='{SECRET} and more' dbname=d",
        f"postgresql://u:{SECRET}@127.0.0.1:x/d",
        f"postgresql://u:p@{SECRET}@127.0.0.1:1/d",
        f"postgresql://u:{SECRET}%zz@127.0.0.1:1/d",
        f"postgresql://u:{SECRET}@[::1/d",
        f"postgresql://u:{SECRET}@127.0.0.1:1/d?nonsense=1",
        f"http://u:{SECRET}@127.0.0.1:1/d",
    ],
)
def test_no_message_shows_a_password(url):
    assert SECRET not in redacted(url)
    with pytest.raises(SluiceError) as caught:
        connect(url, connect_timeout=2)
    assert SECRET not in str(caught.value) and "\n" not in str(caught.value)
    settings = load_settings(
        {f"SLUICE_{name}_URL": url for name in ("WAREHOUSE", "LOADER", "MINER", "SOURCE_ODOO")}
        | {"SLUICE_PSEUDONYM_KEY": SECRET}
    )
    assert SECRET not in repr(settings)


def test_libpqs_words_lose_what_they_quote():
    url = f"postgresql://u:p@{SECRET}@h/d"
    assert SECRET not in without_secrets(f'could not translate host name "{SECRET}@h" to address', url)


def test_every_option_survives():
    url = f"postgresql://u:p%40ss%2Fw@db.example:6432/the%20db?{TLS}"
    assert connection_environment(url) == {
        "PGHOST": "db.example",
        "PGPORT": "6432",
        "PGUSER": "u",
        "PGPASSWORD": "p@ss/w",
        "PGDATABASE": "the db",
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": "/etc/my ca/ca.pem",
        "PGCHANNELBINDING": "require",
    }
    moved = options_of(with_login(with_database(url, "a/b"), "a@b", "x:y/z"))
    assert moved == options_of(url) | {"dbname": "a/b", "user": "a@b", "password": "x:y/z"}
    assert database_of(url) == "the db"


def test_the_embedded_server_is_reached_through_loopback_with_a_password_alone(server):
    options = options_of(embedded.url(server))
    with pytest.raises(psycopg.OperationalError, match="no password supplied"):
        psycopg.connect(**(options | {"password": ""}), passfile="/dev/null")
    for user in ("sluice", "postgres", "sluice_reader", "nobody", "sluice_loader"):
        with pytest.raises(psycopg.OperationalError, match=r"authentication failed|password"):
            psycopg.connect(**(options | {"user": user, "password": "wrong"}))
    with psycopg.connect(**options) as db:
        assert db.execute("show listen_addresses").fetchone() == ("127.0.0.1",)
        assert db.execute("show unix_socket_directories").fetchone() == ("",)
        rules = db.execute("select distinct auth_method from pg_hba_file_rules").fetchall()
        assert rules == [("scram-sha-256",)]
        stored = db.execute("select rolpassword from pg_authid where rolpassword is not null").fetchall()
        assert stored and all(text.startswith("SCRAM-SHA-256$") for (text,) in stored)
    for family, address in ((socket.AF_INET, "127.0.0.2"), (socket.AF_INET6, "::1")):
        with socket.socket(family) as probe, pytest.raises(OSError):
            probe.settimeout(5)
            probe.connect((address, int(options["port"])))


def test_a_home_that_others_could_read_is_closed(tmp_path):
    home = tmp_path / "home"
    home.mkdir(mode=0o777)
    home.chmod(0o777)
    close_home(Settings(home=home))
    assert home.stat().st_mode & 0o066 == 0
    close_home(Settings(home=tmp_path / "absent"))
