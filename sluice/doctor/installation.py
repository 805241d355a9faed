"""The doctor on this machine: the folder of state, secrets, the environment, the variables, Airflow."""

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

from sluice.alerts.channels import channels
from sluice.alerts.incidents import deadline_of
from sluice.doctor.findings import NOTE, WELL, WRONG, Finding
from sluice.errors import SluiceError
from sluice.retention import declared
from sluice.settings import Settings
from sluice.versions import sluice_version

_MINIMUM_FREE_BYTES = 2 * 1024**3
_DECISIVE = ("apache-airflow", "dbt-core", "dbt-postgres", "great-expectations", "polars", "psycopg", "pyarrow")
_DAG_SECONDS = 120
_READ_DAGS = """
import json, runpy, sys
errors = {}
for path in sys.argv[1:]:
    try:
        runpy.run_path(path)
    except BaseException as error:
        errors[path] = f"{type(error).__name__}: {error}".splitlines()[0]
print("\\n" + json.dumps(errors))
"""


def home(settings: Settings) -> Iterator[Finding]:
    """The folder of state: there, writable, with room."""
    folder = settings.home
    if not folder.exists():
        yield NOTE, f"{folder}: nothing there yet; `sluice run` makes it"
        return
    if not os.access(folder, os.W_OK):
        yield WRONG, f"{folder}: cannot be written; set SLUICE_HOME to a folder of yours"
    free = shutil.disk_usage(folder).free
    state = WELL if free > _MINIMUM_FREE_BYTES else WRONG
    repair = "" if state == WELL else "; make room, or set SLUICE_HOME to another disk"
    yield state, f"{folder}: {free / 1024**3:.1f} GiB free (2 GiB are needed at least){repair}"


def secrets(settings: Settings) -> Iterator[Finding]:
    """Nobody else can read what is secret."""
    folder = settings.home / "secrets"
    paths = [folder, *sorted(folder.glob("*"))] if folder.exists() else []
    paths += [settings.home / "airflow" / "password.json", *([settings.person_map] if settings.person_map else [])]
    for path in paths:
        if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077:
            yield WRONG, f"{path}: others can read it; chmod go= {path}"


def environment(settings: Settings) -> Iterator[Finding]:
    """Which release, and whether what is installed is what the release was tested with."""
    from importlib.metadata import PackageNotFoundError, version

    yield WELL, f"Sluice {sluice_version()}, Python {sys.version.split()[0]}"
    lock = settings.project / "uv.lock"
    if not lock.exists():
        return
    locked = {package["name"]: package.get("version") for package in tomllib.loads(lock.read_text())["package"]}
    for name in _DECISIVE:
        try:
            found = version(name)
        except PackageNotFoundError:
            found = "missing"
        if name in locked and found != locked[name]:
            yield WRONG, f"{name} is {found}, uv.lock says {locked[name]}: run `make setup`"


def variables(settings: Settings) -> Iterator[Finding]:
    """Alerts and retention: what is set can be used."""
    ways = channels(settings.operations)
    deadline = deadline_of(settings)
    if ways:
        yield WELL, f"alerts: by {' and '.join(way.name for way in ways)}; nights are due at {deadline:%H:%M} UTC"
    else:
        yield NOTE, "alerts: nobody is told (set SLUICE_ALERT_TO and SLUICE_SMTP_HOST, or SLUICE_ALERT_WEBHOOK_URL)"
    for system, days in declared(settings).items():
        yield WELL, f"retention: {system} is kept {days} days"


def airflow(settings: Settings) -> Iterator[Finding]:
    """The Airflow that `sluice up` keeps: there, healthy, with our settings and all DAGs live."""
    from sluice import stack as stacks
    from sluice.run_night import expected_dags

    stack = stacks.running(settings)
    if stack is None:
        if (settings.home / "airflow" / "stack.json").exists():
            yield (
                WRONG,
                "Airflow was started by `sluice up` and is gone: run `sluice up` again, see launcher.log in its logs",
            )
        return
    api = stack.api()
    health = api.health()
    for part in ("metadatabase", "scheduler", "dag_processor"):
        if health[part]["status"] != "healthy":
            yield (
                WRONG,
                f"Airflow: its {part} is {health[part]['status']}: run `sluice down`, `sluice up`; logs in {stack.logs}",
            )
    for line in api.import_errors():
        yield WRONG, f"Airflow cannot read a DAG file: {line}"
    dags = api.dags()
    for dag_id in sorted(expected_dags(settings) | {"watch"}):
        if dag_id not in dags:
            yield WRONG, f"Airflow does not know the DAG {dag_id}: see dag-processor.log in {stack.logs}"
        elif dags[dag_id]["is_paused"]:
            yield WRONG, f"the DAG {dag_id} is paused: unpause it at {stack.url}"
    yield WELL, f"Airflow is up at {stack.url}"


def dag_files(settings: Settings) -> Iterator[Finding]:
    """Every DAG file can be imported; in a process and an AIRFLOW_HOME of its own."""
    files = sorted((settings.project / "dags").glob("*.py"))
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "AIRFLOW_HOME": folder,
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "PYTHONPATH": str(settings.project),
            "SLUICE_HOME": str(settings.home),
        }
        try:
            done = subprocess.run(
                [sys.executable, "-c", _READ_DAGS, *map(str, files)],
                env=environment,
                cwd=settings.project,
                capture_output=True,
                text=True,
                timeout=_DAG_SECONDS,
            )
        except subprocess.TimeoutExpired:
            raise SluiceError(
                f"the DAG files in {settings.project / 'dags'} take longer than {_DAG_SECONDS} s to read"
            ) from None
    try:
        errors = json.loads(done.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        reason = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        raise SluiceError(f"Airflow cannot be imported ({reason}): run `make setup`") from None
    for path, reason in errors.items():
        yield WRONG, f"{Path(path)}: cannot be read as a DAG file ({reason}); correct it"
    if not errors:
        yield WELL, f"DAG files: all {len(files)} can be read"
