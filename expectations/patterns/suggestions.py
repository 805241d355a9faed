"""Ranked suggestions for the patterns that take knowledge: which labels, or cases, somebody should look at.

Pure: variants and counts in, suggestions out; the scores order them and are no probabilities.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from expectations.patterns.knowledge import Knowledge
from expectations.patterns.labels import DISTORTED, SYNONYMOUS, near_pairs
from expectations.patterns.similarity import is_coded, is_other_word

HOMONYMOUS, ELUSIVE = "homonymous label", "elusive case"
OFFERED = 10  # per pattern
_MAX_LABELS, _LEAST_CASES = 200, 5
_SYNONYM_SCORE, _HOMONYM_SCORE, _DISTORTED_SCORE = 0.6, 0.3, 0.75
_BEGIN, _END = "\x02", "\x03"


@dataclass(frozen=True)
class Variant:
    """A sequence of activities and the number of its cases."""

    activities: tuple[str, ...]
    case_count: int


@dataclass(frozen=True)
class Suggestion:
    """label_a is the label (or the case id) to look at, label_b the one it may stand for; score 0–1, 1 first."""

    pattern: str
    label_a: str
    label_b: str | None
    score: float
    evidence: str


def suggest_synonyms(variants: Sequence[Variant], known: Knowledge) -> list[Suggestion]:
    """Labels with the same neighbours that do not happen in the same cases; not those that differ in codes alone.

    Score: geometric mean of the cosines of their predecessors and of their successors, times the share of the rarer
    one's cases without the other. After Sadeghianasl et al. (OTM 2019), who compare labels by their context; here by
    control flow alone.
    """
    before, after, cases = _neighbours(variants)
    labels = [label for label, count in cases.most_common(_MAX_LABELS) if count >= _LEAST_CASES]
    declared = {frozenset((group[0], label)) for group in known.synonyms for label in group[1:]}
    likely = {}
    for place, one in enumerate(labels):
        for other in labels[place + 1 :]:
            if frozenset((one, other)) in declared or is_coded(one, other):
                continue
            context = math.sqrt(_cosine(before[one], before[other]) * _cosine(after[one], after[other]))
            if context >= _SYNONYM_SCORE:
                likely[one, other] = context
    together: Counter = Counter()
    for variant in variants:
        there = set(variant.activities)
        for one, other in likely:
            if one in there and other in there:
                together[one, other] += variant.case_count
    made = []
    for (one, other), context in likely.items():
        share = together[one, other] / min(cases[one], cases[other])
        score = context * (1 - share)
        if score >= _SYNONYM_SCORE:
            rarer, other_ = sorted((one, other), key=lambda label: (cases[label], label))
            made.append(
                Suggestion(
                    SYNONYMOUS,
                    rarer,
                    other_,
                    score,
                    f"the same neighbours ({context:.0%}), together in {share:.0%} of the cases of the rarer one",
                )
            )
    return _best(made)


def suggest_homonyms(variants: Sequence[Variant], known: Knowledge) -> list[Suggestion]:
    """Labels that are repeated within cases at places that differ from that of their first occurrence.

    The signature of the pattern: many incoming arcs and more events than cases. Score: geometric mean of how different
    the neighbours of first and later occurrences are (1 − cosine), and of the share of the log's labels that come
    directly before the later ones. An immediate repetition is a loop and does not count.
    """
    first: dict[str, Counter] = defaultdict(Counter)
    later: dict[str, Counter] = defaultdict(Counter)
    repeating: Counter = Counter()
    labels = {label for variant in variants for label in variant.activities}
    for variant in variants:
        steps = (_BEGIN, *variant.activities, _END)
        seen: set[str] = set()
        repeated: set[str] = set()
        for place in range(1, len(steps) - 1):
            label = steps[place]
            if label == steps[place - 1]:
                continue
            contexts = later if label in seen else first
            contexts[label][f"<{steps[place - 1]}"] += variant.case_count
            contexts[label][f">{steps[place + 1]}"] += variant.case_count
            if label in seen:
                repeated.add(label)
            seen.add(label)
        for label in repeated:
            repeating[label] += variant.case_count
    made = []
    for label, count in repeating.items():
        if count < _LEAST_CASES or label in known.homonyms:
            continue
        difference = 1 - _cosine(first[label], later[label])
        incoming = sum(name.startswith("<") for name in later[label]) / max(1, len(labels) - 1)
        score = math.sqrt(difference * min(1.0, incoming))
        if score >= _HOMONYM_SCORE:
            made.append(
                Suggestion(
                    HOMONYMOUS,
                    label,
                    None,
                    score,
                    f"repeated in {count} cases; neighbours differ by {difference:.0%}; after {incoming:.0%} of the labels",
                )
            )
    return _best(made)


def suggest_distorted(counts: Mapping[str, int], found: Iterable[str], known: Knowledge) -> list[Suggestion]:
    """Labels a few edits apart that are not certain enough to be a finding: both frequent, or an edit too many."""
    accepted = [set(group) for group in known.distorted_accept]
    certain, made = set(found), []
    for right, label, edits in near_pairs(counts, looser=True):
        if label in certain or right in certain or any({right, label} <= group for group in accepted):
            continue
        if is_other_word(right, label):
            continue
        score = (1 - edits / max(len(right), len(label))) * (0.5 if is_coded(right, label) else 1)
        if score >= _DISTORTED_SCORE:
            made.append(Suggestion(DISTORTED, label, right, score, f"{edits} letters differ"))
    return _best(made)


def suggest_elusive(sizes: Mapping[str, int], usual: float, known: Knowledge) -> list[Suggestion]:
    """Cases with far more events than others have: several may have met under one id.

    sizes: events of the longest cases. usual: the 99th percentile of all. From three times that on; score: the share
    of the case's events beyond it.
    """
    return _best(
        Suggestion(
            ELUSIVE, case, None, 1 - usual / size, f"{size} events, where 99 % of the cases have at most {usual:g}"
        )
        for case, size in sizes.items()
        if size > 3 * usual > 0 and case not in known.placeholders
    )


def _best(made: Iterable[Suggestion]) -> list[Suggestion]:
    return sorted(made, key=lambda one: (-one.score, one.label_a, one.label_b or ""))[:OFFERED]


def _neighbours(variants: Sequence[Variant]) -> tuple[dict[str, Counter], dict[str, Counter], Counter]:
    before: dict[str, Counter] = defaultdict(Counter)
    after: dict[str, Counter] = defaultdict(Counter)
    cases: Counter = Counter()
    for variant in variants:
        steps = (_BEGIN, *variant.activities, _END)
        for place in range(1, len(steps) - 1):
            before[steps[place]][steps[place - 1]] += variant.case_count
            after[steps[place]][steps[place + 1]] += variant.case_count
        for label in set(variant.activities):
            cases[label] += variant.case_count
    return before, after, cases


def _cosine(one: Counter, other: Counter) -> float:
    dot = sum(count * other[name] for name, count in one.items() if name in other)
    if not dot:
        return 0.0
    lengths = math.sqrt(sum(count * count for count in one.values()) * sum(count * count for count in other.values()))
    return dot / lengths
