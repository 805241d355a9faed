"""What the gate reads of a process's declaration: its `checks:` block, its horizon, whether it was imported.

checks:
  severity: {activity_declared: warn}            # any check of the layers candidate and mining; `off` leaves it out
  earliest: 2000-01-01                           # no event before it (default 1970-01-01)
  ends_after: [[ordered_at, received_at]]        # pairs of attribute columns: the second must not come before the first
  case_document: purchase_order                  # the source table whose row is the case: two rows, one case id =
  ambiguous
  max_quarantined_share: 0.2                     # more than this share, and more than max_quarantined_cases, blocks
  max_quarantined_cases: 20
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from expectations.checks import CANDIDATE_CHECKS, MINING_CHECKS, PATTERN_CHECKS, SEVERITIES
from sluice.errors import BadInput
from sluice.settings import PROJECT

_KEYS = {
    "severity",
    "earliest",
    "ends_after",
    "case_document",
    "max_quarantined_share",
    "max_quarantined_cases",
    "patterns",
}
_CHECKS = (*CANDIDATE_CHECKS, *PATTERN_CHECKS, *MINING_CHECKS)
_NAME = re.compile(r"[a-z_][a-z0-9_]*")


@dataclass(frozen=True)
class GateDeclaration:
    """A process as the gate and publishing see it."""

    name: str
    title: str
    is_imported: bool
    order: tuple[str, ...]
    k_anonymity: int
    is_case_level_public: bool
    future_tolerance: timedelta
    earliest: date = date(1970, 1, 1)
    ends_after: tuple[tuple[str, str], ...] = ()
    case_document: str | None = None
    max_quarantined_share: float = 0.2
    max_quarantined_cases: int = 20
    severity: Mapping[str, str] = field(default_factory=dict)
    patterns: Mapping[str, object] = field(default_factory=dict)  # what the imperfection patterns are told
    extra_tables: tuple[str, ...] = ()
    declared_activities: str | None = None  # the seed, in schema intermediate

    @property
    def where(self) -> str:
        """How messages name the declaration."""
        return f"checks of process {self.name}"


def declaration_of(process: object, project: Path = PROJECT) -> GateDeclaration:
    """The declaration of a process, given its name (as `project` declares it) or what sluice.processes.load_process
    returns; raises BadInput."""
    if isinstance(process, str):
        from sluice.processes import load_process

        process = load_process(process, project)
    name = process.name
    where = f"checks of process {name}"
    if not _NAME.fullmatch(name):
        raise BadInput(f"process {name!r}: expected a name of lower-case letters, digits and _")
    checks = dict(getattr(process, "checks", None) or {})
    unknown = sorted(set(checks) - _KEYS)
    if unknown:
        raise BadInput(f"{where}: unknown key {unknown[0]!r}; expected {', '.join(sorted(_KEYS))}")
    earliest = checks.get("earliest", date(1970, 1, 1))
    if not isinstance(earliest, date):
        raise BadInput(f"{where}, earliest: expected a date such as 2000-01-01, found {earliest!r}")
    severity = {
        check: "off" if value is False else value  # YAML reads off as false
        for check, value in (checks.get("severity") or {}).items()
    }
    for check, value in severity.items():
        if check not in _CHECKS:
            raise BadInput(f"{where}, severity: there is no check {check!r}; there are {', '.join(_CHECKS)}")
        if value not in (*SEVERITIES, "off"):
            raise BadInput(f"{where}, severity of {check}: expected {', '.join(SEVERITIES)} or off, found {value!r}")
    declared_pairs = checks.get("ends_after") or []
    if not isinstance(declared_pairs, list) or not all(isinstance(pair, list) for pair in declared_pairs):
        raise BadInput(f"{where}, ends_after: expected pairs of attribute columns, [[start, end], …]")
    pairs = tuple(tuple(pair) for pair in declared_pairs)
    if any(len(pair) != 2 or not all(_NAME.fullmatch(str(column)) for column in pair) for pair in pairs):
        raise BadInput(f"{where}, ends_after: expected pairs of attribute columns, [[start, end], …]")
    return GateDeclaration(
        name=name,
        title=getattr(process, "title", None) or name,
        is_imported=getattr(process, "kind", "declared") == "imported",
        order=tuple(getattr(process, "order", None) or ("occurred_at", "rank", "source_seq", "event_id")),
        k_anonymity=int(getattr(process, "k_anonymity", 5)),
        is_case_level_public=bool(getattr(process, "case_level_public", True)),
        future_tolerance=getattr(process, "future_tolerance", timedelta(days=1)),
        earliest=earliest,
        ends_after=pairs,
        case_document=checks.get("case_document"),
        max_quarantined_share=_number(checks, "max_quarantined_share", 0.2, where),
        max_quarantined_cases=int(_number(checks, "max_quarantined_cases", 20, where)),
        severity=severity,
        patterns=dict(checks.get("patterns") or {}),
        extra_tables=tuple(getattr(process, "extra_tables", None) or ()),
        declared_activities=getattr(process, "activities", None),
    )


def _number(checks: Mapping[str, object], key: str, default: float, where: str) -> float:
    value = checks.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise BadInput(f"{where}, {key}: expected a number of at least 0, found {value!r}")
    return value
