"""What goes with an outcome of cases: subgroups by attributes, found in one half of the cases, confirmed in the other.

Conditions on attributes, alone or two together, are searched in the half that explores (a beam by weighted relative
accuracy, Lavrač, Flach & Zupan 1999). Those found are tested in the half that confirms: Fisher's exact test, one-sided,
and of two conditions also within each of them alone, so that neither is a passenger; the tests of all outcomes together
are corrected for their number (Benjamini & Hochberg 1995). What is published has a false discovery rate of at most 5 %.
Association is not proof of cause: only attributes that are known before the outcome belong here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl
from scipy.stats import hypergeom

FALSE_DISCOVERY_RATE = 0.05
FEWEST_CASES = 20  # a condition that fewer cases of the exploring half meet is not looked at
MOST_VALUES = 100  # of an attribute: its most frequent ones
FEW_NUMBERS = 10  # an attribute of so many different numbers is a category
PARTS = tuple(tenth / 10 for tenth in range(1, 10))  # quantiles at which numbers are cut
BEAM = 10
MOST_TESTED = 20  # conditions per outcome
_Z = 1.959963984540054
_PROMISING = 0.05


@dataclass(frozen=True, order=True)
class Condition:
    """A comparison of an attribute with a value: `=`, `<=` or `>`."""

    attribute: str
    comparison: str
    value: str


@dataclass(frozen=True)
class Cause:
    """A confirmed subgroup of an outcome.

    Of all cases: case_count meet the conditions, outcome_count of them have the outcome; share and share_elsewhere are the
    parts with it among them and among the other cases, excess_count is by how many cases with the outcome the subgroup is
    above the share elsewhere. Of the half that confirms, which had no say in the choice: the same counts, the difference
    of the shares with its 95 % interval (Newcombe 1998, method 10), p_value and q_value. meets: which cases they are.
    """

    outcome: str
    conditions: tuple[Condition, ...]
    case_count: int
    outcome_count: int
    share: float
    share_elsewhere: float
    excess_count: float
    confirmed_case_count: int
    confirmed_outcome_count: int
    confirmed_difference: float
    confirmed_low: float
    confirmed_high: float
    p_value: float
    q_value: float
    meets: np.ndarray = field(compare=False, repr=False)


@dataclass(frozen=True)
class _Tested:
    """Conditions that the confirming half was asked about: (cases, cases with the outcome) that meet them, and of all."""

    outcome: str
    conditions: tuple[Condition, ...]
    count: np.ndarray
    total: np.ndarray
    p_value: float


@dataclass(frozen=True)
class Search:
    """What was found, and how much was looked at: conditions there were, conditions or pairs that were tested."""

    causes: tuple[Cause, ...]
    condition_count: int
    tested_counts: Mapping[str, int]


def find_causes(attributes: pl.DataFrame, outcomes: Mapping[str, np.ndarray]) -> Search:
    """The confirmed subgroups, by outcome (in its given order) and falling quality over all cases; of those that explain
    the same cases only the best: each must still hold, in the half that confirms, outside of those before it.

    attributes: `case_key` (a hash, whose parity decides between the halves) and one column per attribute: text, truth
    values or numbers. outcomes: name -> truth value per row of `attributes`.
    """
    explores = (attributes["case_key"].to_numpy() & 1) == 0
    masks = dict(conditions_of(attributes, explores))
    exploring, confirming = (
        {condition: mask[places] for condition, mask in masks.items()}
        for places in (np.flatnonzero(explores), np.flatnonzero(~explores))
    )
    tested = [
        one
        for outcome, has in outcomes.items()
        for one in _tested(outcome, confirming, _explored(exploring, has[explores]), has[~explores])
    ]
    q_values = adjusted([one.p_value for one in tested])
    causes = []
    for outcome, has in outcomes.items():
        confirmed = {
            one.conditions: (one, q)
            for one, q in zip(tested, q_values, strict=True)
            if one.outcome == outcome and q <= FALSE_DISCOVERY_RATE
        }
        kept = _distinct(masks, list(confirmed), has, ~explores)
        causes += [_cause(*confirmed[conditions], _all(masks, conditions), has) for conditions in kept]
    tested_counts = {outcome: sum(one.outcome == outcome for one in tested) for outcome in outcomes}
    return Search(tuple(causes), len(masks), tested_counts)


def conditions_of(attributes: pl.DataFrame, explores: np.ndarray) -> Iterable[tuple[Condition, np.ndarray]]:
    """Each condition that enough and not nearly all cases of the exploring half meet, with the cases that meet it."""
    fewest, most = FEWEST_CASES, int(explores.sum()) - FEWEST_CASES
    for name in sorted(set(attributes.columns) - {"case_key"}):
        for condition, mask in _conditions(name, attributes[name], explores):
            if fewest <= np.count_nonzero(mask & explores) <= most:
                yield condition, mask


def _conditions(name: str, column: pl.Series, explores: np.ndarray) -> Iterable[tuple[Condition, np.ndarray]]:
    seen = column.filter(pl.Series(explores)).drop_nulls()
    if column.dtype.is_numeric() and seen.n_unique() > FEW_NUMBERS:
        numbers = column.cast(pl.Float64)
        cuts = {float(seen.cast(pl.Float64).quantile(part, "lower")) for part in PARTS}
        for cut in sorted(cuts):
            for comparison, meets in (("<=", numbers <= cut), (">", numbers > cut)):
                yield Condition(name, comparison, repr(cut).removesuffix(".0")), meets.fill_null(False).to_numpy()
        return
    text = column.cast(pl.String)
    counts = seen.cast(pl.String).value_counts().sort(["count", name], descending=[True, False])
    for value in counts[name].head(MOST_VALUES).to_list():
        yield Condition(name, "=", value), (text == value).fill_null(False).to_numpy()


def _explored(masks: Mapping[Condition, np.ndarray], has: np.ndarray) -> list[tuple[Condition, ...]]:
    """The conditions and pairs that look best in the exploring half, at most `MOST_TESTED`. masks, has: of that half."""
    total = np.array([len(has), np.count_nonzero(has)])
    if not 0 < total[1] < total[0]:
        return []
    counts = {condition: _counts(mask, has) for condition, mask in masks.items()}
    looks = _p_values(list(counts.values()), [total] * len(counts))
    promising = [one for one, p_value in zip(counts, looks, strict=True) if p_value <= _PROMISING]
    quality = {(one,): _accuracy(counts[one], total) for one in promising}
    beam = sorted(quality, key=lambda one: (-quality[one], one))[:BEAM]
    pairs = {
        tuple(sorted((first, second))): _counts(masks[first] & masks[second], has)
        for (first,) in beam
        for second in promising
        if first.attribute != second.attribute
    }
    pairs = {pair: count for pair, count in pairs.items() if count[0] >= FEWEST_CASES}
    looks = [_p_values(list(pairs.values()), [counts[pair[place]] for pair in pairs]) for place in (0, 1)]
    for (pair, count), one, other in zip(pairs.items(), *looks, strict=True):
        if max(one, other) <= _PROMISING:
            quality[pair] = _accuracy(count, total)
    return sorted(quality, key=lambda one: (-quality[one], one))[:MOST_TESTED]


def _tested(
    outcome: str,
    masks: Mapping[Condition, np.ndarray],
    every: Sequence[tuple[Condition, ...]],
    has: np.ndarray,
) -> list[_Tested]:
    """The conditions in the half that confirms (masks, has: of that half); of two the p-value is the largest: among all, and
    among those of each.
    """
    total = np.array([len(has), np.count_nonzero(has)])
    counts = [_counts(_all(masks, conditions), has) for conditions in every]
    p_values = _p_values(counts, [total] * len(every))
    singles = {one: _counts(masks[one], has) for conditions in every if len(conditions) > 1 for one in conditions}
    owners = [(place, one) for place, conditions in enumerate(every) if len(conditions) > 1 for one in conditions]
    within = _p_values([counts[place] for place, _ in owners], [singles[one] for _, one in owners])
    np.maximum.at(p_values, [place for place, _ in owners], within)
    return [
        _Tested(outcome, conditions, count, total, float(p_value))
        for conditions, count, p_value in zip(every, counts, p_values, strict=True)
    ]


def _distinct(
    masks: Mapping[Condition, np.ndarray],
    confirmed: Sequence[tuple[Condition, ...]],
    has: np.ndarray,
    confirms: np.ndarray,
) -> list[tuple[Condition, ...]]:
    """Of the confirmed conditions those that stand for themselves, best first: a single one that holds outside of the
    pairs it is part of, too, and each that holds outside of those before it (but for a part of a pair, within which the
    pair was tested)."""

    def holds(one: tuple[Condition, ...], left: np.ndarray) -> bool:
        rest = _counts(left, has)
        return bool(rest[0]) and _p_value(_counts(_all(masks, one) & left, has), rest) <= FALSE_DISCOVERY_RATE

    pairs = [one for one in confirmed if len(one) > 1]
    total = _counts(np.ones(len(has), bool), has)
    quality = {}
    for one in confirmed:
        narrower = [_all(masks, pair) for pair in pairs if one != pair and set(one) < set(pair)]
        if not narrower or holds(one, confirms & ~np.logical_or.reduce(narrower)):
            quality[one] = _accuracy(_counts(_all(masks, one), has), total)
    kept: list[tuple[Condition, ...]] = []
    for one in sorted(quality, key=lambda one: (-quality[one], one)):
        others = [_all(masks, before) for before in kept if not set(before) < set(one)]
        if not others or holds(one, confirms & ~np.logical_or.reduce(others)):
            kept.append(one)
    return kept


def _all(masks: Mapping[Condition, np.ndarray], conditions: Sequence[Condition]) -> np.ndarray:
    return np.logical_and.reduce([masks[condition] for condition in conditions])


def _counts(mask: np.ndarray, has: np.ndarray) -> np.ndarray:
    return np.array([np.count_nonzero(mask), np.count_nonzero(mask & has)])


def _accuracy(count: np.ndarray, total: np.ndarray) -> float:
    """Weighted relative accuracy: the part of all cases that are in the group, times how far its share is above all's."""
    return float((count[1] - count[0] * total[1] / total[0]) / total[0])


