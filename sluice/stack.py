"""Airflow for one installation: start it, wait until it is healthy, stop it for sure, find a running one again."""

import contextlib
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from sluice.airflow_api import AirflowApi, ApiError
from sluice.airflow_environment import (
    USER,
    airflow_database_url,
    airflow_environment,
    airflow_home,
    password_file,
    sluice_environment,
)
from sluice.errors import SluiceError
from sluice.ports import free_port
from sluice.settings import Settings
from sluice.turns import held, turn
from sluice.urls import database_of, with_database, without_secrets
from sluice.warehouse import redacted

PREFERRED_PORT = 8080
START_SECONDS = 300
_STATE = "stack.json"
_LOGIN = re.compile(r"://[^\s/]*@")


@dataclass(frozen=True)
class Stack:
    """A started Airflow: where it is and who may enter. `process` is ours when we started it for one command."""

    settings: Settings
    port: int
    pid: int
    user: str
    password: str = field(repr=False)
    is_ours: bool = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def logs(self) -> Path:
        return airflow_home(self.settings) / "logs"

    def api(self) -> AirflowApi:
        return AirflowApi(self.url, self.user, self.password)


def _password(settings: Settings) -> str:
    """The password of Airflow's one user, made once and kept in a file that its owner alone may read."""
    path = password_file(settings)
    with contextlib.suppress(FileNotFoundError, KeyError, ValueError):
        return json.loads(path.read_text())[USER]
    password = secrets.token_urlsafe(18)
    fresh = path.with_suffix(f".{os.getpid()}")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump({USER: password}, file)
    fresh.rename(path)
    return password


def _make_database(url: str) -> str:
    """Make Airflow's own database if it is not there; returns what tells this database from another."""
    try:
        with psycopg.connect(url, connect_timeout=10) as db:
            row = db.execute("select oid::text from pg_database where datname = current_database()").fetchone()
            return row[0]
    except psycopg.OperationalError as error:
        if "does not exist" not in str(error):
            raise SluiceError(
                f"Airflow's database {redacted(url)} cannot be reached "
                f"({without_secrets(str(error).strip().splitlines()[-1], url)})"
            ) from error
    name = database_of(url)
    try:
        with psycopg.connect(with_database(url, "postgres"), autocommit=True, connect_timeout=10) as db:
            db.execute(psycopg.sql.SQL("create database {}").format(psycopg.sql.Identifier(name)))
    except psycopg.Error as error:
        reason = str(error).strip().splitlines()[-1]
        raise SluiceError(
            f"Airflow's database {redacted(url)} could not be made ({reason}): make it (create database {name}), "
            "or name another one in SLUICE_AIRFLOW_DB_URL"
        ) from error
    return _make_database(url)


def _state_path(settings: Settings) -> Path:
    return airflow_home(settings) / _STATE


def _is_launcher(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        if not command:  # it has only just been started, or has ended and nobody has waited for it
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
        return b"airflow_launcher" in command
    except FileNotFoundError:  # no /proc: the number must do
        return not Path("/proc/self").exists()
    except (ProcessLookupError, PermissionError):
        return False


def running(settings: Settings) -> Stack | None:
    """The stack that `sluice up` keeps running, or None."""
    try:
        state = json.loads(_state_path(settings).read_text())
    except (FileNotFoundError, ValueError):
        return None
    if not _is_launcher(state["pid"]):
        return None
    return Stack(settings, state["port"], state["pid"], USER, _password(settings))


def _launch(
    settings: Settings, *, is_kept: bool, is_scheduled: bool, stops_warehouse: bool
) -> tuple[Stack, subprocess.Popen]:
    home = airflow_home(settings)
    for folder in (home / "logs", home / "plugins"):
        folder.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    password = _password(settings)
    database = airflow_database_url(settings)
    identity = _make_database(database)
    from importlib.metadata import version

    port = free_port(PREFERRED_PORT if is_kept else None)
    command = [
        sys.executable,
        "-m",
        "sluice.airflow_launcher",
        "--logs",
        str(home / "logs"),
        "--migrated",
        str(home / "migrated" / f"{version('apache-airflow-core')}-{identity}"),
    ]
    if not is_kept:
        command.append("--lifeline")
        if stops_warehouse:
            command.append("--stop-warehouse")
    with open(home / "logs" / "launcher.log", "ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL if is_kept else subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=settings.project,
            env=airflow_environment(settings, port=port, is_scheduled=is_scheduled),
            start_new_session=True,
            pass_fds=() if is_kept else held(),  # the turn of the command lasts until its Airflow has ended, too
        )
    return Stack(settings, port, process.pid, USER, password, is_ours=not is_kept), process


def wait_until_healthy(stack: Stack, dag_ids: set[str], *, is_alive: Callable[[], bool] | None = None) -> None:
    """Wait for a healthy scheduler and for `dag_ids` to have been read; SluiceError that names the log otherwise."""
    is_alive = is_alive or (lambda: _is_launcher(stack.pid))
    api, deadline, missing = stack.api(), time.monotonic() + START_SECONDS, dag_ids
    while time.monotonic() < deadline:
        if not is_alive():
            said = last_lines(stack.logs)
            raise SluiceError(f"Airflow did not start ({said}): see {stack.logs}/launcher.log and the logs beside it")
        try:
            health = api.health()
            if all(health[part]["status"] == "healthy" for part in ("metadatabase", "scheduler", "dag_processor")):
                missing = dag_ids - api.dags().keys()
                if not missing:
                    return
                if errors := api.import_errors():
                    raise SluiceError(f"Airflow cannot read a DAG file: {errors[0]}")
        except ApiError as error:
            if error.status not in (0, 500, 503):
                raise
        time.sleep(0.2)
    waiting = f"; DAGs not read: {', '.join(sorted(missing))}" if missing else ""
    raise SluiceError(f"Airflow was not healthy after {START_SECONDS} s{waiting}: see {stack.logs}")


def last_lines(logs: Path) -> str:
    """The last line of each log of a folder, in one, without logins of URLs."""
    found = []
    for log in sorted(logs.glob("*.log")):
        lines = log.read_bytes()[-2000:].decode(errors="replace").strip().splitlines()
        if lines:
            found.append(f"{log.name}: {_LOGIN.sub('://…@', lines[-1].strip())[:300]}")
    return "; ".join(found) or "nothing in its logs"


def _stop(process: subprocess.Popen) -> None:
    """End a launcher of ours: by signal, and by cutting its lifeline if it does not hear."""
    with contextlib.suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    with contextlib.suppress(OSError):
        process.stdin.close()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        _kill_session(process.pid)
        process.wait(10)


def _kill_session(session: int) -> None:
    import psutil

    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ProcessLookupError, PermissionError):
            if os.getsid(process.pid) == session:
                process.kill()


