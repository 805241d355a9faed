"""Rules against a log: per rule how often it applies and is broken, and each violation with its case and its events.

Rules on the order of activities are looked at once per variant; the others on the events that they are about.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import narwhals as nw
import numpy as np
from narwhals.typing import IntoFrame

from mining_tasks.calendars import WorkingTime, reach
from mining_tasks.frames import events_of
from mining_tasks.groups import starts_run
from mining_tasks.rules import plain
from mining_tasks.rules.declaration import DECLARE, Rule
from mining_tasks.rules.declare import Findings, find
from mining_tasks.rules.sequences import NONE, Sequences
from mining_tasks.rules.wording import expectations
from mining_tasks.variants import Variants
from mining_tasks.waiting import Hours, lay_out_cases
from sluice.keys import activity_key

_NEVER = np.iinfo(np.int64).min
_RESULTS = {
    "rule": nw.String(),
    "rule_number": nw.Int64(),
    "template": nw.String(),
    "expected": nw.String(),
    "description": nw.String(),
    "case_count": nw.Int64(),
    "activation_count": nw.Int64(),
    "violating_case_count": nw.Int64(),
    "violation_count": nw.Int64(),
    "violating_case_share": nw.Float64(),
    "pending_case_count": nw.Int64(),
    "pending_count": nw.Int64(),
}
_VIOLATIONS = {
    "rule": nw.String(),
    "case_key": nw.Int64(),
    "case_id": nw.String(),
    "event_seq": nw.Int64(),
    "activity_key": nw.Int64(),
    "related_event_seq": nw.Int64(),
    "related_activity_key": nw.Int64(),
    "expected": nw.String(),
}
_OBLIGATIONS = {
    "rule": nw.String(),
    "case_key": nw.Int64(),
    "case_id": nw.String(),
    "event_seq": nw.Int64(),
    "activity_key": nw.Int64(),
    "expected": nw.String(),
    "due_us": nw.Int64(),
}


@dataclass(frozen=True)
class RuleCheck:
    """results: one row per rule, in the order declared: `rule`, `rule_number` (from 1), `template`, `expected`,
    `description`, `case_count` (cases that it applies to), `activation_count`, `violating_case_count`,
    `violation_count`, `violating_case_share` (of `case_count`, null where that is 0), `pending_case_count`,
    `pending_count`. violations: one row per violated activation, sorted: `rule`, `case_key`, `case_id`, `event_seq` (0: the
    case as a whole), `activity_key`, `related_event_seq` (of the event that it clashes with, else null),
    `related_activity_key`, `expected`. obligations: of open cases, what would be a violation were they over: `rule`,
    `case_key`, `case_id`, `event_seq`, `activity_key`, `expected`, `due_us` (null: no time set).
    """

    results: nw.DataFrame
    violations: nw.DataFrame
    obligations: nw.DataFrame


@dataclass(frozen=True)
class _Cases:
    """key, id, is_open: per case, sorted by key. variant: per case the number of its sequence."""

    key: np.ndarray
    id: np.ndarray
    is_open: np.ndarray
    variant: np.ndarray


@dataclass(frozen=True)
class _Broken:
    """Violated activations by case: case (its place in `_Cases`), event_seq and activity (0, NONE: none), the same of the
    related event, is_pending, due_us, side."""

    activations: np.ndarray
    case: np.ndarray
    event_seq: np.ndarray
    activity: np.ndarray
    related_seq: np.ndarray
    related_activity: np.ndarray
    is_pending: np.ndarray
    due_us: np.ndarray
    side: np.ndarray


@dataclass(frozen=True)
class _Clock:
    """The time of events as a rule counts it. at_us: when they happened. elapsed_us: the same, or how much working time
    of its case had passed by then. of_event, laid: per event which working time; empty where clocks are asked."""

    at_us: np.ndarray
    elapsed_us: np.ndarray
    of_event: np.ndarray
    laid: Sequence[WorkingTime]

    @classmethod
    def of(cls, rule: Rule, at_us: np.ndarray, case_keys: np.ndarray, owner: np.ndarray, hours: Hours) -> "_Clock":
        if not rule.is_working or not len(at_us):
            return cls(at_us, at_us, np.zeros(len(at_us), dtype=np.int64), ())
        first, last = int(at_us.min()), int(at_us.max()) + 1 + reach(rule.at_most_us or 0)
        of_case, laid = lay_out_cases(hours, case_keys, first_us=first, last_us=last)
        elapsed, of_event = np.zeros(len(at_us), dtype=np.int64), of_case[owner]
        for place, working in enumerate(laid):
            rows = of_event == place
            elapsed[rows] = working.elapsed(at_us[rows])
        return cls(at_us, elapsed, of_event, laid)

    def after(self, places: np.ndarray, lasting_us: int) -> np.ndarray:
        """When so much time has passed since the events at `places`; _NEVER: nobody works that long."""
        due = self.at_us[places] + lasting_us
        for place, working in enumerate(self.laid):
            rows = np.flatnonzero(self.of_event[places] == place)
            at, is_known = working.after(self.at_us[places[rows]], lasting_us)
            due[rows] = np.where(is_known, at, _NEVER)
        return due


def check_rules(
    rules: Sequence[Rule],
    *,
    events: IntoFrame,
    variants: Variants,
    cases: IntoFrame,
    attributes: IntoFrame | None = None,
    hours: Hours | None = None,
    key_of: Callable[[str], int] = activity_key,
) -> RuleCheck:
    """Check the rules of a process.

    events: as in `mining_tasks.frames`. variants: of the same log. cases: `case_key`, `case_id`, `is_open`.
    attributes: `case_key` and the columns that amount limits name, as numbers (null: the rule does not apply).
    hours: the calendars of the cases, for time limits in working time. key_of: activity -> its key in the log, another one
    for each that is not there.
    A violation that what is still to come may mend is, in an open case, an obligation and no violation yet.
    """
    backend = variants.variants.implementation
    known = _cases(variants, cases)
    sequences = _variant_sequences(variants)
    found = []
    for rule in rules:
        sides = [[key_of(name) for name in side] for side in rule.sides]
        if rule.template in DECLARE:
            findings = find(rule.template, sequences, sides, count=rule.count)
            broken = _of_variants(findings, sequences, known)
        elif rule.template == "amount_limit":
            before = [key_of(name) for name in rule.before]
            broken = _amounts(rule, sides[0], before, sequences, known, nw.from_native(attributes))
        else:
            broken = _of_events(rule, sides, events, known, hours or Hours())
        found.append((rule, broken))
    return RuleCheck(
        results=nw.from_dict(_results(found), schema=_RESULTS, backend=backend),
        violations=_rows(found, known, _VIOLATIONS, backend, is_pending=False),
        obligations=_rows(found, known, _OBLIGATIONS, backend, is_pending=True),
    )


def _cases(variants: Variants, cases: IntoFrame) -> _Cases:
    frame = nw.from_native(cases).select("case_key", "case_id", "is_open").sort("case_key")
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    of_case = variants.cases.sort("case_key")
    if not np.array_equal(of_case["case_key"].to_numpy(), frame["case_key"].to_numpy()):
        raise ValueError("cases: expected those of the variants, each once")
    ids = variants.variants.select("variant_id").sort("variant_id").with_row_index("_number")
    numbers = of_case.join(ids, on="variant_id").sort("case_key")["_number"]
    return _Cases(
        key=frame["case_key"].to_numpy(),
        id=np.array(frame["case_id"].to_list(), dtype=object),
        is_open=frame["is_open"].to_numpy().astype(bool),
        variant=numbers.to_numpy().astype(np.int64),
    )


def _variant_sequences(variants: Variants) -> Sequences:
    steps = variants.steps.sort("variant_id", "position")
    _, owner = np.unique(np.array(steps["variant_id"].to_list()), return_inverse=True)
    return Sequences.of(owner, steps["activity_key"].to_numpy())


def _of_variants(found: Findings, s: Sequences, cases: _Cases) -> _Broken:
    """What holds of a variant, for each of its cases."""
    order = np.argsort(cases.variant, kind="stable")
    sizes = np.bincount(cases.variant, minlength=len(found.activations))
    starts = np.cumsum(sizes) - sizes
    repeats = sizes[found.owner]
    which = np.repeat(np.arange(len(found.owner)), repeats)
    within = np.arange(len(which)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    case = order[starts[found.owner][which] + within]
    return _broken(
        found, s, s.position, which=which, case=case, activations=found.activations[cases.variant], cases=cases
    )


def _of_events(rule: Rule, sides: list[list[int]], events: IntoFrame, cases: _Cases, hours: Hours) -> _Broken:
    """Rules on persons and times: over the events of the activities that they name."""
    frame = events_of(events, needs=("case_key", "event_seq", "activity_key", "occurred_us", "resource_key"))
    frame = frame.filter(nw.col("activity_key").is_in([key for side in sides for key in side]))
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect().sort("case_key", "event_seq")
    case = frame["case_key"].to_numpy()
    is_first = starts_run(case)
    keys, owner = case[is_first], np.cumsum(is_first) - 1
    sequences = Sequences.of(owner, frame["activity_key"].to_numpy())
    here = np.searchsorted(cases.key, keys)
    clock = _Clock.of(rule, frame["occurred_us"].to_numpy(), keys, owner, hours)
    at = plain.CaseEvents(
        sequences,
        elapsed_us=clock.elapsed_us,
        person=frame["resource_key"].fill_null(0).to_numpy(),
        is_known=~frame["resource_key"].is_null().to_numpy().astype(bool),
    )
    if rule.template == "time_limit":
        found = plain.keep_time(at, *sides, at_most_us=rule.at_most_us, at_least_us=rule.at_least_us)
        due = clock.after(found.place, rule.at_most_us) if rule.at_most_us is not None else None
    else:
        found, due = plain.separate_persons(at, sides), None
    activations = np.zeros(len(cases.key), dtype=np.int64)
    activations[here] = found.activations
    return _broken(
        found,
        sequences,
        frame["event_seq"].to_numpy(),
        which=np.arange(len(found.owner)),
        case=here[found.owner],
        activations=activations,
        cases=cases,
        due_us=due,
    )


def _amounts(
    rule: Rule,
    needed: list[int],
    before: list[int],
    by_variant: Sequences,
    cases: _Cases,
    attributes: nw.DataFrame | nw.LazyFrame,
) -> _Broken:
    """Amount limits: whether a case is above is its own, where its activities stand is its variant's."""
    frame = attributes.select("case_key", rule.attribute).filter(nw.col(rule.attribute) > rule.above)
    if isinstance(frame, nw.LazyFrame):
        frame = frame.collect()
    above = np.flatnonzero(np.isin(cases.key, frame["case_key"].to_numpy()))
    every = np.ones(len(np.bincount(cases.variant)), dtype=bool)
    found = plain.need_above_limit(by_variant, every, needed, before)
    own = _Cases(cases.key[above], cases.id[above], cases.is_open[above], cases.variant[above])
    broken = _of_variants(found, by_variant, own)
    activations = np.zeros(len(cases.key), dtype=np.int64)
    activations[above] = broken.activations
    return replace(broken, case=above[broken.case], activations=activations)


