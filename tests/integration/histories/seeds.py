"""Which histories are played: the seeds of each process, or those in SLUICE_HISTORY_SEEDS (numbers, separated by spaces)."""

import os

PROCESSES = ("purchase_to_pay", "order_to_cash", "lead_to_order", "desktop_work")
EACH = 15  # histories of a process in `make test-all`
CASES = 250  # case histories in them at least, of each process: 1,000 in all
CHANGED = 30  # of those at least: cases that had two states or more, one published after the other


def seeds() -> list[int]:
    """The seeds to play."""
    given = os.environ.get("SLUICE_HISTORY_SEEDS", "").split()
    return [int(number) for number in given] or list(range(1, EACH + 1))


def is_whole_draw() -> bool:
    return seeds() == list(range(1, EACH + 1))
