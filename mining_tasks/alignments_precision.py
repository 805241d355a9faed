"""Precision: how much of what a model allows the log shows.

Definition: Adriansyah, Munoz-Gama, Carmona, van Dongen and van der Aalst (2015), aligned ETConformance: at each beginning
of a case, the activities that the model allows next against those that the log shows there, weighted by cases.
"""

from collections.abc import Sequence

import numpy as np

from mining_tasks.alignments_automaton import Automaton


def measure_precision(
    model: Automaton, coded: Sequence[np.ndarray], counts: np.ndarray, states: Sequence[np.ndarray]
) -> float | None:
    """Share of the allowed next activities that are seen; null where nothing is ever allowed.

    coded: the sequences as numbers of `model.labels` (other activities: negative), sorted, each once. counts: cases of
    each. states: per sequence the state after each of its beginnings, from the empty one.
    """
    lengths = np.array([len(codes) for codes in coded], dtype=np.int64)
    common = np.zeros(len(coded), dtype=np.int64)
    for row in range(1, len(coded)):
        size = min(lengths[row], lengths[row - 1])
        differs = np.flatnonzero(coded[row][:size] != coded[row - 1][:size])
        common[row] = differs[0] if len(differs) else size
    if len(coded):
        common[0] = -1
    starts = np.cumsum(lengths + 1) - (lengths + 1)
    flat_state = np.concatenate(states) if len(coded) else np.empty(0, dtype=np.int64)
    flat_code = np.concatenate([np.append(codes, -1) for codes in coded]) if len(coded) else flat_state
    allowed = (model.targets >= 0).sum(axis=1)
    seen, possible = 0, 0
    for at in range(int(lengths.max(initial=0))):
        has = np.flatnonzero(lengths >= at)
        node = np.cumsum(common[has] < at) - 1 if at else np.zeros(len(has), dtype=np.int64)
        goes_on = lengths[has] > at
        rows, node = has[goes_on], node[goes_on]
        state, code = flat_state[starts[rows] + at], flat_code[starts[rows] + at]
        possible += int((counts[rows] * allowed[state]).sum())
        weight = np.zeros(int(node.max(initial=0)) + 1, dtype=np.int64)
        np.add.at(weight, node, counts[rows])
        is_first = common[rows] <= at  # of the cases that go on so
        fits = is_first & (code >= 0)
        fits[fits] = model.targets[state[fits], code[fits]] >= 0
        seen += int(weight[node[fits]].sum())
    return seen / possible if possible else None