def _broken(
    found: Findings,
    s: Sequences,
    event_seq: np.ndarray,
    *,
    which: np.ndarray,
    case: np.ndarray,
    activations: np.ndarray,
    cases: _Cases,
    due_us: np.ndarray | None = None,
) -> _Broken:
    def at(values: np.ndarray, places: np.ndarray, none: int) -> np.ndarray:
        return np.append(values.astype(np.int64), none)[places]  # NONE is the last place

    place, related = found.place[which], found.related[which]
    return _Broken(
        activations=activations,
        case=case,
        event_seq=at(event_seq, place, 0),
        activity=at(s.activity, place, NONE),
        related_seq=at(event_seq, related, 0),
        related_activity=at(s.activity, related, NONE),
        is_pending=found.is_curable[which] & cases.is_open[case],
        due_us=np.full(len(place), _NEVER) if due_us is None else due_us,
        side=found.side[which],
    )


def _results(found: list[tuple[Rule, _Broken]]) -> dict[str, list]:
    rows: dict[str, list] = {name: [] for name in _RESULTS}
    for number, (rule, broken) in enumerate(found, 1):
        violations, pending = broken.case[~broken.is_pending], broken.case[broken.is_pending]
        cases, violating = int((broken.activations > 0).sum()), len(np.unique(violations))
        values = {
            "rule": rule.name,
            "rule_number": number,
            "template": rule.template,
            "expected": "; ".join(dict.fromkeys(expectations(rule))),
            "description": rule.description,
            "case_count": cases,
            "activation_count": int(broken.activations.sum()),
            "violating_case_count": violating,
            "violation_count": len(violations),
            "violating_case_share": violating / cases if cases else None,
            "pending_case_count": len(np.unique(pending)),
            "pending_count": len(pending),
        }
        for name, value in values.items():
            rows[name].append(value)
    return rows


