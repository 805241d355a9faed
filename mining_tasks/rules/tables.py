"""Conformance of a log with what its process declares, as the tables of schema mining."""

from collections.abc import Mapping
from dataclasses import dataclass

import narwhals as nw
import polars as pl

from mining_tasks.footprints import discover_footprints
from mining_tasks.io import Log
from mining_tasks.results import Results
from mining_tasks.rules.check import check_rules
from mining_tasks.rules.declaration import Rule

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
    """What the cases of a process must keep to. rules: as declared."""

    rules: tuple[Rule, ...] = ()

    @property
    def attributes(self) -> list[str]:
        """The attributes of cases that the rules ask for, sorted."""
        return sorted({rule.attribute for rule in self.rules if rule.attribute})


@dataclass(frozen=True)
class Demands:
    """A norm, and what it needs beside the log. amounts: `case_key` and the columns of `norm.attributes`."""

    norm: Norm = Norm()
    amounts: pl.DataFrame | None = None


def measure_conformance(log: Log, results: Results, demands: Demands) -> Mapping[str, nw.DataFrame]:
    """The tables of `TABLES`, of a log whose cases may be shown one by one."""
    checked = check_rules(
        demands.norm.rules,
        events=log.events,
        variants=results.variants,
        cases=log.cases,
        attributes=demands.amounts,
    )
    return {
        "rule_results": checked.results,
        "violations": checked.violations,
        "obligations": checked.obligations,
        "footprints": discover_footprints(results.graph),
    }
