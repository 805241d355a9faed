"""Process trees for the tests of discovery: random ones, their logs, their languages as automata; the real logs."""

import itertools
import random
from collections import Counter
from collections.abc import Iterable, Iterator

import pandas as pd
from hypothesis import strategies as st

from mining_tasks.inductive_log import CodedLog, WeightedLog
from mining_tasks.process_tree import CHOICE, CONCURRENCY, LOOP, SEQUENCE, TAU, ProcessTree, activity, loop
from tests.mining_tasks.public_logs import ACTIVITY, CASE


def real_traces(frame: pd.DataFrame) -> tuple[CodedLog, dict[tuple[str, ...], int]]:
    """A log of `public_logs`, coded (keys are the codes), and its traces with their cases."""
    grouped = frame.groupby(CASE, sort=False)[ACTIVITY].agg(tuple)
    return coded(grouped.value_counts().to_dict())


def coded(traces: dict[tuple[str, ...], int]) -> tuple[CodedLog, dict[tuple[str, ...], int]]:
    """Traces of names as a coded log."""
    names = sorted({name for trace in traces for name in trace})
    code = {name: number for number, name in enumerate(names)}
    log = WeightedLog.of({tuple(code[name] for name in trace): count for trace, count in traces.items()}, len(names))
    return CodedLog(log, tuple(range(len(names))), tuple(names)), traces


def random_tree(chance: random.Random, leaves: int, *, silent: float = 0.0) -> ProcessTree:
    """A tree with `leaves` different activities; silent: the share of inner nodes that can be skipped."""
    names = [f"a{number:02}" for number in range(leaves)]
    return _tree(chance, names, None, silent)


def _tree(chance: random.Random, names: list[str], above: str | None, silent: float) -> ProcessTree:
    if len(names) == 1:
        node = activity(names[0])
    else:
        operator = chance.choice([kind for kind in (SEQUENCE, CHOICE, CONCURRENCY, LOOP) if kind != above])
        count = 2 if operator == LOOP else chance.randint(2, min(4, len(names)))
        cuts = sorted(chance.sample(range(1, len(names)), count - 1))
        parts = [names[start:end] for start, end in itertools.pairwise([0, *cuts, len(names)])]
        node = ProcessTree(operator, tuple(_tree(chance, part, operator, silent) for part in parts))
    if above != CHOICE and chance.random() < silent:
        node = ProcessTree(CHOICE, (node, TAU))
    return node


def any_tree(*, names: str = "abcd", most: int = 7) -> st.SearchStrategy[ProcessTree]:
    """Any tree at all, reduced or not, activities in it more than once."""
    leaves = st.one_of(st.just(TAU), st.sampled_from(names).map(activity))

    def nodes(children: st.SearchStrategy[ProcessTree]) -> st.SearchStrategy[ProcessTree]:
        several = st.lists(children, min_size=1, max_size=3).map(tuple)
        kinds = st.sampled_from([SEQUENCE, CHOICE, CONCURRENCY])
        return st.one_of(st.builds(ProcessTree, kinds, several), st.builds(loop, children, children))

    return st.recursive(leaves, nodes, max_leaves=most)


def play(tree: ProcessTree, chance: random.Random) -> tuple[str, ...]:
    """One trace of a tree, by its definition."""
    if tree.operator is None:
        return () if tree.label is None else (tree.label,)
    if tree.operator == SEQUENCE:
        return tuple(itertools.chain.from_iterable(play(child, chance) for child in tree.children))
    if tree.operator == CHOICE:
        return play(chance.choice(tree.children), chance)
    if tree.operator == LOOP:
        trace = play(tree.children[0], chance)
        while chance.random() < 0.4:
            trace += play(tree.children[1], chance) + play(tree.children[0], chance)
        return trace
    rests = [list(play(child, chance)) for child in tree.children]
    order = [number for number, rest in enumerate(rests) for _ in rest]
    chance.shuffle(order)
    return tuple(rests[number].pop(0) for number in order)


