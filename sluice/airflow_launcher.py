"""The process that holds Airflow: imports it once, forks its parts, restarts one that fell, and takes all of them down.

`python -m sluice.airflow_launcher`, started by sluice.stack in a session of its own. Nothing outlives it: its children die
with it (Linux: PR_SET_PDEATHSIG), orphans come back to it (PR_SET_CHILD_SUBREAPER), and with --lifeline it ends when the
process that started it does, however that ended.
"""

import argparse
import contextlib
import ctypes
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

PARTS = {
    "api-server": ["api-server"],
    "dag-processor": ["dag-processor"],
    "scheduler": ["scheduler", "--skip-serve-logs"],
}
# what the tasks need, imported once in the scheduler before its executor forks, instead of once per task
PRELOADED = (
    "great_expectations",
    "dbt.cli.main",
    "dbt.adapters.postgres.impl",
    "pandas",
    "pyarrow",
    "adbc_driver_postgresql.dbapi",
    "extractors.pipeline",
    "expectations.landing",
    "expectations.candidate",
    "expectations.mining",
    "mining_tasks.runner",
    "sluice.transform",
    "sluice.publish",
)
RESTARTS, RESTART_WINDOW_SECONDS = 5, 600
GRACE_SECONDS = 3
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def _run_airflow(arguments: list[str], log: Path, preload: tuple[str, ...] = ()) -> None:
    """In a child: become `airflow <arguments>`, logging to `log`; never returns."""
    status = 1
    try:
        with open(log, "ab", buffering=0) as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        if preload:
            _preload(preload)
        sys.argv = ["airflow", *arguments]
        from airflow.__main__ import main

        main()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
    except BaseException:  # noqa: BLE001 - a forked child must never return into its parent's code
        import traceback

        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _preload(modules: tuple[str, ...]) -> None:
    """Import ahead, and let dbt read ahead; what fails is the task's to complain about, in its own log."""
    import importlib

    for module in modules:
        try:
            importlib.import_module(module)
        except Exception as error:  # noqa: BLE001 - a task that needs the module says what is wrong with it
            print(f"not preloaded: {module}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
    try:
        from sluice.read_ahead import read_ahead
        from sluice.settings import load_settings

        read_ahead(load_settings())
    except Exception as error:  # noqa: BLE001
        print(f"nothing read ahead: {type(error).__name__}: {error}", file=sys.stderr, flush=True)


def _fork(child: Callable[[], None]) -> int:
    sys.stdout.flush()
    sys.stderr.flush()
    pid = os.fork()
    if pid == 0:
        child()
        os._exit(1)
    return pid


class Launcher:
    """Airflow's parts as children of this process."""

    def __init__(self, *, logs: Path, lifeline: int | None, migrated: Path) -> None:
        self.logs, self.lifeline, self.migrated = logs, lifeline, migrated
        self.children: dict[int, str] = {}
        self.falls: list[float] = []
        self.is_ending = False

    def run(self) -> int:
        """Start the parts and hold them until the end; 0 when asked to end, 1 when a part keeps falling."""
        signal.signal(signal.SIGTERM, self._end)
        signal.signal(signal.SIGINT, self._end)
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)
        os.register_at_fork(after_in_child=_die_with_parent)
        try:
            import airflow.__main__
            import airflow.jobs.scheduler_job_runner
            import airflow.sdk  # noqa: F401

            import sluice.dag_steps  # noqa: F401

            if not self._migrate():
                return 1
            for part in PARTS:
                self._start(part)
            return self._hold()
        finally:
            self._stop_all()

    def _end(self, *_: object) -> None:
        self.is_ending = True

    def _migrate(self) -> bool:
        """Bring Airflow's database to its release, once per release and database."""
        if self.migrated.exists():
            return True
        pid = _fork(lambda: _run_airflow(["db", "migrate"], self.logs / "db-migrate.log"))
        self.children[pid] = "db migrate"
        while not self._is_asked_to_end(0.05):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                del self.children[pid]
                if status == 0:
                    self.migrated.parent.mkdir(parents=True, exist_ok=True)
                    self.migrated.touch()
                return status == 0
        return False

    def _start(self, part: str) -> None:
        preload = PRELOADED if part == "scheduler" else ()
        pid = _fork(lambda: _run_airflow(PARTS[part], self.logs / f"{part}.log", preload))
        self.children[pid] = part

    def _hold(self) -> int:
        while not self._is_asked_to_end(0.5):
            for pid, part in self._fallen():
                del self.children[pid]
                self.falls = [at for at in self.falls if time.monotonic() - at < RESTART_WINDOW_SECONDS]
                self.falls.append(time.monotonic())
                print(f"airflow {part} ended", file=sys.stderr, flush=True)
                if len(self.falls) > RESTARTS:
                    print(f"giving up after {RESTARTS} restarts", file=sys.stderr, flush=True)
                    return 1
                self._start(part)
        return 0

    def _fallen(self) -> list[tuple[int, str]]:
        fallen = []
        while True:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            if pid in self.children:
                fallen.append((pid, self.children[pid]))
        return fallen

    def _is_asked_to_end(self, seconds: float) -> bool:
        """Wait up to `seconds`; whether a signal came or the lifeline was cut."""
        if self.is_ending:
            return True
        watched = [] if self.lifeline is None else [self.lifeline]
        with contextlib.suppress(InterruptedError):
            readable, _, _ = select.select(watched, [], [], seconds)
            if readable and os.read(self.lifeline, 1) == b"":
                self.is_ending = True
        return self.is_ending

    def _stop_all(self) -> None:
        """Ask the parts to end, then end whatever is left of them and of the tasks."""
        import psutil

        for pid in self.children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + GRACE_SECONDS
        me = psutil.Process()
        while time.monotonic() < deadline and any(p.status() != psutil.STATUS_ZOMBIE for p in _living(me)):
            time.sleep(0.05)
        while left := _living(me):
            for process in left:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    continue
            time.sleep(0.02)


def _living(me) -> list:
    import psutil

    living = []
    for process in me.children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE:
                living.append(process)
    return living


def _die_with_parent() -> None:
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def main() -> int:
    """Parse the options that sluice.stack gives, and hold Airflow."""
    parser = argparse.ArgumentParser(prog="python -m sluice.airflow_launcher")
    parser.add_argument("--logs", type=Path, required=True)
    parser.add_argument(
        "--migrated", type=Path, required=True, help="file that says that Airflow's database is up to date"
    )
    parser.add_argument("--lifeline", action="store_true", help="end when standard input does")
    parser.add_argument(
        "--stop-warehouse", action="store_true", help="stop the embedded PostgreSQL when the lifeline is cut"
    )
    args = parser.parse_args()
    os.umask(0o077)  # logs and state are their owner's alone
    launcher = Launcher(logs=args.logs, lifeline=0 if args.lifeline else None, migrated=args.migrated)
    code = launcher.run()
    if args.stop_warehouse:
        from sluice.settings import load_settings
        from sluice.warehouse import embedded

        embedded.stop_if_unused(load_settings())
    return code


if __name__ == "__main__":
    sys.exit(main())
