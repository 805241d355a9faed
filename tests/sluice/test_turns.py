"""Two commands at once: the second waits, says for whom, and goes on when the first has ended, however it ended."""

import subprocess
import sys
import threading
import time

from sluice.settings import Settings
from sluice.turns import held, holder, turn

HOLDER = """
import subprocess, sys, time
from pathlib import Path
from sluice.settings import Settings
from sluice.turns import held, turn
with turn(Settings(home=Path(sys.argv[1])), "sluice run"):
    if len(sys.argv) > 2:  # an Airflow of its own, which outlives it by some seconds
        subprocess.Popen(["sleep", sys.argv[2]], pass_fds=held())
    print("has it", flush=True)
    time.sleep(60)
"""


def start_holder(home, *more):
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(home), *more], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "has it\n"
    return process


def wait_for(process, settings, capsys):
    """Take the turn in a thread while `process` has it; returns what was said, after kill -9 of `process`."""
    taken = threading.Event()

    def take():
        with turn(settings, "sluice backfill"):
            taken.set()

    other = threading.Thread(target=take)
    other.start()
    time.sleep(0.3)
    assert not taken.is_set()
    process.kill()
    process.wait()
    return other, taken


def test_a_command_waits_for_the_one_that_has_the_turn_and_for_no_dead_one(tmp_path, capsys):
    settings = Settings(home=tmp_path)
    assert holder(settings) is None
    process = start_holder(tmp_path)
    assert f"`sluice run`, process {process.pid}, since 20" in holder(settings)
    other, taken = wait_for(process, settings, capsys)
    other.join(10)
    assert taken.is_set() and held() == ()
    assert f"sluice backfill waits for its turn: `sluice run`, process {process.pid}, since" in capsys.readouterr().out
    assert holder(settings) is None


def test_the_turn_lasts_until_what_the_command_started_has_ended(tmp_path, capsys):
    settings = Settings(home=tmp_path)
    process = start_holder(tmp_path, "2.5")
    other, taken = wait_for(process, settings, capsys)
    assert "its Airflow is just being stopped" in holder(settings)
    assert not taken.wait(0.5)
    other.join(15)
    assert taken.is_set()
