"""TLS to a Postgres of one's own: the options of the URL reach every driver, and a server that is not the right one is refused.

The embedded PostgreSQL is built without TLS: a terminator before it speaks it, refuses whoever does not, as a cloud's proxy does.
"""

import asyncio
import datetime
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
import sqlalchemy
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from expectations.gx_engine import _gx_url
from mining_tasks import io
from sluice.airflow_environment import airflow_environment
from sluice.dbt_runner import run_dbt
from sluice.errors import SluiceError
from sluice.psql import psql
from sluice.settings import PROJECT, Settings
from sluice.stack import _make_database
from sluice.urls import with_database
from sluice.warehouse import connect

_SSL_REQUEST = (8).to_bytes(4, "big") + (80877103).to_bytes(4, "big")


def _certificate(folder: Path, name: str, issuer: tuple | None = None) -> tuple:
    """A key with its certificate: of itself, or of an issuer (for a server on loopback); both written as PEM."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer[0].subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
    )
    made = builder.sign(issuer[1] if issuer else key, hashes.SHA256())
    (folder / f"{name}.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / f"{name}.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return made, key


@dataclass
class Terminator:
    """TLS before a plain port. plain_count: connections that asked for none, and were closed."""

    port: int = 0
    tls_count: int = 0
    plain_count: int = 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("certificates of the server")  # blanks must survive, too
    _certificate(folder, "server", _certificate(folder, "authority"))
    _certificate(folder, "stranger")
    return folder


@pytest.fixture(scope="module")
def terminator(module_warehouse_url: str, folder: Path) -> Iterator[Terminator]:
    parts, state = urlsplit(module_warehouse_url), Terminator()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.crt", folder / "server.key")

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        except (ConnectionError, ssl.SSLError):
            return
        finally:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if await reader.readexactly(8) != _SSL_REQUEST:
                state.plain_count += 1
                writer.close()
                return
            writer.write(b"S")
            await writer.drain()
            await writer.start_tls(context)
            state.tls_count += 1
        except (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
            writer.close()
            return
        inner = await asyncio.open_connection(parts.hostname, parts.port)
        await asyncio.gather(pump(reader, inner[1]), pump(inner[0], writer))

    ready, stop = threading.Event(), []

    async def main() -> None:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        state.port = server.sockets[0].getsockname()[1]
        over = asyncio.Event()
        stop.append((asyncio.get_running_loop(), over))
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        ready.set()
        await over.wait()
        server.close()

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    assert ready.wait(60)
    yield state
    loop, over = stop[0]
    loop.call_soon_threadsafe(over.set)
    thread.join(10)


@pytest.fixture(scope="module")
def url(terminator: Terminator, module_warehouse_url: str, folder: Path) -> str:
    """The warehouse through TLS, its certificate verified."""
    parts = urlsplit(module_warehouse_url)
    login = parts.netloc.rsplit("@", 1)[0]
    authority = str(folder / "authority.crt").replace(" ", "%20")
    query = f"sslmode=verify-full&sslrootcert={authority}&channel_binding=prefer&gssencmode=disable"
    return urlunsplit(parts._replace(netloc=f"{login}@127.0.0.1:{terminator.port}", query=query))


@pytest.fixture
def used(terminator: Terminator) -> Iterator[Terminator]:
    """Fails unless the test spoke TLS, and nothing but TLS."""
    before = terminator.tls_count
    yield terminator
    assert terminator.tls_count > before
    assert terminator.plain_count == 0


def test_connections_of_sluice(url, used):
    with connect(url) as db:
        assert db.execute("select count(*) > 0 from ops.migrations").fetchone() == (True,)
        assert db.pgconn.ssl_in_use


def test_mining_reads_through_it(url, used):
    with io.connection(url) as db, db.cursor() as cursor:
        cursor.execute("select 1 as one")
        assert cursor.fetch_arrow_table().to_pydict() == {"one": [1]}


def test_the_gate_reads_through_it(url, used):
    with sqlalchemy.create_engine(_gx_url(url)).connect() as db:
        assert db.execute(sqlalchemy.text("select 1")).scalar() == 1


def test_airflow_keeps_its_state_through_it(url, used, tmp_path, make_database, monkeypatch):
    made = make_database("airflow_through_tls")
    own = with_database(url, urlsplit(made).path.lstrip("/"))
    assert _make_database(own).isdigit()
    monkeypatch.setenv("SLUICE_AIRFLOW_DB_URL", own)
    environment = airflow_environment(Settings(home=tmp_path, warehouse_url=url), port=1, is_scheduled=False)
    with sqlalchemy.create_engine(environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"]).connect() as db:
        assert db.execute(sqlalchemy.text("select current_database()")).scalar() == "airflow_through_tls"

    async def look() -> str:
        from sqlalchemy.ext.asyncio import create_async_engine

        engine = create_async_engine(environment["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC"])
        async with engine.connect() as db:
            found = await db.execute(sqlalchemy.text("select current_database()"))
            name = found.scalar()
        await engine.dispose()
        return name

    assert asyncio.run(look()) == "airflow_through_tls"


@pytest.mark.slow
def test_dbt_builds_through_it(url, used, tmp_path):
    outcome = run_dbt(url, PROJECT, tmp_path, "tls", ["seed", "--select", "odoo__state_labels"])
    assert {status for status, _, _ in outcome.nodes.values()} == {"success"}


def test_psql_without_tls_says_where_to_get_one_with_it(url, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))  # no other psql
    with pytest.raises(SluiceError) as caught:
        psql(Settings(home=tmp_path, warehouse_url=url), ["-c", "select 1"])
    assert "TLS" in str(caught.value) and "install" in str(caught.value) and "\n" not in str(caught.value)


def test_psql_of_the_system_gets_the_options(url, tmp_path, monkeypatch):
    seen = tmp_path / "seen"
    (tmp_path / "psql").write_text(f'#!/bin/sh\n/usr/bin/env > {seen}; echo "$@" >> {seen}\n')
    (tmp_path / "psql").chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert psql(Settings(home=tmp_path, warehouse_url=url), ["-c", "select 1"]) == 0
    lines = seen.read_text().splitlines()
    assert "PGSSLMODE=verify-full" in lines and "PGCHANNELBINDING=prefer" in lines
    assert any(line.startswith("PGSSLROOTCERT=") and line.endswith("authority.crt") for line in lines)
    assert lines[-1] == "-c select 1"  # no password among the arguments


@pytest.mark.parametrize("mode", ["verify-ca", "verify-full"])
def test_a_server_with_another_certificate_is_refused_in_one_line(url, folder, mode):
    wrong = url.replace("authority.crt", "stranger.crt").replace("verify-full", mode)
    with pytest.raises(SluiceError) as caught:
        connect(wrong)
    assert "certificate verify failed" in str(caught.value) and "\n" not in str(caught.value)
    assert urlsplit(url).password not in str(caught.value)
    with pytest.raises(Exception, match="certificate verify failed"), io.connection(wrong):
        pass


def test_a_server_under_another_name_is_refused(url):
    with pytest.raises(psycopg.OperationalError, match="localhost"):
        psycopg.connect(url.replace("@127.0.0.1:", "@localhost:"))


def test_a_server_without_tls_is_refused_where_it_is_asked_for(module_warehouse_url):
    with pytest.raises(SluiceError) as caught:
        connect(f"{module_warehouse_url}?sslmode=require")
    assert "does not support SSL" in str(caught.value) and "\n" not in str(caught.value)
