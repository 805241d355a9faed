"""Precision and recall of the checks on planted logs: what a check names, against the truth of the planting."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psycopg

from expectations.checks import Check
from expectations.declaration import GateDeclaration, declaration_of
from expectations.mining_checks import count_variants
from expectations.patterns import pattern_checks, prepare_patterns
from expectations.patterns.label_checks import label_checks
from sluice.warehouse import connect
from tests.expectations.candidates import let_through, process, run
from tests.expectations.planting.confounders import confounded
from tests.expectations.planting.log import Log, write
from tests.expectations.planting.registry import PLANTINGS, Truth, plant
from tests.expectations.planting.simulation import SHAPES, clean_log

PATTERNS = (
    "form_based_event_capture",
    "inadvertent_time_travel",
    "unanchored_event",
    "scattered_event",
    "elusive_case",
    "scattered_case",
    "collateral_events",
    "polluted_label",
    "distorted_label",
    "synonymous_labels",
    "homonymous_label",
)
LABEL_CHECKS = {
    "polluted_label": "polluted label",
    "distorted_label": "distorted label",
    "synonymous_labels": "synonymous labels",
}
SUGGESTED = {
    "synonymous_labels": "synonymous labels",
    "homonymous_label": "homonymous label",
    "elusive_case": "elusive case",
}


@dataclass(frozen=True)
class Score:
    """How many were planted, how many found, how many of those rightly."""

    planted: int
    found: int
    right: int

    @property
    def precision(self) -> float:
        """Share of what was found that was planted; 1 where nothing was found."""
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """Share of what was planted that was found; 1 where nothing was planted."""
        return self.right / self.planted if self.planted else 1.0

    def __add__(self, other: "Score") -> "Score":
        return Score(self.planted + other.planted, self.found + other.found, self.right + other.right)


def found_cases(db: psycopg.Connection, check: Check) -> set[str]:
    """The cases that a check names."""
    return {case for (case,) in db.execute(f"select distinct case_id from ({check.query}) as bad").fetchall()}


def look(url: str, log: Log, checks: Mapping[str, object]) -> dict[str, set[str]]:
    """Write a log as a candidate and let every pattern's check look at it: check -> cases it names."""
    declared = declaration_of(process(checks=dict(checks)))
    write(log, url, run(as_of=log.as_of))
    with connect(url) as db:
        prepare_patterns(db, declared)
        return {check.name: found_cases(db, check) for check in checks_at(db, declared)}


def look_at_labels(
    url: str, log: Log, checks: Mapping[str, object]
) -> tuple[dict[str, set[str]], dict[str, list[tuple[str, str | None, float]]]]:
    """Write a log with its variants and let the checks of labels look at it.

    Returns pattern -> labels found, and pattern -> suggestions (label, beside, score) from the best one on.
    """
    declared = declaration_of(process(checks=dict(checks)))
    write(log, url, run(as_of=log.as_of))
    let_through(url, run(as_of=log.as_of))
    found: dict[str, set[str]] = {}
    offered: dict[str, list[tuple[str, str | None, float]]] = {}
    with connect(url) as db:
        write_variants(db, declared.name)
        count_variants(db, declared.name)
        label_checks(db, declared)
        for pattern, label in db.execute(f"select pattern, label from candidate.{declared.name}__label_findings"):
            found.setdefault(pattern, set()).add(label)
        for pattern, *suggestion in db.execute(
            """select pattern, label_a, label_b, score from quality.label_suggestions
               where process = %s order by pattern, rank""",
            (declared.name,),
        ):
            offered.setdefault(pattern, []).append(tuple(suggestion))
    return found, offered


def write_variants(db: psycopg.Connection, name: str) -> None:
    """The variants of the candidate's cases, as mining writes them (the columns that are read)."""
    p = f"candidate.{name}__"
    db.execute(f"drop table if exists {p}mining_variants")
    db.execute(f"""create table {p}mining_variants as
        with sequences as (
            select case_key, array_agg(activity order by event_seq) as activities from {p}events group by case_key)
        select md5(activities::text) as variant_id, activities, count(*) as case_count
        from sequences group by activities""")


def checks_at(db: psycopg.Connection, declared: GateDeclaration) -> list[Check]:
    """The patterns' checks for the candidate at hand."""
    columns = [
        name
        for (name,) in db.execute(
            "select column_name from information_schema.columns where table_schema = 'candidate' and table_name = %s",
            (f"{declared.name}__attributes",),
        )
    ]
    return pattern_checks(declared, columns)


def score(truth: Truth, found: set[str]) -> Score:
    """A check's findings against the truth, in cases."""
    return Score(len(truth.cases), len(found), len(truth.cases & found))


def base_log(shape: str, *, cases: int, seed: int) -> Log:
    """A clean log with confounders: what defects are planted into where they are measured."""
    return confounded(clean_log(shape, cases=cases, seed=seed), seed=seed)


def measure(url: str, name: str, share: float, seeds: Sequence[int], *, cases: int) -> Score:
    """Plant a pattern into a clean log per shape and seed, and score its check; all logs together.

    Labels are scored as labels, everything else as cases; what takes knowledge is declared as the planting says.
    """
    planting, total = PLANTINGS[name], Score(0, 0, 0)
    for shape in SHAPES:
        for seed in seeds:
            log, truth = plant(name, base_log(shape, cases=cases, seed=seed), share, seed)
            if planting.check in LABEL_CHECKS:
                found = look_at_labels(url, log, truth.checks)[0].get(LABEL_CHECKS[planting.check], set())
                total += Score(len(truth.labels), len(found), len(truth.labels & found))
            else:
                total += score(truth, look(url, log, truth.checks).get(planting.check, set()))
    return total


@dataclass(frozen=True)
class Offer:
    """What was suggested without any declaration. first: logs whose first suggestion is right, of those with any."""

    logs: int
    logs_with_any: int
    first: int
    offered: int
    right: int
    planted: int
    found: int


def measure_suggestions(url: str, name: str, share: float, seeds: Sequence[int], *, cases: int) -> Offer:
    """Plant a pattern that takes knowledge, declare nothing, and score the suggestions.

    A suggestion is right if it names a planted label (or case); found are the planted ones that are named at all.
    """
    logs = with_any = first = offered = right = planted = found = 0
    for shape in SHAPES:
        for seed in seeds:
            log, truth = plant(name, base_log(shape, cases=cases, seed=seed), share, seed)
            wanted = truth.cases if name == "elusive_case" else truth.labels
            made = look_at_labels(url, log, {})[1].get(SUGGESTED[name], [])
            named = [{one, other} & wanted for one, other, _ in made]
            logs += 1
            with_any += bool(made)
            first += bool(made) and bool(named[0])
            offered += len(made)
            right += sum(map(bool, named))
            planted += len(wanted)
            found += len(set().union(*named))
    return Offer(logs, with_any, first, offered, right, planted, found)
