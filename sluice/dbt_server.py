"""A process that has imported dbt and runs each request in a forked child, for callers that need dbt more than once.

Importing dbt takes seconds, reading the parsed project about one more; a caller that runs dbt again finds both done.
`python -m sluice.dbt_server`: one request per line on stdin, one answer per line on stdout, both JSON, until stdin ends.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_OF_THREAD = threading.local()  # a server ends with the thread that started it, so each thread has its own


class _Server:
    def __init__(self, project: Path, environment: Mapping[str, str]):
        self.project, self.owner = project, os.getpid()
        self.errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 - lasts as long as the server
        self.process = subprocess.Popen(
            [sys.executable, "-m", "sluice.dbt_server", str(self.owner)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env=dict(environment),
            cwd=project,
        )

    def ask(self, request: Mapping[str, Any], environment: Mapping[str, str]) -> subprocess.CompletedProcess:
        try:
            self.process.stdin.write(json.dumps({"request": request, "environment": environment}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if line:
            return subprocess.CompletedProcess([], **json.loads(line))
        code = self.process.wait()
        self.errors.seek(0)
        return subprocess.CompletedProcess([], code, "", self.errors.read())

    def end(self) -> None:
        if self.owner == os.getpid():
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.errors):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()


def ask(request: Mapping[str, Any], environment: Mapping[str, str], project: Path) -> subprocess.CompletedProcess:
    """Run dbt for a request of `sluice.dbt_runner` in a child of this thread's server, which is started if there is none."""
    server: _Server | None = getattr(_OF_THREAD, "server", None)
    if server is not None and (server.project, server.owner) != (project, os.getpid()):
        server.end()
        server = None
    if server is None or server.process.poll() is not None:
        server = _OF_THREAD.server = _Server(project, environment)
    try:
        done = server.ask(request, environment)
    except BaseException:  # an answer that nobody read would be taken for that of the next request
        server.end()
        _OF_THREAD.server = None
        raise
    return done


def _serve(parent: int) -> None:
    import dbt.cli.main  # noqa: F401 - imported once, for all children

    from sluice import dbt_runner

    dbt_runner.end_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the caller's own Ctrl-C ends this process through the caller
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else is printed here is no answer
    is_first = True
    for line in sys.stdin:
        asked = json.loads(line)
        request = asked["request"] | {"parent": os.getpid()}
        if not is_first:
            with contextlib.suppress(Exception):  # what fails here fails in the child again, which tells it
                dbt_runner.preload_parsed(Path(request["manifest"]))
        is_first = False
        done = dbt_runner.fork(request, asked["environment"], Path(request["project"]).parent)
        answers.write(json.dumps({"returncode": done.returncode, "stdout": done.stdout, "stderr": done.stderr}) + "\n")
        answers.flush()


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