def _rows(
    found: list[tuple[Rule, _Broken]],
    cases: _Cases,
    schema: Mapping[str, nw.dtypes.DType],
    backend,
    *,
    is_pending: bool,
) -> nw.DataFrame:
    """Violations or obligations of all rules, sorted by rule, case and event."""
    parts = []
    for rule, broken in found:
        chosen = np.flatnonzero(broken.is_pending == is_pending)
        chosen = chosen[np.lexsort((broken.event_seq[chosen], broken.case[chosen]))]
        if not len(chosen):
            continue
        texts = np.array(expectations(rule), dtype=object)
        values = {
            "rule": [rule.name] * len(chosen),
            "case_key": cases.key[broken.case[chosen]],
            "case_id": cases.id[broken.case[chosen]].tolist(),
            "event_seq": broken.event_seq[chosen],
            "activity_key": broken.activity[chosen],
            "related_event_seq": broken.related_seq[chosen],
            "related_activity_key": broken.related_activity[chosen],
            "expected": texts[np.minimum(broken.side[chosen], len(texts) - 1)].tolist(),
            "due_us": broken.due_us[chosen],
        }
        frame = nw.from_dict({name: values[name] for name in schema}, schema=schema, backend=backend)
        nulls = {"activity_key": NONE, "related_activity_key": NONE, "related_event_seq": 0, "due_us": _NEVER}
        parts.append(
            frame.with_columns(
                nw.when(nw.col(name) != none).then(nw.col(name)).alias(name)
                for name, none in nulls.items()
                if name in schema
            )
        )
    if not parts:
        return nw.from_dict({name: [] for name in schema}, schema=schema, backend=backend)
    return nw.concat(parts).sort("rule", "case_key", "event_seq")
