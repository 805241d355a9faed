"""How many variants, and how many cases per variant, at least and at most, over all legal orders of tied events.

A case is a sequence of multisets of activities. What two such sequences have in common is empty or again one such
sequence, which makes the question of the fewest variants a small one almost always.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from math import factorial, prod

import numpy as np

from mining_tasks.groups import starts_run
from mining_tasks.order_blocks import Blocks

Signature = tuple[tuple[int, ...], ...]  # per block its activities, sorted
MAX_SEQUENCES = 20_000  # legal sequences that are written out, per set of cases with the same activities
MAX_PAIRS = 200_000  # comparisons of a variant with a signature
MAX_SEARCH = 12  # signatures without a variant of their own among which the fewest are searched exactly


@dataclass(frozen=True)
class VariantBounds:
    """lowest_count, highest_count: the number of variants; is_exact says of both whether some legal order has them.
    cases: sequence of activity keys -> (fewest cases, most cases), for each sequence given that ties can move.
    are_cases_exact: whether those are.
    """

    lowest_count: int
    highest_count: int
    is_lowest_exact: bool
    is_highest_exact: bool
    cases: Mapping[tuple[int, ...], tuple[int, int]]
    are_cases_exact: bool


def bound_variants(log: Blocks, variants: Mapping[tuple[int, ...], int]) -> VariantBounds:
    """Bounds of a log's variants. variants: each sequence of activity keys of the log as it is ordered -> its cases."""
    tied = _signatures(log)
    strict = dict(variants)
    for own, count in tied.published.items():
        strict[own] -= count
    strict = {sequence: count for sequence, count in strict.items() if count}
    groups: dict[tuple[int, ...], tuple[list[tuple[int, ...]], dict[Signature, int]]] = defaultdict(lambda: ([], {}))
    for signature, count in tied.counts.items():
        groups[_content(signature)][1][signature] = count
    untouched = 0
    for sequence in strict:
        content = tuple(sorted(sequence))
        if content in groups:
            groups[content][0].append(sequence)
        else:
            untouched += 1
    lows, highs = [], []
    for decided, signatures in groups.values():
        lows.append(_fewest(decided, list(signatures)))
        highs.append(_most(decided, signatures))
    cases, are_exact = _cases(variants, strict, groups)
    return VariantBounds(
        lowest_count=untouched + sum(count for count, _ in lows),
        highest_count=untouched + sum(count for count, _ in highs),
        is_lowest_exact=all(is_exact for _, is_exact in lows),
        is_highest_exact=all(is_exact for _, is_exact in highs),
        cases=cases,
        are_cases_exact=are_exact,
    )


@dataclass(frozen=True)
class _Tied:
    counts: Counter[Signature]  # cases per signature
    published: Counter[tuple[int, ...]]  # the same cases per sequence as the log is ordered


def _signatures(log: Blocks) -> _Tied:
    cases, weights = log.one_of_each
    tied, counts, published = set(cases.tied_cases.tolist()), Counter(), Counter()
    begins = np.flatnonzero(starts_run(cases.case))
    ends = np.append(begins[1:], len(cases.case))[: len(begins)]
    keys, is_new = cases.activity_keys[cases.activity].tolist(), cases.is_new.tolist()
    for start, end, (case, count) in zip(begins.tolist(), ends.tolist(), weights.iter_rows(), strict=True):
        if case in tied:
            counts[_signature(keys[start:end], is_new[start:end])] += count
            published[tuple(keys[start:end])] += count
    return _Tied(counts, published)


def _signature(sequence: Sequence[int], is_new: Sequence[bool]) -> Signature:
    blocks: list[list[int]] = []
    for key, begins in zip(sequence, is_new, strict=True):
        if begins:
            blocks.append([])
        blocks[-1].append(key)
    return tuple(tuple(sorted(block)) for block in blocks)


def _content(signature: Signature) -> tuple[int, ...]:
    return tuple(sorted(key for block in signature for key in block))


@lru_cache(maxsize=100_000)
def linearisation_count(signature: Signature) -> int:
    """In how many different sequences of activities the blocks can be written out."""
    return prod(
        factorial(len(block)) // prod(factorial(times) for times in Counter(block).values())
        for block in signature
        if len(block) > 1
    )


def admits(signature: Signature, sequence: Sequence[int]) -> bool:
    """Whether `sequence` is one of the signature's legal ones."""
    if len(sequence) != sum(map(len, signature)):
        return False
    start = 0
    for block in signature:
        if len(block) == 1:
            if sequence[start] != block[0]:
                return False
        elif tuple(sorted(sequence[start : start + len(block)])) != block:
            return False
        start += len(block)
    return True


def intersection(left: Signature, right: Signature) -> Signature | None:
    """The sequences that both admit, as one signature; None where there is none.

    Cut at every place where either has a boundary, each piece is decided from the left: the block that ends first puts
    all that it has left there.
    """
    pieces: list[tuple[int, ...]] = []
    lefts, rights = iter(left), iter(right)
    in_left, in_right = Counter(next(lefts, ())), Counter(next(rights, ()))
    while in_left and in_right:
        left_size, right_size = in_left.total(), in_right.total()
        piece = in_left if left_size <= right_size else in_right
        larger = in_right if piece is in_left else in_left
        if any(larger[key] < times for key, times in piece.items()):
            return None
        pieces.append(tuple(sorted(piece.elements())))
        rest = Counter({key: times - piece[key] for key, times in larger.items() if times > piece[key]})
        in_left = rest if left_size > right_size else Counter(next(lefts, ()))
        in_right = rest if right_size > left_size else Counter(next(rights, ()))
    return None if in_left or in_right else tuple(pieces)