def log_of_tree(tree: ProcessTree, chance: random.Random, cases: int) -> dict[tuple[str, ...], int]:
    return dict(Counter(play(tree, chance) for _ in range(cases)))


# --- languages: a tree's states after a prefix, by derivatives (Brzozowski 1964; shuffle and loop added) ---

NOTHING = ProcessTree(CHOICE)  # no trace at all


def accepts_empty(tree: ProcessTree) -> bool:
    if tree.operator is None:
        return tree.label is None
    if tree.operator == CHOICE:
        return any(accepts_empty(child) for child in tree.children)
    if tree.operator == LOOP:
        return accepts_empty(tree.children[0])
    return all(accepts_empty(child) for child in tree.children)


def _choice(parts: Iterable[ProcessTree]) -> ProcessTree:
    flat: dict[str, ProcessTree] = {}
    for part in parts:
        for one in part.children if part.operator == CHOICE else (part,):
            flat[one.text] = one
    found = [flat[text] for text in sorted(flat)]
    return found[0] if len(found) == 1 else ProcessTree(CHOICE, tuple(found))


def _both(operator: str, parts: Iterable[ProcessTree]) -> ProcessTree:
    parts = [part for part in parts if part != TAU]
    if NOTHING in parts:
        return NOTHING
    if operator == CONCURRENCY:
        parts.sort(key=lambda part: part.text)
    if len(parts) < 2:
        return parts[0] if parts else TAU
    return ProcessTree(operator, tuple(parts))


def after(tree: ProcessTree, step: str) -> ProcessTree:
    """What may follow once `step` was done."""
    if tree.operator is None:
        return TAU if tree.label == step else NOTHING
    if tree.operator == CHOICE:
        return _choice(after(child, step) for child in tree.children)
    if tree.operator == CONCURRENCY:
        found = []
        for number, child in enumerate(tree.children):
            rest = tree.children[:number] + tree.children[number + 1 :]
            found.append(_both(CONCURRENCY, (after(child, step), *rest)))
        return _choice(found)
    if tree.operator == SEQUENCE:
        first, rest = tree.children[0], _both(SEQUENCE, tree.children[1:])
        found = [_both(SEQUENCE, (after(first, step), rest))]
        if accepts_empty(first):
            found.append(after(rest, step))
        return _choice(found)
    body, redo = tree.children  # body (redo body)*
    again = _choice([TAU, _both(SEQUENCE, (redo, tree))])
    found = [_both(SEQUENCE, (after(body, step), again))]
    if accepts_empty(body):
        found.append(_both(SEQUENCE, (after(redo, step), tree)))
    return _choice(found)


def activities(tree: ProcessTree) -> Iterator[str]:
    if tree.label is not None:
        yield tree.label
    for child in tree.children:
        yield from activities(child)


def same_language(one: ProcessTree, other: ProcessTree, *, limit: int = 20_000) -> bool:
    """Whether two trees allow the same traces: pairs of states reached by the same prefix accept alike.

    Two states once found to be compared need not be again (Hopcroft and Karp 1971). AssertionError past `limit` pairs.
    """
    names = sorted({*activities(one), *activities(other)})
    seen = {(one.text, other.text)}
    waiting = [(one, other)]
    while waiting:
        left, right = waiting.pop()
        if accepts_empty(left) != accepts_empty(right) or (left == NOTHING) != (right == NOTHING):
            return False
        for name in names:
            pair = after(left, name), after(right, name)
            if (key := (pair[0].text, pair[1].text)) not in seen and pair[0].text != pair[1].text:
                assert len(seen) < limit, "more states than can be compared"
                seen.add(key)
                waiting.append(pair)
    return True


def allows(tree: ProcessTree, trace: Iterable[str]) -> bool:
    for step in trace:
        tree = after(tree, step)
    return accepts_empty(tree)
