"""Alignments: the fewest deviations between a case and a model, for all variants at once.

Definition: Adriansyah, Aligning Observed and Modeled Behavior (2014); van der Aalst, Adriansyah and van Dongen (2012),
with the standard costs: 1 for an event that the model has no place for (log move), 1 for an activity of the model that is
missing (model move), 0 for what agrees and for silent steps. Of several optimal alignments always the same one is taken.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mining_tasks.alignments_automaton import Automaton
from mining_tasks.alignments_precision import measure_precision

CELLS = 40_000_000  # of the tables that are kept at a time
LOG, MODEL = "log", "model"


@dataclass(frozen=True)
class Alignments:
    """cost: per sequence. Deviations, in order of `owner` and within it of the alignment: owner: the sequence; is_log: an
    event too much, else an activity that is missing; label: the activity; position: of the event too much, or of the event
    before the missing one (0: at the beginning). shortest: cost of the empty sequence. precision: see
    `mining_tasks.alignments_precision`.
    """

    cost: np.ndarray
    owner: np.ndarray
    is_log: np.ndarray
    label: list[str]
    position: np.ndarray
    shortest: int
    precision: float | None


def align(
    model: Automaton, sequences: Sequence[Sequence[str]], *, counts: Sequence[int] | None = None, cells: int = CELLS
) -> Alignments:
    """Align sequences of activities, each given once, with a model that has at least one word.

    counts: the cases of each sequence, for the precision; None: one each.

    A dynamic programme over (prefix of a sequence, state of the model): the cost of the best way to have read the one and
    be in the other. Prefixes that sequences share are computed once. cells: how many of its numbers to keep at a time.
    """
    if not model.state_count:
        raise ValueError("model: expected one that allows something")
    number = {label: i for i, label in enumerate(model.labels)}
    coded = [np.array([number.get(name, -1) for name in names], dtype=np.int64) for names in sequences]
    foreign: dict[str, int] = {}
    for names, codes in zip(sequences, coded, strict=True):
        for place in np.flatnonzero(codes < 0):  # activities that the model does not know are told apart in the trie
            codes[place] = -2 - foreign.setdefault(names[place], len(foreign))
    order = sorted(range(len(coded)), key=lambda i: coded[i].tolist())
    edges = _Edges(model)
    cost = np.zeros(len(coded), dtype=np.int64)
    parts, states = [], []
    for chunk in _chunks(order, coded, cells // max(model.state_count, 1)):
        table = _Table(edges, [coded[i] for i in chunk])
        ends = table.best_ends()
        states += table.states()
        cost[chunk] = ends.cost
        owner, is_log, label, position = table.deviations(ends)
        parts.append((np.array(chunk)[owner], is_log, label, position))
    owner, is_log, code, position = (
        np.concatenate([part[n] for part in parts]) if parts else np.empty(0, dtype=np.int64) for n in range(4)
    )
    by_owner = np.argsort(owner, kind="stable")
    owner, is_log, code, position = owner[by_owner], is_log[by_owner].astype(bool), code[by_owner], position[by_owner]
    label = [
        sequences[o][p - 1] if too_much else model.labels[c]
        for o, too_much, c, p in zip(owner.tolist(), is_log.tolist(), code.tolist(), position.tolist(), strict=True)
    ]
    weights = np.ones(len(coded), dtype=np.int64) if counts is None else np.array(counts, dtype=np.int64)
    return Alignments(
        cost,
        owner,
        is_log,
        label,
        position,
        shortest=int(edges.start[model.is_final].min()),
        precision=measure_precision(model, [coded[i] for i in order], weights[order], states),
    )


def _chunks(order: list[int], coded: list[np.ndarray], rows: int) -> Iterator[list[int]]:
    """Neighbours in the order of their prefixes, as many as may have `rows` prefixes together."""
    chunk, used = [], 0
    for i in order:
        size = len(coded[i]) + 1
        if chunk and used + size > rows:
            yield chunk
            chunk, used = [], 0
        chunk.append(i)
        used += size
    if chunk:
        yield chunk


class _Edges:
    """The steps of a model: by label and target, and by target; and the costs of the beginning."""

    def __init__(self, model: Automaton) -> None:
        source, label = np.nonzero(model.targets >= 0)
        target = model.targets[source, label]
        self.model, self.size = model, model.state_count
        by_label = np.lexsort((source, target, label))
        self.source, self.label, self.target = source[by_label], label[by_label], target[by_label]
        keys = self.label * self.size + self.target
        self.key_starts = np.searchsorted(keys, np.arange(len(model.labels) * self.size + 1))
        self.label_starts = np.searchsorted(self.label, np.arange(len(model.labels) + 1))
        is_move = source != target
        by_target = np.lexsort((label[is_move], source[is_move], target[is_move]))
        self.move_source = source[is_move][by_target]
        self.move_label = label[is_move][by_target]
        self.move_target = target[is_move][by_target]
        self.move_starts = np.searchsorted(self.move_target, np.arange(self.size + 1))
        self.reached, self.first_of_reached = np.unique(self.move_target, return_index=True)
        start = np.full((1, self.size), 2 * self.size + 2, dtype=np.int32)
        start[0, 0] = 0
        self.start = self.relaxed(start)[0]

    def relaxed(self, costs: np.ndarray) -> np.ndarray:
        """Rows of costs per state, lowered by model moves until nothing changes."""
        if not len(self.reached):
            return costs
        rows = np.arange(len(costs))
        while len(rows):
            part = costs[rows]
            offered = np.minimum.reduceat(part[:, self.move_source], self.first_of_reached, axis=1) + 1
            lower = offered < part[:, self.reached]
            changed = lower.any(axis=1)
            part[:, self.reached] = np.minimum(part[:, self.reached], offered)
            rows, part = rows[changed], part[changed]
            costs[rows] = part
        return costs

    def read(self, costs: np.ndarray, label: int) -> tuple[np.ndarray, np.ndarray]:
        """(states, costs of being in them after reading `label` in agreement)."""
        begin, end = self.label_starts[label], self.label_starts[label + 1]
        states, firsts = np.unique(self.target[begin:end], return_index=True)
        return states, np.minimum.reduceat(costs[:, self.source[begin:end]], firsts, axis=1)


@dataclass(frozen=True)
class _Ends:
    cost: np.ndarray
    state: np.ndarray


class _Table:
    """The dynamic programme over the prefixes of some sequences, which are sorted."""

    def __init__(self, edges: _Edges, coded: list[np.ndarray]) -> None:
        self.edges = edges
        self.length = np.array([len(codes) for codes in coded])
        depth = max(int(self.length.max(initial=0)), 1)
        padded = np.full((len(coded), depth), np.iinfo(np.int64).min)
        for row, codes in zip(padded, coded, strict=True):
            row[: len(codes)] = codes
        self.codes = padded
        is_new = np.ones((len(coded), depth), dtype=bool)
        is_new[1:] = np.logical_or.accumulate(padded[1:] != padded[:-1], axis=1)
        self.node = np.zeros((len(coded), depth + 1), dtype=np.int64)  # per sequence and depth its row in layers[depth]
        self.layers = [edges.start[None, :].astype(np.int32)]
        for at in range(1, depth + 1):
            alive = self.length >= at
            firsts = np.flatnonzero(is_new[:, at - 1] & alive)
            self.node[:, at] = np.where(alive, np.cumsum(is_new[:, at - 1] & alive) - 1, 0)
            self.layers.append(self._layer(self.layers[-1][self.node[firsts, at - 1]], padded[firsts, at - 1]))

    def _layer(self, before: np.ndarray, codes: np.ndarray) -> np.ndarray:
        after = before + 1
        for label in np.unique(codes[codes >= 0]).tolist():
            rows = np.flatnonzero(codes == label)
            states, costs = self.edges.read(before[rows], label)
            after[rows[:, None], states] = np.minimum(after[rows[:, None], states], costs)
        return self.edges.relaxed(after)

    def best_ends(self) -> _Ends:
        """Per sequence the lowest cost of a final state, and the first such state."""
        final = np.flatnonzero(self.edges.model.is_final)
        cost, state = np.empty(len(self.length), dtype=np.int64), np.empty(len(self.length), dtype=np.int64)
        for at in np.unique(self.length).tolist():
            here = np.flatnonzero(self.length == at)
            costs = self.layers[at][self.node[here, at]][:, final]
            best = costs.argmin(axis=1)
            cost[here], state[here] = costs[np.arange(len(here)), best], final[best]
        return _Ends(cost, state)

    def states(self) -> list[np.ndarray]:
        """Per sequence the state after each beginning of it: the first of those that it reaches at the lowest cost."""
        best = [layer.argmin(axis=1) for layer in self.layers]
        by_depth = np.column_stack([best[depth][self.node[:, depth]] for depth in range(int(self.length.max()) + 1)])
        return [row[: length + 1].copy() for row, length in zip(by_depth, self.length.tolist(), strict=True)]

    def deviations(self, ends: _Ends) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """(owner, is_log, label, position) of all deviations, followed from the ends backwards, all sequences in step.

        Of the steps that lie on an optimal way an agreement is taken before a log move, that before a model move; of
        agreements and of model moves the one from the first state.
        """
        edges, found = self.edges, []
        row = np.flatnonzero(ends.cost > 0)
        at, state, cost = self.length[row], ends.state[row], ends.cost[row]
        while len(row):
            chosen = np.full(len(row), -1)
            code = np.where(at > 0, self.codes[row, np.maximum(at, 1) - 1], -1)
            known = np.flatnonzero(code >= 0)
            keys = code[known] * edges.size + state[known]
            agrees = self._first(
                row[known], at[known] - 1, cost[known], edges.key_starts[keys], edges.key_starts[keys + 1], edges.source
            )
            chosen[known] = agrees
            is_sync = chosen >= 0
            rest = np.flatnonzero(~is_sync)
            is_log = np.zeros(len(row), dtype=bool)
            can = rest[at[rest] > 0]
            is_log[can] = self._costs(row[can], at[can] - 1, state[can]) == cost[can] - 1
            move = np.flatnonzero(~is_sync & ~is_log)
            taken = self._first(
                row[move],
                at[move],
                cost[move] - 1,
                edges.move_starts[state[move]],
                edges.move_starts[state[move] + 1],
                edges.move_source,
            )
            off = np.flatnonzero(~is_sync)
            label = np.full(len(row), -1)
            label[move] = edges.move_label[taken]
            found.append((row[off], is_log[off], label[off], at[off]))
            state[is_sync] = edges.source[chosen[is_sync]]
            state[move] = edges.move_source[taken]
            cost = cost - ~is_sync
            at = at - (is_sync | is_log)
            on = np.flatnonzero(cost > 0)
            row, at, state, cost = row[on], at[on], state[on], cost[on]
        found.reverse()
        parts = [
            np.concatenate([part[n] for part in found]) if found else np.empty(0, dtype=np.int64) for n in range(4)
        ]
        order = np.argsort(parts[0], kind="stable")
        return tuple(part[order] for part in parts)

    def _costs(self, row: np.ndarray, at: np.ndarray, state: np.ndarray) -> np.ndarray:
        costs = np.empty(len(row), dtype=np.int64)
        for depth in np.unique(at).tolist():
            here = np.flatnonzero(at == depth)
            costs[here] = self.layers[depth][self.node[row[here], depth], state[here]]
        return costs

    def _first(self, row, at, cost, begins, ends, source) -> np.ndarray:
        """Per row the first of the edges begins … ends from whose source, `at` events read, the cost is `cost`; else -1."""
        sizes = ends - begins
        which = np.repeat(np.arange(len(row)), sizes)
        edge = np.arange(len(which)) - np.repeat(np.cumsum(sizes) - sizes, sizes) + begins[which]
        fits = np.flatnonzero(self._costs(row[which], at[which], source[edge]) == cost[which])
        chosen = np.full(len(row), -1)
        chosen[which[fits][::-1]] = edge[fits][::-1]
        return chosen
