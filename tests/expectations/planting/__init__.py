"""Defects planted into clean logs, with the truth of what was planted: what the checks are measured against.

`plant(name, log, share, seed)` gives the log with the defect and what is true of it; `PLANTINGS` has the names.
A module that defines plantings registers them with `@planting(name, …)` and is imported here.
"""

from tests.expectations.planting.log import Event, Log
from tests.expectations.planting.registry import PLANTINGS, Planting, Truth, plant, planting
from tests.expectations.planting.simulation import SHAPES, clean_log

from . import events as _events  # noqa: F401  isort: skip
from . import labels as _labels  # noqa: F401  isort: skip
from . import times as _times  # noqa: F401  isort: skip

__all__ = ["PLANTINGS", "SHAPES", "Event", "Log", "Planting", "Truth", "clean_log", "plant", "planting"]