@contextmanager
def temporary(settings: Settings, *, is_scheduled: bool = False, stops_warehouse: bool = False) -> Iterator[Stack]:
    """An Airflow for one command: booting when this returns, gone when the block ends, however it ends."""
    stack, process = _launch(settings, is_kept=False, is_scheduled=is_scheduled, stops_warehouse=stops_warehouse)
    before = signal.signal(signal.SIGTERM, _interrupt) if _is_main_thread() else None
    try:
        yield stack
    finally:
        _stop(process)
        if before is not None:
            signal.signal(signal.SIGTERM, before)


def _is_main_thread() -> bool:
    import threading

    return threading.current_thread() is threading.main_thread()


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def up(settings: Settings) -> int:
    """`sluice up`: start the warehouse and Airflow, leave them running, and print where they are."""
    with turn(settings, "sluice up"):
        return _up(settings)


def _up(settings: Settings) -> int:
    from sluice.nights import is_demo
    from sluice.roles import with_embedded_logins
    from sluice.run_night import expected_dags
    from sluice.warehouse import embedded, migrate

    if settings.warehouse_url is None:
        from dataclasses import replace

        embedded.start(settings)
        embedded.keep(settings)
        settings = replace(settings, warehouse_url=embedded.url(settings))
        migrate(settings.warehouse_url)
        settings = with_embedded_logins(settings)
    else:
        migrate(settings.warehouse_url)
    stack = running(settings)
    if stack is None:
        demo = settings.home / "demo"
        is_scheduled = not is_demo(settings) and (
            settings.agent_drop is None or not settings.agent_drop.is_relative_to(demo)
        )
        stack, _ = _launch(settings, is_kept=True, is_scheduled=is_scheduled, stops_warehouse=False)
        state = {"pid": stack.pid, "port": stack.port, "settings": _settings_key(settings)}
        _state_path(settings).write_text(json.dumps(state))
        try:
            wait_until_healthy(stack, expected_dags(settings))
        except BaseException:
            down(settings)
            raise
    print(f"Airflow    {stack.url}  user {stack.user}, password in {password_file(settings)}")
    print(f"warehouse  {redacted(settings.warehouse_url)}  (`sluice psql` opens it)")
    print("stop both with `sluice down`")
    return 0


def has_same_settings(settings: Settings) -> bool:
    """Whether the running stack's tasks see the same settings as we do."""
    return json.loads(_state_path(settings).read_text())["settings"] == _settings_key(settings)


def _settings_key(settings: Settings) -> str:
    import hashlib

    return hashlib.sha256(json.dumps(sluice_environment(settings), sort_keys=True).encode()).hexdigest()[:16]


def down(settings: Settings) -> int:
    """`sluice down`: stop the Airflow and the embedded warehouse that `sluice up` started."""
    from sluice.warehouse import embedded

    stack = running(settings)
    if stack is not None:
        os.kill(stack.pid, signal.SIGTERM)
        deadline = time.monotonic() + 30
        while _is_launcher(stack.pid) and time.monotonic() < deadline:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(stack.pid, os.WNOHANG)
            time.sleep(0.1)
        if _is_launcher(stack.pid):
            _kill_session(stack.pid)
    _state_path(settings).unlink(missing_ok=True)
    is_stopped = settings.warehouse_url is None and embedded.stop(settings)
    print("stopped" if stack is not None or is_stopped else "nothing was running")
    return 0
