"""The processes as declared in processes/*.yml: the one place where a process is declared, read and checked here."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mining_tasks.alignments_model import HAPPY_PATH, Reference, read_reference_model
from mining_tasks.rules.declaration import Rule, read_rules
from sluice.durations import duration_of
from sluice.errors import BadInput
from sluice.yaml_files import is_identifier, read_yaml, shown

PROJECT = Path(__file__).resolve().parent.parent
DEFAULT_ORDER = ("occurred_at", "rank", "source_seq", "event_id")
_LONGEST_TEXT = 2000
_LETTERS = "lower-case letters, digits and underscores, beginning with a letter"
_EXPORTS = ("xes", "xes.gz", "csv", "csv.gz", "bpmn", "pnml")
_REQUIRED = ("process", "title", "sources", "case", "activities")
_OPTIONAL = (
    "order",
    "closing_activities",
    "k_anonymity",
    "case_level_public",
    "future_tolerance",
    "checks",
    "description",
    "extra_tables",
    "performance",
    "export",
    "rules",
    "reference_model",
    "causes",
)


@dataclass(frozen=True)
class Process:
    """One declared process. What it declares of its performance, mining_tasks.calendars_declared reads.

    sources: the systems whose raw tables its models read. case: what one case is, in words. order: what orders the
    events of a case, first to last. activities: the dbt seed that declares activity, rank, category, is_automated.
    checks: settings of the gate, by the gate's own names. extra_tables: further tables per case, published as
    event_log.<process>_<table>. kind: 'declared' in YAML, or 'imported' from a file. rules: what its cases must keep to.
    reference_model: what they should be like; without text the happy path.
    export: files that are written of it after each publication, such as xes.gz. causes: attributes of its cases that may
    be causes: known before a case can be slow, violating or reworked, and none of a person.
    """

    name: str
    title: str
    sources: tuple[str, ...]
    case: str
    activities: str
    order: tuple[str, ...] = DEFAULT_ORDER
    closing_activities: tuple[str, ...] = ()
    k_anonymity: int = 5
    case_level_public: bool = True
    future_tolerance: timedelta = timedelta(days=1)
    description: str = ""
    extra_tables: tuple[str, ...] = ()
    checks: Mapping[str, Any] = field(default_factory=dict)
    kind: str = "declared"
    rules: tuple[Rule, ...] = ()
    reference_model: Reference = HAPPY_PATH
    export: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()

    @property
    def order_declared(self) -> str:
        """The order as a line of text, as event_log.processes shows it."""
        return ", ".join(self.order)


def list_processes(project: Path = PROJECT) -> list[str]:
    """Names of all declared processes, sorted."""
    return sorted(path.stem for path in (project / "processes").glob("*.yml"))


def load_process(name: str, project: Path = PROJECT) -> Process:
    """Read and check processes/<name>.yml; raises BadInput naming the file and the key."""
    path = project / "processes" / f"{name}.yml"
    if not is_identifier(name, longest=40) or not path.exists():
        known = ", ".join(list_processes(project)) or "none"
        file = path.name if is_identifier(name) else "<name>.yml"
        raise BadInput(f"process {shown(name)} is not declared: expected {file} in {path.parent} (declared: {known})")
    declared = read_yaml(path)
    if not isinstance(declared, dict):
        raise BadInput(f"{path}: expected keys and values such as `process: {name}`")
    return _checked(path, name, declared)


def imported_process(
    name: str,
    title: str | None = None,
    *,
    order: tuple[str, ...] = ("occurred_at", "source_seq"),
    k_anonymity: int = 5,
    project: Path = PROJECT,
) -> Process:
    """The process of an imported log, which has no YAML; raises BadInput for a name that cannot be or is taken."""
    if not is_identifier(name, longest=40):
        raise BadInput(
            f"process {name!r}: expected lower-case letters, digits and underscores, at most 40, "
            "beginning with a letter"
        )
    if name in list_processes(project):
        raise BadInput(f"process {name!r} is declared in processes/{name}.yml: give the imported log another name")
    return Process(
        name=name,
        title=title or name.replace("_", " ").capitalize(),
        sources=(),
        case="one trace of the imported log",
        activities="",
        order=order,
        k_anonymity=k_anonymity,
        kind="imported",
    )


def _checked(path: Path, name: str, declared: dict[str, Any]) -> Process:
    def fail(key: str, expected: str) -> BadInput:
        return BadInput(f"{path}: {key}: expected {expected}, found {shown(declared.get(key))}")

    for key in _REQUIRED:
        if declared.get(key) in (None, "", []):
            raise fail(key, "a value")
    for key in declared:
        if key not in (*_REQUIRED, *_OPTIONAL):
            named = key if is_identifier(key) else shown(key)
            raise BadInput(f"{path}: {named}: no such key; expected {', '.join((*_REQUIRED, *_OPTIONAL))}")
    if declared["process"] != name:
        raise fail("process", f"the file's name, {name}")
    if not is_identifier(name, longest=40):
        raise fail("process", "lower-case letters, digits and underscores, at most 40")
    for key in ("title", "case", "activities", "description"):
        if not isinstance(declared.get(key, ""), str):
            raise fail(key, "a text")
        if "\x00" in declared.get(key, "") or len(declared.get(key, "")) > _LONGEST_TEXT:
            raise fail(key, f"a text of at most {_LONGEST_TEXT} characters, none of them NUL")
    for key in ("sources", "order", "closing_activities", "extra_tables"):
        values = declared.get(key, [])
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise fail(key, "a list of names")
        if key in ("sources", "extra_tables") and not all(is_identifier(value, longest=40) for value in values):
            raise fail(key, f"names of {_LETTERS}")
    if not is_identifier(declared["activities"]):
        raise fail("activities", f"the name of a seed: {_LETTERS}")
    exports = declared.get("export", [])
    if not isinstance(exports, list) or any(one not in _EXPORTS for one in exports) or len({*exports}) < len(exports):
        raise fail("export", f"some of {', '.join(_EXPORTS)}, each once")
    order = tuple(declared.get("order", DEFAULT_ORDER))
    if not order or len(set(order)) != len(order) or not set(order) <= set(DEFAULT_ORDER):
        raise fail("order", f"some of {', '.join(DEFAULT_ORDER)}, each once")
    k_anonymity = declared.get("k_anonymity", 5)
    if type(k_anonymity) is not int or k_anonymity < 2:
        raise fail("k_anonymity", "a whole number of at least 2")
    if type(declared.get("case_level_public", True)) is not bool:
        raise fail("case_level_public", "true or false")
    for key in ("checks", "performance"):
        if not isinstance(declared.get(key, {}), dict):
            raise fail(key, "keys and values")
    return Process(
        name=name,
        title=declared["title"],
        sources=tuple(declared["sources"]),
        case=declared["case"],
        activities=declared["activities"],
        order=order,
        closing_activities=tuple(declared.get("closing_activities", ())),
        k_anonymity=k_anonymity,
        case_level_public=declared.get("case_level_public", True),
        future_tolerance=_duration(declared.get("future_tolerance", "1 day"), fail),
        description=declared.get("description", ""),
        extra_tables=tuple(declared.get("extra_tables", ())),
        checks=MappingProxyType(declared.get("checks", {})),
        export=tuple(exports),
        causes=_causes(declared, fail),
        **_norm(path, declared),
    )


def _causes(declared: dict[str, Any], fail) -> tuple[str, ...]:
    names = declared.get("causes", [])
    if not isinstance(names, list) or any(not is_identifier(name) for name in names) or len({*names}) < len(names):
        raise fail("causes", f"a list of attributes, each once: names of {_LETTERS}")
    if names and not declared.get("case_level_public", True):
        raise fail("causes", "none where case_level_public is false")
    return tuple(names)


def _norm(path: Path, declared: dict[str, Any]) -> dict[str, Any]:
    """`rules` and `reference_model`, as far as they are declared."""
    given = [key for key in ("rules", "reference_model") if key in declared]
    if given and not declared.get("case_level_public", True):
        raise BadInput(
            f"{path}: {given[0]}: expected none where case_level_public is false: a violation would show a person"
        )
    seed = path.parent.parent / "dbt_project" / "seeds" / f"{declared['activities']}.csv"
    known = None
    if given and seed.exists():
        with seed.open(newline="", encoding="utf-8") as file:
            known = {row.get("activity") for row in csv.DictReader(file)}
    read = {"rules": read_rules, "reference_model": partial(read_reference_model, folder=path.parent)}
    return {key: read[key](f"{path}: {key}", declared[key], known=known) for key in given}


def _duration(value: Any, fail) -> timedelta:
    duration = duration_of(value)
    if duration is None:
        raise fail("future_tolerance", "a number and a unit, such as `1 day`, of a hundred years at most")
    return duration