def _p_value(count: np.ndarray, total: np.ndarray) -> float:
    return float(_p_values([count], [total])[0])


def _p_values(counts: Sequence[np.ndarray], totals: Sequence[np.ndarray]) -> np.ndarray:
    """Fisher's exact test, one-sided: as many with the outcome, or more, among each group drawn from its total."""
    if not counts:
        return np.zeros(0)
    (cases, having), (of, of_having) = np.transpose(counts), np.transpose(totals)
    return hypergeom.sf(having - 1, of, of_having, cases)


def adjusted(p_values: Sequence[float]) -> list[float]:
    """The p-values corrected for their number (Benjamini & Hochberg 1995), in the order given.

    >>> [round(q, 3) for q in adjusted([0.01, 0.04, 0.03, 0.5])]
    [0.04, 0.053, 0.053, 0.5]
    """
    order = sorted(range(len(p_values)), key=lambda number: p_values[number], reverse=True)
    q_values, least = [1.0] * len(p_values), 1.0
    for place, number in enumerate(order):
        least = min(least, p_values[number] * len(p_values) / (len(p_values) - place))
        q_values[number] = least
    return q_values


def difference_interval(count: int, cases: int, other_count: int, others: int) -> tuple[float, float]:
    """95 % interval of the difference of two shares: Newcombe (1998), method 10, from Wilson's intervals of both.

    >>> tuple(round(edge, 4) for edge in difference_interval(56, 70, 48, 80))  # his table II, example (a)
    (0.0524, 0.3339)
    """
    share, other = count / cases, other_count / others
    low, high = _wilson(share, cases)
    other_low, other_high = _wilson(other, others)
    return (
        share - other - float(np.hypot(share - low, other_high - other)),
        share - other + float(np.hypot(high - share, other - other_low)),
    )


