"""A process of its own that plays histories: it forks, so it must have no threads, and it imports everything once."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from sluice.settings import PROJECT, Settings
from sluice.warehouse import embedded


class Player:
    """`check(seed)`: play a history; what it published must be what a full rebuild publishes."""

    def __init__(self, process: str, server: Settings, template: str, runs: int):
        self.process, self.cases, self.changed, self.runs = process, 0, 0, runs
        self.child = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.integration.histories", process, "--runs", str(runs)),
                *("--server", embedded.url(server, "postgres"), "--template", template),
                *("--home", str(server.home / "integration")),
            ],
            cwd=PROJECT,
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def play(self, what: int | str) -> dict:
        """The outcome of the history of a seed, or of the one with a planted fault."""
        self.child.stdin.write(f"{what}\n")
        self.child.stdin.flush()
        line = self.child.stdout.readline()
        assert line, f"the player ended with code {self.child.wait()}"
        outcome = json.loads(line)
        print(outcome)
        assert not outcome["fault"], outcome["fault"]
        return outcome

    def check(self, seed: int) -> None:
        print(f"again: python -m tests.integration.histories {self.process} {seed} --runs {self.runs} [--shrink]")
        outcome = self.play(seed)
        assert outcome["differences"] == [], f"seed {seed}: published otherwise than by a full rebuild"
        assert outcome["published_count"] >= 2, "one night at least between the first and the last"
        self.cases += outcome["case_count"]
        self.changed += outcome["changed_count"]


@pytest.fixture(scope="module")
def player_of(server, _template) -> Iterator[Callable[..., Player]]:
    """player_of(process, runs=3): one player per module, ended with it."""
    made: dict[str, Player] = {}

    def get(process: str, *, runs: int = 3) -> Player:
        if process not in made:
            made[process] = Player(process, server, _template, runs)
        return made[process]

    yield get
    for player in made.values():
        player.child.stdin.close()
        player.child.wait(60)
