"""The truths planted into the demo company: each a switch, each measured while the company is made."""

import statistics
from array import array
from collections import defaultdict
from collections.abc import Mapping
from datetime import date

from sluice.errors import BadInput

DRIFT_DAY = date(2025, 4, 7)  # a Monday: weeks are wholly before or after it
DESCRIPTIONS = {
    "slow_approval": "one of the approvers takes days where the others take hours",
    "price_change_after_approval": "the price of an order changes after it was approved",
    "invoice_before_approval": "the vendor's bill is entered before the order is approved",
    "late_supplier": "one supplier delivers a week and more after the planned date; the others are on time",
    "duplicate_bills": "the same vendor bill is entered and posted twice",
    "recreated_bills": "a bill is cancelled as a draft and entered again",
    "copy_paste_posting": "posting a bill is mostly copying fields from a spreadsheet into the form",
    "fast_clerk": "one clerk imports the bill's file instead of copying its fields",
    "email_without_event": "e-mail work about open orders that leaves no trace in the ERP",
    "drift": f"from {DRIFT_DAY} on fewer vendors are asked for a quotation, and bills are paid later",
    "batched_posting": "each clerk posts the bills of a working day together, when the next one begins",
    "bad_rows": "cases whose timestamps cannot be true (the number of them; 0 for none)",
}
DEFAULTS: dict[str, bool | int] = dict.fromkeys(DESCRIPTIONS, True) | {
    "drift": False,
    "batched_posting": False,
    "bad_rows": 2,
}
CLEAN: dict[str, bool | int] = dict.fromkeys(DESCRIPTIONS, False) | {"bad_rows": 0}


def switches(plant: Mapping[str, bool | int] | None) -> dict[str, bool | int]:
    """All switches: `plant` over the defaults; BadInput for an unknown name."""
    given = dict(plant or {})
    unknown = sorted(given.keys() - DESCRIPTIONS.keys())
    if unknown:
        raise BadInput(f"demo: unknown planted truth {unknown[0]!r}; there are {', '.join(DESCRIPTIONS)}")
    chosen = DEFAULTS | given
    bad = chosen["bad_rows"]
    return chosen | {"bad_rows": DEFAULTS["bad_rows"] if bad is True else int(bad)}


class Measures:
    """Sizes of the planted truths: counters, and values of which the median is told."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = defaultdict(int)
        self.values: dict[str, array] = defaultdict(lambda: array("d"))
        self.lists: dict[str, list[str]] = defaultdict(list)
        self.bad: list[tuple[str, str]] = []  # case, how

    def planted(self, name: str, case_id: str) -> None:
        """Count a case of a planted truth when it shows; the first twenty are named."""
        self.counts[f"{name}_cases"] += 1
        if len(self.lists[f"{name}_examples"]) < 20:
            self.lists[f"{name}_examples"].append(case_id)

    def kept(self) -> dict[str, object]:
        """All figures in plain types; `absorb` takes them in."""
        values = {name: of_name.tobytes() for name, of_name in self.values.items()}
        return {"counts": dict(self.counts), "values": values, "lists": dict(self.lists), "bad": self.bad}

    def absorb(self, kept: Mapping) -> None:
        """Add the figures of `kept`, of another division or of an earlier day."""
        for name, count in kept["counts"].items():
            self.counts[name] += count
        for name, values in kept["values"].items():
            self.values[name].frombytes(values)
        for name, cases in kept["lists"].items():
            self.lists[name] = (self.lists[name] + cases)[:20]
        self.bad += [tuple(bad) for bad in kept["bad"]]

    def report(self) -> dict[str, object]:
        """Counters, medians (with the number of values) and cases, sorted by name."""
        out: dict[str, object] = {**self.counts, **self.lists, "bad_rows": self.bad}
        for name, values in self.values.items():
            out[f"{name}_median"] = round(statistics.median(values), 1)
            out[f"{name}_count"] = len(values)
        return dict(sorted(out.items()))
