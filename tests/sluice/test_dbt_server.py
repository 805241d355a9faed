"""The process that runs dbt for others: one for many requests, gone with its caller, none the worse for what ends early."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from sluice import dbt_server
from sluice.dbt_runner import prepare, run_dbt
from sluice.errors import SluiceError
from sluice.settings import PROJECT

NOWHERE = "postgresql://nobody@127.0.0.1:1/none"  # what is asked here needs no database


def server_pid() -> int:
    return dbt_server._OF_THREAD.server.process.pid


def test_one_server_serves_many_and_is_replaced_when_it_dies(tmp_path: Path):
    prepare(NOWHERE, PROJECT, tmp_path)
    first = server_pid()
    with pytest.raises(SluiceError, match=r"^dbt \(odd\): .*no_such_command") as error:
        run_dbt(NOWHERE, PROJECT, tmp_path, "odd", ["no_such_command"])
    assert "\n" not in str(error.value)
    prepare(NOWHERE, PROJECT, tmp_path)
    assert server_pid() == first
    os.kill(first, signal.SIGKILL)
    dbt_server._OF_THREAD.server.process.wait(60)
    prepare(NOWHERE, PROJECT, tmp_path)
    assert server_pid() != first


def test_a_server_that_dies_at_work_is_one_line(tmp_path: Path):
    prepare(NOWHERE, PROJECT, tmp_path)
    os.kill(server_pid(), signal.SIGSTOP)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(server_pid(), signal.SIGKILL))
    signal.alarm(1)
    with pytest.raises(SluiceError, match=r"^dbt \(prepare\) ended with code -9: "):
        prepare(NOWHERE, PROJECT, tmp_path)
    prepare(NOWHERE, PROJECT, tmp_path)


def test_an_answer_that_nobody_waited_for_is_not_the_next_ones(tmp_path: Path):
    prepare(NOWHERE, PROJECT, tmp_path)
    left = server_pid()
    os.kill(left, signal.SIGSTOP)  # so that it cannot answer before the alarm

    def interrupt(*_) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGALRM, interrupt)
    signal.alarm(1)
    with pytest.raises(KeyboardInterrupt):
        prepare(NOWHERE, PROJECT, tmp_path)
    assert not psutil.pid_exists(left)
    prepare(NOWHERE, PROJECT, tmp_path)
    assert server_pid() != left


CALLER = """
import sys, time
from pathlib import Path
from sluice import dbt_server
from sluice.dbt_runner import prepare
from sluice.settings import PROJECT
prepare(sys.argv[1], PROJECT, Path(sys.argv[2]))
print(dbt_server._OF_THREAD.server.process.pid, flush=True)
time.sleep(60)
"""


def test_it_ends_with_its_caller_however_that_ends(tmp_path: Path):
    caller = subprocess.Popen(
        [sys.executable, "-c", CALLER, NOWHERE, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )
    server = psutil.Process(int(caller.stdout.readline()))
    caller.kill()
    caller.wait()
    caller.stdout.close()
    server.wait(60)
