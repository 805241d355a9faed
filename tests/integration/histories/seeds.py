"""Which histories are played: the seeds of each process, or those in SLUICE_HISTORY_SEEDS (numbers, separated by spaces)."""

import os

PROCESSES = ("purchase_to_pay", "order_to_cash", "lead_to_order", "desktop_work")
EACH = 15  # histories of a process in `make test-all`
# case histories in them: cases that had two states or more, one published after the other; 1,000 in all
AT_LEAST = {"purchase_to_pay": 280, "order_to_cash": 280, "lead_to_order": 280, "desktop_work": 160}


def seeds() -> list[int]:
    """The seeds to play."""
    given = os.environ.get("SLUICE_HISTORY_SEEDS", "").split()
    return [int(number) for number in given] or list(range(1, EACH + 1))


def is_whole_draw() -> bool:
    return seeds() == list(range(1, EACH + 1))