def _fewest(decided: list[tuple[int, ...]], signatures: list[Signature]) -> tuple[int, bool]:
    """The least number of sequences that contain every decided one and one of each signature."""
    is_exact = len(decided) * len(signatures) <= MAX_PAIRS
    if is_exact:
        signatures = [one for one in signatures if not any(admits(one, sequence) for sequence in decided)]
    elif decided:
        return len(decided), False
    if not signatures:
        return len(decided), True
    groups: list[Signature] = []  # greedily: signatures that share a sequence
    for signature in sorted(signatures, key=linearisation_count):
        for index, shared in enumerate(groups):
            common = intersection(shared, signature)
            if common is not None:
                groups[index] = common
                break
        else:
            groups.append(signature)
    if len(groups) == 1:
        return len(decided) + 1, is_exact
    apart: list[Signature] = []  # greedily: signatures no two of which share one
    for signature in sorted(signatures, key=linearisation_count):
        if all(intersection(other, signature) is None for other in apart):
            apart.append(signature)
    if len(apart) == len(groups):
        return len(decided) + len(groups), is_exact
    if len(signatures) <= MAX_SEARCH:
        return len(decided) + _search(signatures, len(groups)), is_exact
    return len(decided) + len(apart), False


def _search(signatures: list[Signature], best: int) -> int:
    """The least number of groups that share a sequence each, by branch and bound."""

    def place(index: int, groups: list[Signature]) -> None:
        nonlocal best
        if len(groups) >= best:
            return
        if index == len(signatures):
            best = len(groups)
            return
        for at, shared in enumerate(groups):
            common = intersection(shared, signatures[index])
            if common is not None:
                place(index + 1, [*groups[:at], common, *groups[at + 1 :]])
        place(index + 1, [*groups, signatures[index]])

    place(0, [])
    return best


def _most(decided: list[tuple[int, ...]], signatures: Mapping[Signature, int]) -> tuple[int, bool]:
    """The greatest number of different sequences: a matching of cases with sequences (Kuhn's algorithm)."""
    if not decided and len(signatures) == 1:
        ((signature, count),) = signatures.items()
        return min(count, linearisation_count(signature)), True
    total = len(decided) + sum(signatures.values())
    sizes = {signature: linearisation_count(signature) for signature in signatures}
    # one with as many sequences as there are cases always finds unused ones: it needs no search
    certain = sum(count for signature, count in signatures.items() if sizes[signature] >= total)
    searched = {signature: count for signature, count in signatures.items() if sizes[signature] < total}
    if sum(sizes[signature] for signature in searched) > MAX_SEQUENCES:
        bounded = sum(min(count, sizes[signature]) for signature, count in searched.items())
        return len(decided) + certain + bounded, False
    used: dict[tuple[int, ...], tuple[int, ...] | Signature] = {sequence: sequence for sequence in decided}
    choices = {signature: list(write_out(signature)) for signature in searched}

    def find(signature: Signature, seen: set[tuple[int, ...]]) -> bool:
        trail: list[tuple[Signature, Iterator[tuple[int, ...]], tuple[int, ...] | None]] = [
            (signature, iter(choices[signature]), None)
        ]
        while trail:  # depth first, without recursion: chains can be long
            current, options, _ = trail[-1]
            for sequence in options:
                if sequence in seen:
                    continue
                seen.add(sequence)
                holder = used.get(sequence)
                if holder is None:
                    for owner, _, came_by in reversed(trail):
                        used[sequence], sequence = owner, came_by
                    return True
                if holder in choices and holder != current:
                    trail.append((holder, iter(choices[holder]), sequence))
                    break
            else:
                trail.pop()
        return False

    for signature, count in searched.items():
        for _ in range(min(count, sizes[signature])):
            if not find(signature, set()):
                break
    return len(used) + certain, True


def write_out(signature: Signature) -> Iterator[tuple[int, ...]]:
    """Every sequence that the signature admits, each once."""
    for parts in product(*(list(_permutations(Counter(block))) for block in signature)):
        yield tuple(key for part in parts for key in part)


def _permutations(content: Counter[int]) -> Iterator[tuple[int, ...]]:
    if not content.total():
        yield ()
        return
    for key in sorted(key for key, times in content.items() if times):
        for rest in _permutations(content - Counter({key: 1})):
            yield (key, *rest)


def _cases(
    variants: Mapping[tuple[int, ...], int],
    strict: Mapping[tuple[int, ...], int],
    groups: Mapping[tuple[int, ...], tuple[list[tuple[int, ...]], dict[Signature, int]]],
) -> tuple[dict[tuple[int, ...], tuple[int, int]], bool]:
    """Per published sequence: the cases that have it whatever the order, and those that can have it."""
    bounds, pairs = {}, 0
    for sequence in variants:
        _, signatures = groups.get(tuple(sorted(sequence)), ([], {}))
        pairs += len(signatures)
        if pairs > MAX_PAIRS:
            can = sum(signatures.values())
        else:
            can = sum(count for signature, count in signatures.items() if admits(signature, sequence))
        if can:
            least = strict.get(sequence, 0)
            bounds[sequence] = (least, least + can)
    return bounds, pairs <= MAX_PAIRS
