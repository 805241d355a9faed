"""Runs dbt in a process of its own, a request as JSON on stdin, the outcome on stdout: forked from the task that has
imported dbt, or from a server that does (sluice/dbt_server.py).

What dbt would parse anew on every start (seconds) is kept under SLUICE_HOME, by the content of the project.
"""

import contextlib
import ctypes
import fcntl
import inspect
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from sluice import dbt_server
from sluice.dbt_statements import KeptStatements, Recorder, placeholders
from sluice.errors import SluiceError, Unreachable
from sluice.urls import environment_of, options_of
from sluice.warehouse.connection import is_lost_text

_ANSWER = "sluice-dbt-outcome:"
_PR_SET_PDEATHSIG = 1
_ANY_DATABASE = "the_warehouse"  # stands for the database in a parsed project, which may serve several
_PROFILE_NAMES = {
    "host": "SLUICE_DBT_HOST",
    "hostaddr": "SLUICE_DBT_HOST",
    "port": "SLUICE_DBT_PORT",
    "user": "SLUICE_DBT_USER",
    "password": "DBT_ENV_SECRET_SLUICE_PASSWORD",
    "dbname": "SLUICE_DBT_DATABASE",
}
# folders of dbt's macros that no build of ours calls
_UNCALLED = {"snapshots", "functions", "python_model", "tests", "unit_test_sql", "generic_test_sql", "clone"}
_PARSED: dict[Path, Any] = {}  # the manifest that a forked child finds read already, each its own copy
_IN_PROFILE = ("PGHOST", "PGHOSTADDR", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGAPPNAME")


@dataclass(frozen=True)
class Outcome:
    """What an invocation did: node name -> (status, seconds, message)."""

    nodes: Mapping[str, tuple[str, float, str]]


def project_hash(project: Path) -> str:
    """Hash of everything that dbt reads of the project, and of dbt's version."""
    from importlib.metadata import version

    digest = sha256(f"{version('dbt-core')} {version('dbt-postgres')}".encode())
    folder = project / "dbt_project"
    for path in sorted(folder.rglob("*")):
        if path.suffix in (".sql", ".yml", ".csv") and path.is_file():
            content = path.read_bytes()
            digest.update(f"\x1f{path.relative_to(folder)}\x1f{len(content)}\x1f".encode() + content)
    return digest.hexdigest()[:16]


def run_dbt(
    url: str,
    project: Path,
    home: Path,
    subject: str,
    arguments: Sequence[str],
    variables: Mapping[str, Any] | None = None,
    *,
    threads: int = 2,
    needed: Iterable[str] | None = None,
    changing: Iterable[str] = (),
    is_rehearsal: bool = False,
) -> Outcome:
    """Run one dbt command (`build`, `test`, …) on the warehouse at `url`.

    subject names the folders that the invocation has to itself: <home>/dbt/<subject> and <home>/logs/dbt/<subject>.
    needed: names of the models and seeds that the command is about; what none of them refers to is left out of the
    project, which saves dbt the time to look at it. None: the whole project.
    changing: the variables of a build that the project puts into statements as they are (`dbt_statements.is_plain`). Where
    there are some, the statements are kept, and dbt is not asked again where it would send the same with other values.
    is_rehearsal: nothing is built; the statements are only kept.
    Raises SluiceError with one line: the model, what the database said, where the log is.
    """
    log_folder = home / "logs" / "dbt" / subject
    variables, manifest = dict(variables or {}), _parsed(project, home)
    request = {
        "project": str(project / "dbt_project"),
        "manifest": str(manifest),
        "target": str(home / "dbt" / subject),
        "log": str(log_folder),
        "arguments": list(arguments),
        "variables": variables,
        "needed": None if needed is None else sorted(needed),
    }
    values = {name: variables[name] for name in changing}
    if values:
        same = request | {"variables": {name: value for name, value in variables.items() if name not in values}}
        kept = KeptStatements(home / "dbt" / subject, json.dumps([same, options_of(url).get("dbname")], sort_keys=True))
        if is_rehearsal and kept.read() is not None:
            return Outcome({})
        if not is_rehearsal and (made := kept.send(url, values, connections=threads)) is not None:
            return Outcome(dict.fromkeys(made, ("success", 0.0, "as kept")))
        request["kept"] = {
            "values": values,
            "folder": str(kept.folder),
            "told": kept.told,
            "is_rehearsal": is_rehearsal,
        }
    request["parent"] = os.getpid()
    environment = _environment(url, project, threads)
    if os.environ.get("SLUICE_DBT_FORK") == "1" and "dbt.cli.main" in sys.modules:
        finished = fork(request, environment, project)
    else:
        finished = dbt_server.ask(request, environment, project)
    answer = next((line for line in reversed(finished.stdout.splitlines()) if line.startswith(_ANSWER)), None)
    if answer is None:
        last = (finished.stderr.strip() or finished.stdout.strip() or "no output").splitlines()[-1]
        raise SluiceError(
            f"dbt ({subject}) ended with code {finished.returncode}: {last[:500]}; see {log_folder / 'dbt.log'}"
        )
    outcome = json.loads(answer.removeprefix(_ANSWER))
    if outcome["failure"] is not None:
        raise (Unreachable if is_lost_text(outcome["failure"]) else SluiceError)(
            f"dbt ({subject}): {_one_line(outcome['failure'])}; see {log_folder / 'dbt.log'}"
        )
    return Outcome({name: (status, seconds, message) for name, status, seconds, message in outcome["nodes"]})


def prepare(url: str, project: Path, home: Path) -> None:
    """Parse the project ahead of its first use (seconds), so that what follows only loads it."""
    run_dbt(url, project, home, "prepare", [])


def _parsed(project: Path, home: Path) -> Path:
    """Where the parsed project is kept: under SLUICE_DBT_PARSED, which several homes may share, else under the home."""
    folder = os.environ.get("SLUICE_DBT_PARSED") or home / "dbt"
    return Path(folder) / f"manifest-{project_hash(project)}.msgpack"


def preload(project: Path, home: Path) -> None:
    """Do once, in a process that is going to fork the tasks, what dbt would do in each of them: read the project as it was
    last parsed, generate the code that reads and checks projects, compile macros. What fails is left to the tasks."""
    preload_parsed(_parsed(project, home))


def preload_parsed(path: Path) -> None:
    """`preload` of the project that is kept, parsed, at `path`; nothing if it is not, or has been read."""
    if path in _PARSED or not path.exists():
        return
    from dbt.adapters.postgres.connections import PostgresCredentials
    from dbt.contracts.graph.manifest import Manifest
    from dbt.contracts.project import Configuration, PackageConfig, ProfileConfig, Project, ProjectFlags
    from dbt.contracts.selection import SelectorFile
    from dbt.task import build  # noqa: F401 - a module that dbt imports late
    from dbt_common.clients.jinja import template_cache
    from dbt_common.contracts.constraints import ColumnLevelConstraint
    from dbt_common.exceptions import CompilationError

    of_project = (Configuration, PackageConfig, ProfileConfig, Project, ProjectFlags, SelectorFile)
    for contract in (*of_project, PostgresCredentials, ColumnLevelConstraint):
        contract.json_schema()
    _PARSED.clear()
    _PARSED[path] = Manifest.from_msgpack(path.read_bytes())
    for node in {type(node): node for node in _PARSED[path].nodes.values()}.values():
        node.to_dict()
    for macro in _PARSED[path].macros.values():
        if not _UNCALLED.intersection(Path(macro.original_file_path).parts):
            with contextlib.suppress(CompilationError):  # the child that needs it says what is wrong with it
                template_cache.get_node_template(macro)
    inspect.stack()  # dbt's adapter asks who called it: the first answer takes a look at every module


def _environment(url: str, project: Path, threads: int) -> dict[str, str]:
    connection, others = options_of(url), environment_of(url)
    env = {
        name: value
        for name, value in os.environ.items()
        if name not in _PROFILE_NAMES.values() and not name.startswith(("PG", "AIRFLOW_"))
    }
    env |= {
        "PGTZ": "UTC",
        "PGDATESTYLE": "ISO, MDY",
        "PGAPPNAME": os.environ.get("PGAPPNAME", "sluice dbt"),  # a step's sessions are known by its name
        "PYTHONPATH": str(project),
        "SLUICE_DBT_THREADS": str(threads),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
        "SLUICE_DBT_USER": os.environ.get("USER", ""),
    }
    env |= {name: value for name, value in others.items() if name not in _IN_PROFILE}
    env |= {_PROFILE_NAMES[name]: value for name, value in connection.items() if name in _PROFILE_NAMES}
    env.setdefault("SLUICE_DBT_HOST", "localhost")
    env.setdefault("SLUICE_DBT_DATABASE", env["SLUICE_DBT_USER"])
    return env


def _one_line(message: str) -> str:
    """The message without what dbt wraps around the database's own words."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return " ".join(line for line in lines if not line.startswith(("compiled code at", "LINE ", "^")))[:500]


def fork(request: dict[str, Any], environment: dict[str, str], project: Path) -> subprocess.CompletedProcess:
    """The same as a new interpreter, for a process that has imported dbt already and has no threads (a task of Airflow):
    a forked child, which spares the seconds that importing dbt takes."""
    with (
        tempfile.TemporaryFile("w+") as given,
        tempfile.TemporaryFile("w+") as out,
        tempfile.TemporaryFile("w+") as err,
    ):
        json.dump(request, given)
        given.flush()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            kept = (sys.stdin, sys.stdout, sys.stderr)  # the last reference would close the number that it stands for
            try:
                for number, file in enumerate((given, out, err)):
                    os.dup2(file.fileno(), number)
                os.lseek(0, 0, os.SEEK_SET)
                sys.stdin, sys.stdout, sys.stderr = (
                    open(number, mode, closefd=False)  # noqa: SIM115 - they last as long as the child
                    for number, mode in enumerate("rww")
                )
                os.environ.clear()
                os.environ.update(environment)
                os.chdir(project)
                _main()
            except BaseException:  # noqa: BLE001 - a forked child must never return into its parent's code
                traceback.print_exc()
                sys.stderr.flush()
            finally:
                os._exit(1 if kept else 0)  # _main() has ended the child unless it failed
        _, status = os.waitpid(pid, 0)
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess([], os.waitstatus_to_exitcode(status), out.read(), err.read())


def _main() -> None:
    """The child: reads the request, runs dbt, answers with one line."""
    request = json.load(sys.stdin)
    end_with(request["parent"])
    for folder in ("target", "log"):
        Path(request[folder]).mkdir(parents=True, exist_ok=True)
    nodes, failure = _invoke(request)
    print(_ANSWER + json.dumps({"nodes": nodes, "failure": failure}), flush=True)
    os._exit(0)  # dbt's threads and atexit hooks cost a quarter of a second and have nothing left to do


def end_with(parent: int) -> None:
    """Let this process end when `parent` does, however that ends: a build that nobody waits for must not go on."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    if os.getppid() != parent:
        os._exit(1)
    if sys.platform != "linux":
        threading.Thread(target=watch, daemon=True).start()


def _invoke(request: dict[str, Any]) -> tuple[list[tuple[str, str, float, str]], str | None]:
    from dbt.cli.main import dbtRunner

    common = [
        "--project-dir",
        request["project"],
        "--profiles-dir",
        request["project"],
        "--target-path",
        request["target"],
    ]
    quiet = [
        "--log-level",
        "none",  # on stdout nobody reads: what failed is in the outcome, the rest in the file
        "--no-version-check",
        "--no-send-anonymous-usage-stats",
        "--no-use-colors",
        "--no-print",
        "--log-path",
        request["log"],
        "--log-level-file",
        "info",
        "--no-partial-parse",
    ]
    manifest, failure = _manifest(Path(request["manifest"]), quiet, common)
    if failure:
        return [], failure
    if not request["arguments"]:
        return [], None
    if request["needed"] is not None:
        _leave_out_all_but(manifest, request["needed"])
    command, *options = request["arguments"]
    _hear_only_what_is_kept()
    variables, recorder = request["variables"], None
    if "kept" in request:
        values = request["kept"]["values"]
        variables, recorder = (
            variables | placeholders(values),
            Recorder(values, is_rehearsal=request["kept"]["is_rehearsal"]),
        )
        recorder.listen()
    result = dbtRunner(manifest=manifest).invoke(
        [
            *quiet,
            "--no-write-json",
            "--cache-selected-only",
            command,
            *options,
            *common,
            "--vars",
            json.dumps(variables),
        ]
    )
    ran = getattr(result.result, "results", None) or []
    nodes = [(one.node.name, str(one.status), round(one.execution_time, 3), one.message or "") for one in ran]
    broken = [
        f"{name}: {message}" for name, status, _, message in nodes if status in ("error", "fail", "runtime error")
    ]
    if broken:
        return nodes, broken[0] + (f" (and {len(broken) - 1} more)" if len(broken) > 1 else "")
    if result.exception is not None:
        return nodes, str(result.exception)
    if result.success and recorder is not None:
        heard = recorder.nodes(_after(manifest, {one.node.unique_id for one in ran}))
        if heard is not None:
            KeptStatements(Path(request["kept"]["folder"]), request["kept"]["told"]).keep(heard)
    return nodes, None if result.success else "failed without saying why"


def _after(manifest: Any, made: Set[str]) -> dict[str, list[str]]:
    """Node -> those of the nodes that dbt made (unique ids) that it reads, itself or by way of models that are not made."""

    def read_by(node: str) -> set[str]:
        parents = manifest.nodes[node].depends_on_nodes if node in manifest.nodes else ()
        return {found for parent in parents for found in ({parent} if parent in made else read_by(parent))}

    return {node: sorted(read_by(node)) for node in sorted(made)}


def _hear_only_what_is_kept() -> None:
    """Drop dbt's events below `info`, of which no log of ours keeps any: dbt would first write each of them as a line, and
    then not log it."""
    from dbt_common.events.base_types import BaseEvent, EventLevel
    from dbt_common.events.event_manager import EventManager
    from dbt_common.events.event_manager_client import ctx_set_event_manager

    class Manager(EventManager):
        def fire_event(self, e: BaseEvent, level: EventLevel | None = None, *others: Any, **named: Any) -> None:
            if (level or e.level_tag()) not in (EventLevel.DEBUG, EventLevel.TEST):
                super().fire_event(e, level, *others, **named)

    ctx_set_event_manager(Manager())


def _manifest(path: Path, quiet: list[str], common: list[str]):
    """The parsed project: from `path`, else parsed and kept there. It is of no database until it is loaded."""
    from dbt.cli.main import dbtRunner
    from dbt.contracts.graph.manifest import Manifest

    path.parent.mkdir(parents=True, exist_ok=True)
    database = os.environ["SLUICE_DBT_DATABASE"]
    with open(path.parent / "manifest.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of several that start together one parses
        if not path.exists():
            os.environ["SLUICE_DBT_DATABASE"] = _ANY_DATABASE
            result = dbtRunner().invoke([*quiet, "--no-write-json", "parse", *common])
            os.environ["SLUICE_DBT_DATABASE"] = database
            if not result.success:
                return None, str(result.exception)
            fresh = path.with_suffix(".fresh")
            fresh.write_bytes(result.result.to_msgpack())
            fresh.replace(path)
            if not os.environ.get("SLUICE_DBT_PARSED"):
                for old in set(path.parent.glob("manifest-*.msgpack")) - {path}:
                    old.unlink(missing_ok=True)
        manifest = _PARSED.get(path) or Manifest.from_msgpack(path.read_bytes())
    for node in [*manifest.nodes.values(), *manifest.sources.values()]:
        node.database = database
        if node.relation_name:
            node.relation_name = node.relation_name.replace(f'"{_ANY_DATABASE}".', f'"{database}".', 1)
    return manifest, None


def _leave_out_all_but(manifest: Any, needed: Iterable[str]) -> None:
    """Keep the named models and seeds of a manifest and what they depend on; no tests, which a build does not run."""
    wanted = set(needed)
    waiting = [key for key, node in manifest.nodes.items() if node.name in wanted and node.resource_type != "test"]
    kept: set[str] = set()
    while waiting:
        key = waiting.pop()
        if key in manifest.nodes and key not in kept:
            kept.add(key)
            waiting += manifest.nodes[key].depends_on_nodes
    manifest.nodes = {key: node for key, node in manifest.nodes.items() if key in kept}
    manifest.unit_tests = {}
