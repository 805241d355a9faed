"""Rules that ask for more than the order of activities: who did it, how much it is about, how long it took.

Each gives per case how often it applies and which of its events break it, as `mining_tasks.rules.declare` does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mining_tasks.groups import distinct, stable_order, starts_run
from mining_tasks.rules.declare import Findings
from mining_tasks.rules.sequences import NONE, Sequences


@dataclass(frozen=True)
class CaseEvents:
    """The events of cases, in order. sequences: one per case. elapsed_us: per event, of which differences within a case
    are the time that passed. person: per event a key. is_known: per event whether the person is known.
    """

    sequences: Sequences
    elapsed_us: np.ndarray
    person: np.ndarray
    is_known: np.ndarray


def separate_persons(events: CaseEvents, duties: Sequence[Sequence[int]]) -> Findings:
    """Segregation of duties within a case: nobody does two of the duties (lists of activity keys). Four eyes is that of
    two, or of one activity twice (`duties` then holds the same list two times).

    Activation: an event of a duty after one of another duty in its case, both by known persons. Violated: by the same
    person; related is the last such event before it.
    """
    s = events.sequences
    is_twice = len(duties) == 2 and set(duties[0]) == set(duties[1])
    flags = [s.has(duty) & events.is_known for duty in (duties[:1] if is_twice else duties)]
    others = flags if is_twice else [np.any(flags[:i] + flags[i + 1 :], axis=0) for i in range(len(flags))]
    _, persons = distinct(events.person)
    of_person = s.owner * (int(persons.max(initial=0)) + 1) + persons
    order = stable_order(of_person)
    by_person = Sequences.of(np.cumsum(starts_run(of_person[order])) - 1, s.activity[order])
    active, related = np.zeros(len(order), dtype=bool), np.full(len(order), NONE)
    for own, other in zip(flags, others, strict=True):
        active |= own & (s.preceding(other) != NONE)
        before = np.full(len(order), NONE)
        found = by_person.preceding(other[order])
        before[order] = np.where(found == NONE, NONE, order[found])
        related = np.where(own, before, related)
    places = np.flatnonzero(active & (related != NONE))
    return Findings(
        s.counts(active),
        s.owner[places],
        places,
        related[places],
        np.zeros(len(places), dtype=bool),
        np.zeros(len(places), dtype=np.int64),
    )


def need_above_limit(s: Sequences, is_above: np.ndarray, needed: Sequence[int], before: Sequence[int] = ()) -> Findings:
    """Cases above a limit (`is_above`, per case) need one of the activities `needed`; where `before` is given, before the
    first event of it, and only cases that have one.

    Activation: the case. Violated: as a whole where nothing of the needed is there (curable), at the first event of
    `before` where that came too early.
    """
    has = s.has(needed)
    if before:
        first = s.nth(s.has(before), 1)
        first = first[is_above[s.owner[first]]]
        activations = np.bincount(s.owner[first], minlength=len(is_above))
        places = first[s.preceding(has)[first] == NONE]
        owner, is_curable = s.owner[places], np.zeros(len(places), dtype=bool)
    else:
        activations = is_above.astype(np.int64)
        owner = np.flatnonzero(is_above & (s.counts(has) == 0))
        places, is_curable = np.full(len(owner), NONE), np.ones(len(owner), dtype=bool)
    none = np.full(len(owner), NONE)
    return Findings(activations, owner, places, none, is_curable, np.zeros(len(owner), dtype=np.int64))


def keep_time(
    events: CaseEvents,
    source: Sequence[int],
    target: Sequence[int],
    *,
    at_most_us: int | None = None,
    at_least_us: int | None = None,
) -> Findings:
    """From each event of `source` to the next event of `target` in its case, at most or at least so long.

    Activation: each event of `source` (for `at_least` alone, each that is followed). Violated: the next target comes too
    late or too soon, or, with `at_most`, not at all (curable). Times are those at which events happened or ended.
    """
    s = events.sequences
    active, following = s.has(source), s.following(s.has(target))
    is_followed = following != NONE
    if at_most_us is None:
        active &= is_followed
    gap = np.where(is_followed, events.elapsed_us[following] - events.elapsed_us, 0)
    is_bad = np.zeros(len(active), dtype=bool)
    if at_most_us is not None:
        is_bad |= ~is_followed | (gap > at_most_us)
    if at_least_us is not None:
        is_bad |= is_followed & (gap < at_least_us)
    places = np.flatnonzero(active & is_bad)
    return Findings(
        s.counts(active),
        s.owner[places],
        places,
        following[places],
        ~is_followed[places],
        np.zeros(len(places), dtype=np.int64),
    )