def _wilson(share: float, cases: int) -> tuple[float, float]:
    middle = share + _Z**2 / (2 * cases)
    reach = _Z * float(np.sqrt(share * (1 - share) / cases + _Z**2 / (4 * cases**2)))
    return (middle - reach) / (1 + _Z**2 / cases), (middle + reach) / (1 + _Z**2 / cases)


def _cause(tested: _Tested, q_value: float, mask: np.ndarray, has: np.ndarray) -> Cause:
    cases, count = (int(number) for number in _counts(mask, has))
    elsewhere = (int(np.count_nonzero(has)) - count) / (len(has) - cases)
    (inside, with_it), (all_inside, all_with) = tested.count.tolist(), tested.total.tolist()
    others, others_with = all_inside - inside, all_with - with_it
    low, high = difference_interval(with_it, inside, others_with, others)
    return Cause(
        outcome=tested.outcome,
        conditions=tested.conditions,
        case_count=cases,
        outcome_count=count,
        share=count / cases,
        share_elsewhere=elsewhere,
        excess_count=count - cases * elsewhere,
        confirmed_case_count=inside,
        confirmed_outcome_count=with_it,
        confirmed_difference=with_it / inside - others_with / others,
        confirmed_low=low,
        confirmed_high=high,
        p_value=tested.p_value,
        q_value=q_value,
        meets=mask,
    )
