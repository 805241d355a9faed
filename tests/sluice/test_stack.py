"""Whether Airflow is there, and what is said where it does not start."""

import os
import subprocess
import sys

from sluice import stack
from sluice.stack import last_lines


def test_an_airflow_that_does_not_start_says_what_it_last_said(tmp_path):
    assert last_lines(tmp_path) == "nothing in its logs"
    (tmp_path / "api-server.log").write_text("starting\n[Errno 98] Address already in use\n\n")
    (tmp_path / "launcher.log").write_text("giving up on postgresql://me:a@b@host/db\n")
    said = "api-server.log: [Errno 98] Address already in use; launcher.log: giving up on postgresql://…@host/db"
    assert last_lines(tmp_path) == said


def test_a_launcher_is_one_from_its_first_moment_to_its_end():
    """Linux shows no command line of a process right after it was started, and none of one that has ended."""
    others = [subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"]) for _ in range(os.cpu_count() + 1)]
    try:
        for _ in range(100):
            with subprocess.Popen(
                [sys.executable, "-S", "-c", "input() # airflow_launcher"], stdin=subprocess.PIPE
            ) as one:
                assert stack._is_launcher(one.pid)
                one.kill()
                os.waitid(os.P_PID, one.pid, os.WEXITED | os.WNOWAIT)
                assert not stack._is_launcher(one.pid)
        assert not stack._is_launcher(others[0].pid)
    finally:
        for other in others:
            other.kill()
            other.wait()
