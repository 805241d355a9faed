"""What `make test` plays of the random histories, and that the whole draw has every kind of step in it."""

import subprocess
import sys
from collections import Counter

from sluice.settings import PROJECT
from tests.integration.histories.desk import EDITS as DESK_EDITS
from tests.integration.histories.drawing import EXTRACTION, MAPPINGS, MINING, draw
from tests.integration.histories.edits import EDITS
from tests.integration.histories.seeds import EACH, PROCESSES


def test_a_short_history_publishes_what_a_full_rebuild_does(player_of):
    player_of("desktop_work", runs=1).check(101)


def test_every_kind_of_step_is_drawn():
    rules: Counter = Counter()
    for process in PROCESSES:
        for seed in range(1, EACH + 1):
            rules += draw(process, seed).rules()
    print(rules)
    for fate in ("repeat", "stop"):
        rules[fate] = sum(count for rule, count in rules.items() if rule.startswith(f"{fate} "))
    wanted = {
        *EDITS,
        *DESK_EDITS,
        "shuffle",
        *(f"mapping {variant}" for variant in MAPPINGS),
        *(f"kill {step}" for step in (*EXTRACTION, *MINING) if step != "stage"),  # which mostly has nothing to do
        "repeat",
        "stop",
        "duplicate key",
        *(f"run: {extract} then night" for extract in ("night", "window", "full", None)),
    }
    assert {rule: rules[rule] for rule in wanted if rules[rule] < 1} == {}


def test_a_seed_is_the_same_history_whatever_code_is_loaded():
    script = "from tests.integration.histories.drawing import draw; print(*map(draw, {names!r}, range(900, 904)))"
    script = script.format(names=PROCESSES)
    drawn = {
        subprocess.run(
            [sys.executable, "-c", f"{imports}; {script}"], cwd=PROJECT, capture_output=True, text=True, check=True
        ).stdout
        for imports in ("pass", "import sluice.publish, extractors.agent.pipeline, tests.integration.histories.edits")
    }
    assert len(drawn) == 1
    assert drawn.pop().count("History(") == len(PROCESSES)
