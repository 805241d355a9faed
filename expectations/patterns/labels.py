"""What is wrong with the labels of a log, found in the list of its activities: polluted, distorted, synonymous.

Pure: labels with their numbers of events in, findings out.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from expectations.patterns.knowledge import Knowledge
from expectations.patterns.similarity import HOLE, distance, folded, is_coded, is_other_word, rest_around, template

POLLUTED, DISTORTED, SYNONYMOUS = "polluted label", "distorted label", "synonymous labels"
RARE_SHARE = 0.05  # a mistyped label has at most this share of the events of the right one
BOILERPLATE = 5  # as many endings after the same first words are a mutable part, without any digit in it
MAX_LABELS = 1_500  # compared pair by pair; the more frequent ones


@dataclass(frozen=True)
class LabelFinding:
    """A label that is not what it seems. beside: the label that stands for the same. evidence: why, in words."""

    pattern: str
    label: str
    beside: str
    evidence: str


def find_polluted(counts: Mapping[str, int], known: Knowledge) -> list[LabelFinding]:
    """Labels of immutable boilerplate and mutable text at a fixed place (Suriadi et al., 2017, pattern 8).

    Found are: at least `labels` (3) labels that are the same but for parts that look like data; a label that is another
    label of the log with data put in; at least `labels` labels that are labels of the log with words put in after the
    same connecting word (by …, for …); at least 5 labels with the same two or more first words and different endings.
    """
    labels = sorted(set(counts) - set(known.polluted_ignore))
    holed = {label: template(label) for label in labels}
    by_template: dict[str, list[str]] = defaultdict(list)
    for label, made in holed.items():
        if HOLE in made and any(letter.isalpha() for letter in made):
            by_template[made].append(label)
    found: dict[str, LabelFinding] = {}
    plain = [label for label in labels if HOLE not in holed[label]]
    for made, alike in by_template.items():
        base = next((one for one in plain if _has_data(rest_around(made, one))), None)
        if len(alike) >= known.polluted_labels or base is not None:
            for label in alike:
                found[label] = LabelFinding(POLLUTED, label, base or made, f"{len(alike)} labels of the form {made}")
    for finding in (*_connected(plain, known), *_endings(plain)):
        found.setdefault(finding.label, finding)
    return [found[label] for label in sorted(found)]


def _has_data(rest: list[str] | None) -> bool:
    return rest is not None and any(HOLE in word for word in rest)


def _connected(labels: list[str], known: Knowledge) -> Iterator[LabelFinding]:
    """`Approve Order by Novak`, where there is `Approve Order`: words after the same connecting word, many times."""
    alike: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
    for label in labels:
        for base in labels:
            rest = rest_around(label, base)
            if rest is not None and len(rest) >= 2 and label.startswith(f"{base} ") and rest[0].islower():
                alike[rest[0]].append((label, base, " ".join(rest[1:])))
    for word, group in sorted(alike.items()):
        if len({rest for _, _, rest in group}) >= known.polluted_labels:
            for label, base, _ in group:
                yield LabelFinding(POLLUTED, label, base, f"{len(group)} labels end in {word} and something else")


def _endings(labels: list[str]) -> Iterator[LabelFinding]:
    alike: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for label in labels:
        words = label.split()
        for count in range(2, len(words)):
            alike[tuple(words[:count])].add(label)
    for words, group in sorted(alike.items(), key=lambda item: (-len(item[0]), item[0])):
        if len(group) >= BOILERPLATE:
            for label in sorted(group):
                yield LabelFinding(
                    POLLUTED, label, " ".join(words), f"{len(group)} labels begin with {' '.join(words)}"
                )


def find_distorted(counts: Mapping[str, int], known: Knowledge) -> list[LabelFinding]:
    """Labels that are another label of the log, typed a little differently (Suriadi et al., 2017, pattern 9).

    Found are: declared ones (`same`); labels that differ in case, accents, spaces, punctuation alone; labels one edit
    away (two from 12 letters on), if rare beside the right one (5 % of its events) and neither different in codes alone
    nor in a word that is another word.
    DaQAPO compares with 3 edits (detect_similar_labels), which takes Send for Sent; what is less certain is suggested.
    The label with more events is taken for the right one.
    """
    found: dict[str, LabelFinding] = {}
    for group in known.distorted_same:
        for label in group[1:]:
            if label in counts:
                found[label] = LabelFinding(DISTORTED, label, group[0], "declared")
    accepted = [set(group) for group in known.distorted_accept]
    for right, label, edits in near_pairs(counts):
        if label in found or any({right, label} <= group for group in accepted):
            continue
        if edits == 0:
            found[label] = LabelFinding(DISTORTED, label, right, "differs in case, accents, spaces or punctuation")
        elif (
            counts[label] <= max(1, RARE_SHARE * counts[right])
            and not is_coded(right, label)
            and not is_other_word(right, label)
        ):
            found[label] = LabelFinding(DISTORTED, label, right, f"{edits} letters differ, and it is rare")
    return [found[label] for label in sorted(found)]


def near_pairs(counts: Mapping[str, int], *, looser: bool = False) -> Iterator[tuple[str, str, int]]:
    """(more frequent label, other, edits of the folded forms): 0, 1 from 5 letters on, 2 from 12; looser: one more."""
    ranked = sorted(counts, key=lambda label: (-counts[label], label))[:MAX_LABELS]
    folds = {label: folded(label) for label in ranked}
    for place, right in enumerate(ranked):
        for label in ranked[place + 1 :]:
            one, other = folds[right], folds[label]
            length = min(len(one), len(other))
            limit = (0 if length < 5 else 1 if length < 12 else 2) + looser
            if not one or not other or abs(len(one) - len(other)) > limit:
                continue
            edits = 0 if one == other else distance(one, other, limit)
            if edits <= limit:
                yield right, label, edits


def find_synonyms(counts: Mapping[str, int], known: Knowledge) -> list[LabelFinding]:
    """Labels of a declared group beside the one to use, its first (Suriadi et al., 2017, pattern 10)."""
    found: dict[str, LabelFinding] = {}
    for group in known.synonyms:
        for label in group[1:]:
            if label in counts:
                found.setdefault(label, LabelFinding(SYNONYMOUS, label, group[0], "declared"))
    return [found[label] for label in sorted(found)]
