"""Conformance of a log with what its process declares, as the tables of schema mining."""

from collections.abc import Mapping
from dataclasses import dataclass

import narwhals as nw
import polars as pl

from mining_tasks.alignments_model import HAPPY_PATH, Reference
from mining_tasks.alignments_results import VariantSequence, measure_alignments
from mining_tasks.footprints import discover_footprints
from mining_tasks.io import Log
from mining_tasks.results import Results
from mining_tasks.rules.check import check_rules
from mining_tasks.rules.declaration import Rule
from mining_tasks.waiting import Hours

TABLES = (
    "rule_results",
    "violations",
    "obligations",
    "conformance_kpis",
    "variant_alignments",
    "variant_deviations",
    "deviations",
    "footprints",
)


@dataclass(frozen=True)
class Norm:
    """What the cases of a process must keep to. rules: as declared. reference: its model."""

    rules: tuple[Rule, ...] = ()
    reference: Reference = HAPPY_PATH

    @property
    def attributes(self) -> list[str]:
        """The attributes of cases that the rules ask for, sorted."""
        return sorted({rule.attribute for rule in self.rules if rule.attribute})


@dataclass(frozen=True)
class Demands:
    """A norm, and what it needs beside the log. amounts: `case_key` and the columns of `norm.attributes`."""

    norm: Norm = Norm()
    amounts: pl.DataFrame | None = None


def measure_conformance(
    log: Log, results: Results, demands: Demands, hours: Hours | None = None
) -> Mapping[str, nw.DataFrame]:
    """The tables of `TABLES`, of a log whose cases may be shown one by one. hours: the calendars of its cases."""
    keys = {name: key for key, name in log.activities.items()}
    checked = check_rules(
        demands.norm.rules,
        events=log.events,
        variants=results.variants,
        cases=log.cases,
        attributes=demands.amounts,
        hours=hours,
        key_of=lambda name: keys.setdefault(name, -1 - len(keys)),  # no key is negative
    )
    return {
        "rule_results": checked.results,
        "violations": checked.violations,
        "obligations": checked.obligations,
        "footprints": discover_footprints(results.graph),
        **measure_alignments(
            _sequences(log, results), demands.norm.reference, backend=results.variants.variants.implementation
        ),
    }


def _sequences(log: Log, results: Results) -> list[VariantSequence]:
    is_open = nw.from_native(log.cases).select("case_key", "is_open")
    closed = results.variants.cases.join(is_open, on="case_key").filter(~nw.col("is_open"))
    counts = closed.group_by("variant_id").agg(nw.len().alias("count"))
    steps = results.sequences["variants"]
    return [
        VariantSequence(variant, tuple(log.activities[key] for key in steps[variant]), count)
        for variant, count in sorted(counts.iter_rows())
    ]
