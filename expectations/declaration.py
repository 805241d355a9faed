"""What the gate reads of a process's declaration: its `checks:` block, its horizon, whether it was imported.

docs/quality.md describes every key of the block; options.py reads the values.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from expectations.checks import CANDIDATE_CHECKS, MINING_CHECKS, PATTERN_CHECKS, SEVERITIES
from expectations.options import PLACEHOLDERS, Mandatory, Options, Reference
from sluice.errors import BadInput
from sluice.settings import PROJECT

_CHECKS = (*CANDIDATE_CHECKS, *PATTERN_CHECKS, *MINING_CHECKS)
_NAME = re.compile(r"[a-z_][a-z0-9_]*")
_KEYS = (
    "severity",
    "earliest",
    "placeholders",
    "source_zone",
    "wall_times",
    "date_only",
    "ends_after",
    "order",
    "start_activities",
    "end_activities",
    "mandatory_activities",
    "max_open_days",
    "max_age",
    "categories",
    "references",
    "case_document",
    "max_quarantined_share",
    "max_quarantined_cases",
    "patterns",
)


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
    sources: tuple[str, ...] = ()
    earliest: date = date(1970, 1, 1)
    placeholders: tuple[date, ...] = PLACEHOLDERS
    source_zone: str = "UTC"
    has_wall_times: bool = False
    date_only: tuple[str, ...] = ()
    ends_after: tuple[tuple[str, str], ...] = ()
    precedence: tuple[tuple[str, str], ...] = ()  # key `order`: pairs of activities
    start_activities: tuple[str, ...] = ()
    end_activities: tuple[str, ...] = ()
    mandatory_activities: tuple[Mandatory, ...] = ()
    max_open_days: float | None = None
    max_age: timedelta | None = None
    categories: tuple[str, ...] = ()
    references: tuple[Reference, ...] = ()
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
    unknown = sorted(set(map(str, checks)) - set(_KEYS))
    if unknown:
        raise BadInput(f"{where}: unknown key {unknown[0]!r}; expected {', '.join(sorted(_KEYS))}")
    options = Options(where, checks)
    sources = tuple(getattr(process, "sources", None) or ())
    return GateDeclaration(
        name=name,
        title=getattr(process, "title", None) or name,
        is_imported=getattr(process, "kind", "declared") == "imported",
        order=tuple(getattr(process, "order", None) or ("occurred_at", "rank", "source_seq", "event_id")),
        k_anonymity=int(getattr(process, "k_anonymity", 5)),
        is_case_level_public=bool(getattr(process, "case_level_public", True)),
        future_tolerance=getattr(process, "future_tolerance", timedelta(days=1)),
        sources=sources,
        earliest=options.day("earliest", date(1970, 1, 1)),
        placeholders=options.days("placeholders", PLACEHOLDERS),
        source_zone=options.zone("source_zone"),
        has_wall_times=options.flag("wall_times"),
        date_only=options.activities("date_only"),
        ends_after=options.columns("ends_after"),
        precedence=options.pairs("order"),
        start_activities=options.activities("start_activities"),
        end_activities=options.activities("end_activities"),
        mandatory_activities=options.mandatory("mandatory_activities"),
        max_open_days=options.number("max_open_days", None),
        max_age=options.duration("max_age"),
        categories=options.names("categories"),
        references=options.references("references", sources),
        case_document=options.text("case_document"),
        max_quarantined_share=options.number("max_quarantined_share", 0.2),
        max_quarantined_cases=int(options.number("max_quarantined_cases", 20)),
        severity=_severities(where, checks),
        patterns=options.mapping("patterns"),
        extra_tables=tuple(getattr(process, "extra_tables", None) or ()),
        declared_activities=getattr(process, "activities", None),
    )


def _severities(where: str, checks: Mapping[str, object]) -> dict[str, str]:
    declared = checks.get("severity") or {}
    if not isinstance(declared, Mapping):
        raise BadInput(f"{where}, severity: expected checks and severities such as volume: warn, found {declared!r}")
    severity = {check: "off" if value is False else value for check, value in declared.items()}  # YAML: off is false
    for check, value in severity.items():
        if check not in _CHECKS:
            raise BadInput(f"{where}, severity: there is no check {check!r}; there are {', '.join(_CHECKS)}")
        if value not in (*SEVERITIES, "off"):
            raise BadInput(f"{where}, severity of {check}: expected {', '.join(SEVERITIES)} or off, found {value!r}")
    return severity
