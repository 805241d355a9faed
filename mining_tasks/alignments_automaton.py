"""The language of a reference model as the smallest deterministic automaton: what alignments are computed on.

An alignment's cost depends on the words of the model alone, not on how a net spells them; so silent steps, concurrency
and duplicate labels are worked out once, for all variants.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mining_tasks import alignments_bpmn
from mining_tasks.alignments_model import Reference
from mining_tasks.process_tree import CHOICE, CONCURRENCY, LOOP, SEQUENCE, ProcessTree, parse

LARGEST = 5_000
_MOST_TOKENS = 1000


class TooLarge(Exception):
    """The automaton would have more states than allowed."""


@dataclass(frozen=True)
class Automaton:
    """labels: sorted; a step is a number in it. targets: [state, label] -> state, -1 where there is no such step. is_final:
    per state. State 0 is the beginning; every state is reachable, from every state a final one. Equal languages have
    equal automata. An automaton without states accepts nothing.
    """

    labels: tuple[str, ...]
    targets: np.ndarray
    is_final: np.ndarray

    @property
    def state_count(self) -> int:
        """Number of states."""
        return len(self.is_final)


def automaton_of_sequence(activities: Sequence[str]) -> Automaton:
    """The automaton of one sequence of activities, and of nothing else."""
    steps = [{name: number + 1} for number, name in enumerate(activities)]
    return _minimal([*steps, {}], {len(activities)})


def automaton_of(reference: Reference) -> Automaton:
    """The automaton of a reference model that has a text; raises TooLarge."""
    if not reference.bpmn:
        return automaton_of_tree(parse(reference.text))
    flow = alignments_bpmn.read_bpmn(reference.text, reference.bpmn.encode())
    return automaton_of_net(*alignments_bpmn.net_of(flow), initial={alignments_bpmn.SOURCE: 1}, final={})


def automaton_of_tree(tree: ProcessTree, *, largest: int = LARGEST) -> Automaton:
    """The automaton of a process tree, made of those of its children, smallest ones from the bottom up.

    Raises TooLarge beyond `largest` states on the way.
    """
    if tree.operator is None:
        return automaton_of_sequence([] if tree.label is None else [tree.label])
    children = [automaton_of_tree(child, largest=largest) for child in tree.children]
    if tree.operator == LOOP:
        return _loop(*children, largest=largest)
    combine = {SEQUENCE: _sequence, CHOICE: _choice, CONCURRENCY: _concurrency}[tree.operator]
    whole = children[0]
    for child in children[1:]:
        whole = combine(whole, child, largest=largest)
    return whole


def automaton_of_net(
    transitions: Sequence[str | None],
    arcs_in: Iterable[tuple[int, int]],
    arcs_out: Iterable[tuple[int, int]],
    *,
    initial: Mapping[int, int],
    final: Mapping[int, int],
    largest: int = LARGEST,
) -> Automaton:
    """The automaton of a Petri net from marking `initial` to marking `final` (place -> tokens).

    transitions: their labels, None for a silent one; arcs_in: (place, transition); arcs_out: (transition, place).
    Raises TooLarge beyond `largest` markings or states, as for a net that has no bound.
    """
    needs: list[list[int]] = [[] for _ in transitions]
    gives: list[list[int]] = [[] for _ in transitions]
    for place, transition in arcs_in:
        needs[transition].append(place)
    for transition, place in arcs_out:
        gives[transition].append(place)
    start = [place for place, count in initial.items() for _ in range(count)]
    gone = _without_forced_steps(transitions, needs, gives, start, set(final))
    takers: dict[int, list[int]] = {}
    for transition, places in enumerate(needs):
        for place in set(places):
            takers.setdefault(place, []).append(transition)
    unasked = [transition for transition, places in enumerate(needs) if not places and transition not in gone]

    def successors(marking: tuple[int, ...]) -> Iterator[tuple[str | None, tuple[int, ...]]]:
        for transition in sorted({t for place in set(marking) for t in takers.get(place, ())} | set(unasked)):
            left = list(marking)
            try:
                for place in needs[transition]:
                    left.remove(place)
            except ValueError:
                continue
            if len(left) + len(gives[transition]) > _MOST_TOKENS:
                raise TooLarge
            yield transitions[transition], tuple(sorted(left + gives[transition]))

    end = tuple(sorted(place for place, count in final.items() for _ in range(count)))
    return _determined([tuple(sorted(start))], successors, lambda reached: reached == end, largest)


def _without_forced_steps(
    transitions: Sequence[str | None], needs: list[list[int]], gives: list[list[int]], start: list[int], final: set[int]
) -> set[int]:
    """Take silent transitions out that a token can only go through: it is given at once where they would give it. Changes
    the lists in place, and no word of the net; returns the transitions that are gone.
    """
    gone: set[int] = set()
    for transition, label in enumerate(transitions):
        if label is not None or len(needs[transition]) != 1:
            continue
        (place,) = needs[transition]
        takers = sum(places.count(place) for places in needs)
        if takers != 1 or place in gives[transition] or place in final:
            continue
        for places in (*gives, start):
            while place in places:
                places.remove(place)
                places.extend(gives[transition])
        needs[transition], gives[transition] = [], []
        gone.add(transition)
    return gone


# of two automata: states are (which of them, state), or pairs of states ------------------------------------------------


def _row(automaton: Automaton, state: int) -> Iterator[tuple[str, int]]:
    for label, target in zip(automaton.labels, automaton.targets[state].tolist(), strict=True):
        if target >= 0:
            yield label, target


def _sequence(one: Automaton, other: Automaton, *, largest: int) -> Automaton:
    def successors(place):
        which, state = place
        yield from ((label, (which, target)) for label, target in _row((one, other)[which], state))
        if which == 0 and one.is_final[state]:
            yield None, (1, 0)

    return _determined([(0, 0)], successors, lambda place: place[0] == 1 and other.is_final[place[1]], largest)


def _choice(one: Automaton, other: Automaton, *, largest: int) -> Automaton:
    both = (one, other)

    def successors(place):
        which, state = place
        yield from ((label, (which, target)) for label, target in _row(both[which], state))

    return _determined([(0, 0), (1, 0)], successors, lambda place: both[place[0]].is_final[place[1]], largest)


def _concurrency(one: Automaton, other: Automaton, *, largest: int) -> Automaton:
    def successors(place):
        left, right = place
        yield from ((label, (target, right)) for label, target in _row(one, left))
        yield from ((label, (left, target)) for label, target in _row(other, right))

    return _determined([(0, 0)], successors, lambda place: one.is_final[place[0]] and other.is_final[place[1]], largest)


def _loop(body: Automaton, redo: Automaton, *, largest: int) -> Automaton:
    both = (body, redo)

    def successors(place):
        which, state = place
        yield from ((label, (which, target)) for label, target in _row(both[which], state))
        if both[which].is_final[state]:
            yield None, (1 - which, 0)

    return _determined([(0, 0)], successors, lambda place: place[0] == 0 and body.is_final[place[1]], largest)


def _determined(
    start: list[Hashable],
    successors: Callable[[Hashable], Iterable[tuple[str | None, Hashable]]],
    is_final: Callable[[Hashable], bool],
    largest: int,
) -> Automaton:
    """Subset construction: a state is what the same activities may lead to, silent steps (label None) included."""
    closures: dict[Hashable, frozenset] = {}
    visible: dict[Hashable, list[tuple[str, Hashable]]] = {}

    def closure(place: Hashable) -> frozenset:
        if place not in closures:
            seen, queue = {place}, [place]
            for current in queue:
                if current not in visible:
                    if len(visible) >= largest:
                        raise TooLarge
                    steps = list(successors(current))
                    visible[current] = [(label, reached) for label, reached in steps if label is not None]
                    silent[current] = [reached for label, reached in steps if label is None]
                for reached in silent[current]:
                    if reached not in seen:
                        seen.add(reached)
                        queue.append(reached)
            closures[place] = frozenset(place for place in seen if visible[place] or is_final(place))
        return closures[place]

    silent: dict[Hashable, list[Hashable]] = {}
    first = frozenset().union(*map(closure, start))
    known, rows, queue = {first: 0}, [], [first]
    for state in queue:
        reached: dict[str, set] = {}
        for place in state:
            for label, target in visible[place]:
                reached.setdefault(label, set()).add(target)
        row = {}
        for label in sorted(reached):
            target = frozenset().union(*map(closure, reached[label]))
            if target not in known:
                if len(known) >= largest:
                    raise TooLarge
                known[target] = len(known)
                queue.append(target)
            row[label] = known[target]
        rows.append(row)
    return _minimal(rows, {number for state, number in known.items() if any(map(is_final, state))})


def _minimal(steps: list[dict[str, int]], final: set[int]) -> Automaton:
    """The smallest automaton of the same language (partition refinement, Moore 1956), its states in breadth-first order."""
    labels = tuple(sorted({label for row in steps for label in row}))
    number = {label: i for i, label in enumerate(labels)}
    size = len(steps)
    targets = np.full((size + 1, max(len(labels), 1)), size, dtype=np.int64)  # the last state is the dead end
    for state, row in enumerate(steps):
        for label, target in row.items():
            targets[state, number[label]] = target
    block = np.isin(np.arange(size + 1), list(final)).astype(np.int64)
    count = 0
    while True:
        _, block = np.unique(np.column_stack([block, block[targets]]), axis=0, return_inverse=True)
        block = block.reshape(-1)
        if block.max() == count:
            break
        count = int(block.max())
    dead = block[size]
    if block[0] == dead:
        return Automaton(labels, np.empty((0, len(labels)), dtype=np.int64), np.empty(0, dtype=bool))
    _, first = np.unique(block, return_index=True)
    order, place = [block[0]], {block[0]: 0}
    for current in order:
        for target in block[targets[first[current]]].tolist():
            if target != dead and target not in place:
                place[target] = len(order)
                order.append(target)
    renamed = np.full(count + 1, -1)
    renamed[list(place)] = list(place.values())
    chosen = first[np.array(order)]
    kept = renamed[block[targets[chosen]]][:, : len(labels)]
    is_used = (kept >= 0).any(axis=0)
    return Automaton(
        tuple(label for label, used in zip(labels, is_used, strict=True) if used),
        kept[:, is_used],
        np.isin(chosen, list(final)),
    )
