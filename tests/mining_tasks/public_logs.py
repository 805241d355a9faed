"""The real logs that oracles are asked about: nine public ones, and what really happened in the real ERP system."""

import warnings
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import pandas as pd
import pytest

CASE, ACTIVITY, TIME, PERSON = "case:concept:name", "concept:name", "time:timestamp", "org:resource"
SMALL = {
    "running-example": "logs/running-example.xes",
    "helpdesk": "logs/helpdesk.xes.gz",
    "bpic2013": "logs/BPIC13_closed_problems.xes.gz",
    "receipt": "logs/08_receipt.xes.gz",
    "sepsis": "logs/Sepsis.xes.gz",
    "verenich": "logs/verenich_helpdesk.csv.gz",
    "odoo": "odoo/truth_purchase_to_pay.csv.gz",
}
LARGE = {
    "bpic2020": "logs/BPI_2020_DomesticDeclarations.xes.gz",
    "bpic2012": "logs/bpic2012.xes.gz",
    "bpic2019": "logs/16_bpic2019_1t_per_variant.xes.gz",
}
_COLUMNS = {  # of the logs that are CSV: case, activity, time, person
    "verenich": ("CaseID", "ActivityID", "CompleteTimestamp", None),
    "odoo": ("case_id", "activity", "timestamp_utc", "login"),
}


def every(*, but: tuple[str, ...] = ()) -> list:
    """Parameters of a test: the names of all logs; the large ones with `--slow` alone."""
    names = [name for name in SMALL | LARGE if name not in but]
    return [pytest.param(name, marks=pytest.mark.slow) if name in LARGE else name for name in names]


def read(name: str, real_data: Callable[[str], Path]) -> pd.DataFrame:
    """A log as pm4py has it, in the file's order: case, activity, time and, where there is one, person. A copy."""
    return _read(name, real_data((SMALL | LARGE)[name])).copy()


@lru_cache(maxsize=4)
def _read(name: str, path: Path) -> pd.DataFrame:
    if name in _COLUMNS:
        case, activity, time, person = _COLUMNS[name]
        named = {case: CASE, activity: ACTIVITY, time: TIME} | ({person: PERSON} if person else {})
        frame = pd.read_csv(path, dtype=str, keep_default_na=False).rename(columns=named)[list(named.values())]
        frame[TIME] = pd.to_datetime(frame[TIME], utc=True)
        # pm4py expects a case's events side by side
        return frame.sort_values(CASE, kind="stable").reset_index(drop=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pm4py

        frame = pm4py.read_xes(str(path)).reset_index(drop=True)
    return frame[[name for name in (CASE, ACTIVITY, TIME, PERSON) if name in frame]]
