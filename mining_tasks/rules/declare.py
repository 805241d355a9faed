"""Declare templates over sequences of activities: which activations there are, which are violated, which still pend.

Templates as in Pesic and van der Aalst (2006) and Di Ciccio and Mecella (2015), over finite traces; activation and
violation as in Burattini, Maggi, van der Aalst and Sperduti (2012).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mining_tasks.rules.sequences import NONE, Sequences


@dataclass(frozen=True)
class Findings:
    """activations: per sequence how often the rule applies. owner, place, related: of each violated activation the
    sequence, the place of its step (NONE: the sequence as a whole) and of the step that it clashes with (NONE: it is
    something missing). is_curable: whether what may still come would mend it, if the sequence is not over yet.
    side: which of the rule's sides was violated, where it has two (0, 1).
    """

    activations: np.ndarray
    owner: np.ndarray
    place: np.ndarray
    related: np.ndarray
    is_curable: np.ndarray
    side: np.ndarray


def find(template: str, sequences: Sequences, sides: Sequence[Sequence[int]], *, count: int = 1) -> Findings:
    """The violations of a Declare template. sides: the activity keys of each side; count: the n of counted templates."""
    flags = [sequences.has(side) for side in sides]
    if template in _COUNTED:
        return _COUNTED[template](sequences, flags[0], count)
    if template in _ENDS:
        return _end(sequences, flags[0], is_last=template == "last")
    return _BINARY[template](sequences, *flags)


# counted templates: the sequence as a whole is the activation ------------------------------------------------------


def _existence(s: Sequences, a: np.ndarray, count: int) -> Findings:
    return _lacking(s, s.counts(a) < count)


def _absence(s: Sequences, a: np.ndarray, count: int) -> Findings:
    return _at(s, s.nth(a, count), activations=np.ones_like(s.counts(a)))


def _exactly(s: Sequences, a: np.ndarray, count: int) -> Findings:
    return _both(_lacking(s, s.counts(a) < count), _absence(s, a, count + 1), is_once=True)


def _end(s: Sequences, a: np.ndarray, *, is_last: bool) -> Findings:
    at_end = s.places == (s.last if is_last else s.first)
    return _at(s, np.flatnonzero(at_end & ~a), activations=s.counts(at_end), is_curable=is_last)


def _lacking(s: Sequences, is_lacking: np.ndarray) -> Findings:
    owner = np.flatnonzero(is_lacking)
    none = np.full(len(owner), NONE)
    return Findings(
        np.ones(len(is_lacking), dtype=np.int64),
        owner,
        none,
        none,
        np.ones(len(owner), dtype=bool),
        np.zeros_like(owner),
    )


def _at(s: Sequences, places: np.ndarray, *, activations: np.ndarray, is_curable: bool = False) -> Findings:
    none = np.full(len(places), NONE)
    curable = np.full(len(places), is_curable)
    return Findings(activations, s.owner[places], places, none, curable, np.zeros(len(places), dtype=np.int64))


# templates of two sides: each event of the activating side is an activation ------------------------------------------


def _of(
    s: Sequences, active: np.ndarray, is_bad: np.ndarray, *, related: np.ndarray | None = None, is_curable=False
) -> Findings:
    places = np.flatnonzero(active & is_bad)
    clash = np.full(len(places), NONE) if related is None else related[places]
    curable = np.full(len(places), is_curable) if isinstance(is_curable, bool) else is_curable[places]
    return Findings(s.counts(active), s.owner[places], places, clash, curable, np.zeros(len(places), dtype=np.int64))


def _both(one: Findings, other: Findings, *, is_once: bool = False) -> Findings:
    """The findings of two halves; is_once: the activations of both are the same."""
    join = lambda name: np.concatenate([getattr(one, name), getattr(other, name)])  # noqa: E731
    return Findings(
        one.activations if is_once else one.activations + other.activations,
        join("owner"),
        join("place"),
        join("related"),
        join("is_curable"),
        np.concatenate([one.side, np.ones_like(other.side)]),
    )


def _responded_existence(s: Sequences, a: np.ndarray, b: np.ndarray) -> Findings:
    return _of(s, a, (s.counts(b) == 0)[s.owner], is_curable=True)


def _co_existence(s: Sequences, a: np.ndarray, b: np.ndarray) -> Findings:
    return _both(_responded_existence(s, a, b), _responded_existence(s, b, a))


def _response(s: Sequences, a: np.ndarray, b: np.ndarray) -> Findings:
    return _of(s, a, s.following(b) == NONE, is_curable=True)


def _alternate_response(s: Sequences, a: np.ndarray, b: np.ndarray) -> Findings:
    next_a, next_b = s.following(a), s.following(b)
    is_again = (next_a != NONE) & ((next_b == NONE) | (next_a < next_b))
    return _of(s, a, is_again | (next_b == NONE), related=np.where(is_again, next_a, NONE), is_curable=~is_again)


def _chain_response(s: Sequences, a: np.ndarray, b: np.ndarray) -> Findings:
    is_at_end = s.places == s.last
    after = np.where(is_at_end, s.places, s.places + 1)
    is_bad = is_at_end | ~b[after]
    return _of(s, a, is_bad, related=np.where(is_at_end, NONE, after), is_curable=is_at_end)


def _precedence(s: Sequences, a: np.ndarray, b: np.ndarray) -> Findings:
    return _of(s, b, s.preceding(a) == NONE)


def _alternate_precedence(s: Sequences, a: np.ndarray, b: np.ndarray) -> Findings:
    before_a, before_b = s.preceding(a), s.preceding(b)
    is_again = (before_b != NONE) & (before_b > before_a)
    return _of(s, b, is_again | (before_a == NONE), related=np.where(is_again, before_b, NONE))


def _chain_precedence(s: Sequences, a: np.ndarray, b: np.ndarray) -> Findings:
    is_first = s.places == s.first
    before = np.where(is_first, s.places, s.places - 1)
    return _of(s, b, is_first | ~a[before], related=np.where(is_first, NONE, before))


def _succession(s: Sequences, a: np.ndarray, b: np.ndarray) -> Findings:
    return _both(_response(s, a, b), _precedence(s, a, b))


def _alternate_succession(s: Sequences, a: np.ndarray, b: np.ndarray) -> Findings:
    return _both(_alternate_response(s, a, b), _alternate_precedence(s, a, b))


def _chain_succession(s: Sequences, a: np.ndarray, b: np.ndarray) -> Findings:
    return _both(_chain_response(s, a, b), _chain_precedence(s, a, b))


def _not_co_existence(s: Sequences, a: np.ndarray, b: np.ndarray) -> Findings:
    size = len(s.counts(a))

    def first_of(flags: np.ndarray) -> np.ndarray:
        found, places = np.full(size, NONE), s.nth(flags, 1)
        found[s.owner[places]] = places
        return found[s.owner]

    first_a, first_b = first_of(a), first_of(b)
    return _both(_of(s, a, first_b != NONE, related=first_b), _of(s, b, first_a != NONE, related=first_a))


def _not_succession(s: Sequences, a: np.ndarray, b: np.ndarray) -> Findings:
    next_b = s.following(b)
    return _of(s, a, next_b != NONE, related=next_b)


def _not_chain_succession(s: Sequences, a: np.ndarray, b: np.ndarray) -> Findings:
    is_at_end = s.places == s.last
    after = np.where(is_at_end, s.places, s.places + 1)
    return _of(s, a, ~is_at_end & b[after], related=after)


_COUNTED: Mapping[str, Callable[[Sequences, np.ndarray, int], Findings]] = {
    "existence": _existence,
    "absence": _absence,
    "exactly": _exactly,
}
_ENDS = ("init", "last")
_BINARY: Mapping[str, Callable[[Sequences, np.ndarray, np.ndarray], Findings]] = {
    "responded_existence": _responded_existence,
    "co_existence": _co_existence,
    "response": _response,
    "alternate_response": _alternate_response,
    "chain_response": _chain_response,
    "precedence": _precedence,
    "alternate_precedence": _alternate_precedence,
    "chain_precedence": _chain_precedence,
    "succession": _succession,
    "alternate_succession": _alternate_succession,
    "chain_succession": _chain_succession,
    "not_co_existence": _not_co_existence,
    "not_succession": _not_succession,
    "not_chain_succession": _not_chain_succession,
}
