"""Commands that run nights take turns: one installation has one Airflow of its own, one demo company, one calendar.

The turn is a lock on a file, which ends with the last process that holds it: the command, or the Airflow that it started.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from sluice.settings import Settings

POLL_SECONDS = 0.5
_held: list[int] = []


def held() -> tuple[int, ...]:
    """File descriptors that what this process starts must inherit, so that the turn lasts until it has ended, too."""
    return tuple(_held)


def _path(settings: Settings) -> Path:
    return settings.home / "turn.lock"


def holder(settings: Settings) -> str | None:
    """Who has the turn, in one line; None when nobody has."""
    with suppress(FileNotFoundError), open(_path(settings)) as file:
        if not _is_free(file):
            return _told(file)
    return None


def _is_free(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        fcntl.flock(file, fcntl.LOCK_UN)
    except BlockingIOError:
        return False
    return True


def _told(file: IO[str]) -> str:
    file.seek(0)
    try:
        kept = json.loads(file.read())
    except ValueError:
        return "another command that is just beginning"
    is_gone = not Path(f"/proc/{kept['pid']}").exists() and Path("/proc/self").exists()
    return f"`{kept['command']}`, process {kept['pid']}, since {kept['since']} UTC" + (
        " (it has ended; its Airflow is just being stopped)" if is_gone else ""
    )


@contextmanager
def turn(settings: Settings, command: str) -> Iterator[None]:
    """Have the turn while the block runs; waits for it as long as another command has it, and says for whom."""
    path = _path(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
        told = None
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                other = _told(file)
                if other != told:
                    print(f"{command} waits for its turn: {other} (Ctrl-C to give up)", flush=True)
                    told = other
                time.sleep(POLL_SECONDS)
        file.seek(0)
        file.truncate()
        json.dump({"command": command, "pid": os.getpid(), "since": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}"}, file)
        file.flush()
        _held.append(file.fileno())
        try:
            yield
        finally:
            _held.remove(file.fileno())
