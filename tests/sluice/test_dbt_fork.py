"""dbt in a forked child, as the tasks of Airflow run it: what it says comes back, what it does stays in the child."""

import json
import os
import subprocess
import sys
from pathlib import Path

from sluice.settings import PROJECT

# a task of Airflow owns its standard handles by number: letting go of one closes the number
TASK = """
import io, json, os, sys
for number, name in ((0, "stdin"), (1, "stdout"), (2, "stderr")):
    setattr(sys, name, io.TextIOWrapper(os.fdopen(os.dup(number), "rb" if number == 0 else "wb"), line_buffering=True))
import dbt.cli.main
from pathlib import Path
from sluice import dbt_runner

def answer(request):
    if request["subject"] == "broken":
        raise ValueError("a bug in dbt")
    print("noise")
    nodes = [[os.environ["SUBJECT"], "success", 0.1, os.getcwd()]]
    print(dbt_runner._ANSWER + json.dumps({"nodes": nodes, "failure": None}), flush=True)
    os._exit(0)

dbt_runner._main = lambda: answer(json.load(sys.stdin))
for subject in ("one", "broken", "two"):
    done = dbt_runner.fork({"subject": subject}, {"SUBJECT": subject}, Path("/"))
    print(json.dumps([done.returncode, done.stdout, done.stderr.splitlines()[-1:], "SUBJECT" in os.environ, os.getcwd()]))
"""


def test_the_answer_comes_back_and_the_task_is_as_before(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-c", TASK],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        stdin=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )
    one, broken, two = (json.loads(line) for line in done.stdout.splitlines())
    for answer, subject in ((one, "one"), (two, "two")):
        assert answer[0] == 0 and answer[3:] == [False, str(tmp_path)]
        assert f'["{subject}", "success", 0.1, "/"]' in answer[1]
    assert broken[0] == 1 and broken[2] == ["ValueError: a bug in dbt"]
