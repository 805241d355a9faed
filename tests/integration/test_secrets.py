"""A whole demo night, looked through for its secrets: they are in SLUICE_HOME/secrets, and in no other place."""

import base64
import gzip
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from sluice.psql import connection_environment
from sluice.settings import PROJECT, Settings
from sluice.urls import with_database
from sluice.warehouse import embedded

KEY = "5ec2e7" * 11 + "00"
pytestmark = pytest.mark.slow


@dataclass
class Night:
    """What a night left, and what the process list showed while it ran."""

    home: Path
    output: str
    command_lines: set[bytes]


def _look(found: set[bytes], over: threading.Event) -> None:
    while not over.wait(0.05):
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                found.add(path.read_bytes())
            except OSError:
                continue


@pytest.fixture(scope="module")
def night() -> Iterator[Night]:
    home = Path(tempfile.mkdtemp(prefix="sluice-secrets-")) / "home"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("SLUICE_", "AIRFLOW_"))}
    environment |= {"SLUICE_HOME": str(home), "SLUICE_PSEUDONYM_KEY": KEY}
    seen, over = set(), threading.Event()
    looking = threading.Thread(target=_look, args=(seen, over), daemon=True)
    looking.start()
    before = os.umask(0o022)  # as generous as an account may be
    try:
        done = subprocess.run(
            [sys.executable, "-m", "sluice.cli", "run"],
            cwd=PROJECT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=840,
            check=False,
        )
    finally:
        os.umask(before)
        over.set()
        looking.join()
    usual = os.umask(0o077)  # of the tests below, which start the server again
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    yield Night(home, done.stdout + done.stderr, seen)
    os.umask(usual)
    embedded.stop(Settings(home=home))
    shutil.rmtree(home.parent, ignore_errors=True)


@pytest.fixture(scope="module")
def secrets(night: Night) -> dict[str, bytes]:
    """Name -> what must be nowhere else."""
    found = {path.name: path.read_bytes().strip() for path in (night.home / "secrets").iterdir()}
    found["the key of the pseudonyms"] = KEY.encode()
    found["the key, as bytes"] = bytes.fromhex(KEY)
    found["Airflow's password"] = json.loads((night.home / "airflow" / "password.json").read_text())["admin"].encode()
    for name in ("airflow_fernet_key",):
        found[f"{name}, encoded"] = base64.urlsafe_b64encode(bytes.fromhex(found[name].decode()))
    assert {"postgres_password", "sluice_loader_password", "sluice_miner_password"} <= set(found)
    return found


def _in(content: bytes, secrets: dict[str, bytes]) -> list[str]:
    return [name for name, secret in secrets.items() if secret in content]


def test_no_file_holds_one(night: Night, secrets):
    kept = {night.home / "secrets", night.home / "postgres" / "data" / "base"}
    found = {}
    for path in night.home.rglob("*"):
        if path.is_file() and not any(path.is_relative_to(folder) for folder in kept):
            content = path.read_bytes()
            if path.suffix == ".gz":
                content = gzip.decompress(content)
            if path.name != "password.json" and (names := _in(content, secrets)):
                found[str(path.relative_to(night.home))] = names
    assert found == {}


def test_no_table_holds_one(night: Night, secrets):
    """The warehouse, Airflow's own tables (runs, XCom, rendered fields, task parameters, logs) and the demo company's."""
    settings = Settings(home=night.home)
    embedded.start(settings)
    try:
        url = embedded.url(settings)
        with psycopg.connect(url) as db:
            names = [
                name for (name,) in db.execute("select datname from pg_database where not datistemplate order by 1")
            ]
        assert {"airflow", "sluice", "demo_company"} <= set(names)
        for name in names:
            dump = subprocess.run(
                [str(embedded.binary("pg_dump"))],
                env=os.environ | connection_environment(with_database(url, name)),
                capture_output=True,
                check=True,
            ).stdout
            assert _in(dump, secrets) == [], name
            if name == "airflow":
                assert b"rendered_task_instance_fields" in dump and b"xcom" in dump
    finally:
        embedded.stop(settings)


def test_no_process_list_and_no_output_shows_one(night: Night, secrets):
    assert any(b"sluice.airflow_launcher" in line for line in night.command_lines)
    assert [line for line in night.command_lines if _in(line, secrets)] == []
    assert _in(night.output.encode(), secrets) == []


def test_state_is_its_owners_alone(night: Night):
    """Every file and folder; as root, two folders may be passed through (not listed) by the server's account."""
    way = {night.home, night.home / "postgres"} if os.geteuid() == 0 else set()
    open_to_others = [
        (str(path.relative_to(night.home)), oct(stat.S_IMODE(path.lstat().st_mode)))
        for path in [night.home, *night.home.rglob("*")]
        if not path.is_symlink() and path.lstat().st_mode & (0o066 if path in way else 0o077)
    ]
    assert open_to_others == []


def test_tasks_are_given_no_login_that_may_do_everything(night: Night, secrets):
    """What the launcher's children inherit is what airflow_environment makes."""
    from dataclasses import replace

    from sluice.airflow_environment import airflow_environment
    from sluice.nights import with_sources
    from sluice.roles import with_embedded_logins

    settings = Settings(home=night.home)
    embedded.start(settings)
    try:
        ready = with_sources(with_embedded_logins(replace(settings, warehouse_url=embedded.url(settings))))
        assert set(ready.source_urls) == {"odoo"}
        environment = airflow_environment(ready, port=1, is_scheduled=False, inherited={})
        superuser = secrets["postgres_password"].decode()
        assert [name for name, value in environment.items() if superuser in value] == []
        logins = {
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": ("sluice_airflow", "airflow"),
            "SLUICE_WAREHOUSE_URL": ("sluice_miner", "sluice"),
            "SLUICE_LOADER_URL": ("sluice_loader", "sluice"),
            "SLUICE_MINER_URL": ("sluice_miner", "sluice"),
            "SLUICE_SOURCE_ODOO_URL": ("sluice_source", "demo_company"),
        }
        for variable, expected in logins.items():
            with psycopg.connect(environment[variable].replace("+psycopg", "")) as db:
                found = db.execute(
                    "select current_user::text, current_database()::text, rolsuper or rolcreaterole or rolcreatedb "
                    "from pg_roles where rolname = current_user"
                ).fetchone()
                assert found == (*expected, False)
                if expected[0] == "sluice_source":
                    with pytest.raises(psycopg.errors.InsufficientPrivilege):
                        db.execute("delete from purchase_order")
    finally:
        embedded.stop(settings)
