"""Alignments of a log with its reference model, as the tables of schema mining."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import narwhals as nw
import numpy as np

from mining_tasks import process_tree
from mining_tasks.alignments import LOG, MODEL, align
from mining_tasks.alignments_automaton import Automaton, TooLarge, automaton_of
from mining_tasks.alignments_model import Reference

_KPIS = {
    "model_source": nw.String(),
    "model": nw.String(),
    "variant_count": nw.Int64(),
    "aligned_variant_count": nw.Int64(),
    "case_count": nw.Int64(),
    "aligned_case_count": nw.Int64(),
    "fitting_case_count": nw.Int64(),
    "fitting_case_share": nw.Float64(),
    "mean_trace_fitness": nw.Float64(),
    "log_fitness": nw.Float64(),
    "model_precision": nw.Float64(),
    "total_cost": nw.Int64(),
    "shortest_path_cost": nw.Int64(),
}
_VARIANTS = {
    "variant_id": nw.String(),
    "case_count": nw.Int64(),
    "activity_count": nw.Int64(),
    "cost": nw.Int64(),
    "fitness": nw.Float64(),
    "log_move_count": nw.Int64(),
    "model_move_count": nw.Int64(),
    "is_fitting": nw.Boolean(),
}
_VARIANT_DEVIATIONS = {
    "variant_id": nw.String(),
    "deviation_number": nw.Int64(),
    "move": nw.String(),
    "activity": nw.String(),
    "event_seq": nw.Int64(),
}
_DEVIATIONS = {
    "move": nw.String(),
    "activity": nw.String(),
    "case_count": nw.Int64(),
    "case_share": nw.Float64(),
    "deviation_count": nw.Int64(),
}
DECLARED, HAPPY_PATH = "declared", "happy path"


@dataclass(frozen=True)
class VariantSequence:
    """A variant: its id, its activities in order, and how many closed cases it has."""

    id: str
    activities: tuple[str, ...]
    case_count: int


def happy_path(variants: Sequence[VariantSequence]) -> VariantSequence | None:
    """The variant that most closed cases have, of equal ones the first id; None where there is none."""
    return min(variants, key=lambda variant: (-variant.case_count, variant.id), default=None)


def measure_alignments(
    variants: Sequence[VariantSequence], reference: Reference, *, backend
) -> Mapping[str, nw.DataFrame]:
    """`conformance_kpis`, `variant_alignments`, `variant_deviations` and `deviations` of a log's variants against a model.

    variants: of closed cases: what an open one has not done yet is no deviation. reference: without text the happy path.
    A model whose automaton is too large aligns nothing.
    """
    variants = sorted(variants, key=lambda variant: variant.id)
    source, text, model = _model(variants, reference)
    tables = {"variant_deviations": _VARIANT_DEVIATIONS, "deviations": _DEVIATIONS, "variant_alignments": _VARIANTS}
    rows = {name: {column: [] for column in schema} for name, schema in tables.items()}
    kpis: dict[str, list] = {column: [] for column in _KPIS}
    if text and variants:
        figures = {"model_source": source, "model": text, "variant_count": len(variants)}
        figures["case_count"] = sum(variant.case_count for variant in variants)
        figures = (_unaligned(variants, rows) if model is None else _aligned(variants, model, rows)) | figures
        kpis = {column: [figures[column]] for column in _KPIS}
    return {
        "conformance_kpis": nw.from_dict(kpis, schema=_KPIS, backend=backend),
        **{name: nw.from_dict(rows[name], schema=schema, backend=backend) for name, schema in tables.items()},
    }


def _model(variants: Sequence[VariantSequence], reference: Reference) -> tuple[str, str, Automaton | None]:
    source = DECLARED if reference.text else HAPPY_PATH
    if not reference.text:
        path = happy_path(variants)
        if path is None:
            return source, "", None
        leaves = [process_tree.activity(name) for name in path.activities]
        reference = Reference((leaves[0] if len(leaves) == 1 else process_tree.sequence(*leaves)).text)
    try:
        return source, reference.text, automaton_of(reference)
    except TooLarge:
        return source, reference.text, None


def _unaligned(variants: Sequence[VariantSequence], rows: dict[str, dict[str, list]]) -> dict[str, object]:
    for variant in variants:
        known = {"variant_id": variant.id, "case_count": variant.case_count, "activity_count": len(variant.activities)}
        for column, values in rows["variant_alignments"].items():
            values.append(known.get(column))
    return dict.fromkeys(_KPIS) | dict.fromkeys(
        ("aligned_variant_count", "aligned_case_count", "fitting_case_count", "total_cost"), 0
    )


def _aligned(
    variants: Sequence[VariantSequence], model: Automaton, rows: dict[str, dict[str, list]]
) -> dict[str, object]:
    counts = np.array([variant.case_count for variant in variants], dtype=np.int64)
    found = align(model, [variant.activities for variant in variants], counts=counts.tolist())
    lengths = np.array([len(variant.activities) for variant in variants], dtype=np.int64)
    worst = lengths + found.shortest
    log_moves = np.bincount(found.owner[found.is_log], minlength=len(variants))
    rows["variant_alignments"] |= {
        "variant_id": [variant.id for variant in variants],
        "case_count": counts.tolist(),
        "activity_count": lengths.tolist(),
        "cost": found.cost.tolist(),
        "fitness": [1 - c / w if w else 1.0 for c, w in zip(found.cost.tolist(), worst.tolist(), strict=True)],
        "log_move_count": log_moves.tolist(),
        "model_move_count": (found.cost - log_moves).tolist(),
        "is_fitting": (found.cost == 0).tolist(),
    }
    moves = [LOG if is_log else MODEL for is_log in found.is_log.tolist()]
    first = np.searchsorted(found.owner, found.owner)
    rows["variant_deviations"] |= {
        "variant_id": [variants[owner].id for owner in found.owner.tolist()],
        "deviation_number": (np.arange(len(first)) - first + 1).tolist(),
        "move": moves,
        "activity": found.label,
        "event_seq": found.position.tolist(),
    }
    cases, total = int(counts.sum()), int((counts * found.cost).sum())
    kinds: dict[tuple[str, str], list[int]] = {}
    seen: set[tuple[int, str, str]] = set()
    for owner, move, activity in zip(found.owner.tolist(), moves, found.label, strict=True):
        kind = kinds.setdefault((move, activity), [0, 0])
        kind[1] += variants[owner].case_count
        if (owner, move, activity) not in seen:
            seen.add((owner, move, activity))
            kind[0] += variants[owner].case_count
    ordered = sorted(kinds)
    rows["deviations"] |= {
        "move": [move for move, _ in ordered],
        "activity": [activity for _, activity in ordered],
        "case_count": [kinds[kind][0] for kind in ordered],
        "case_share": [kinds[kind][0] / cases for kind in ordered],
        "deviation_count": [kinds[kind][1] for kind in ordered],
    }
    fitting = int(counts[found.cost == 0].sum())
    worst_total = int((counts * worst).sum())
    return {
        "aligned_variant_count": len(variants),
        "aligned_case_count": cases,
        "fitting_case_count": fitting,
        "fitting_case_share": fitting / cases,
        "mean_trace_fitness": 1 - _weighted(counts * found.cost, worst) / cases,
        "log_fitness": 1 - total / worst_total if worst_total else 1.0,
        "model_precision": found.precision,
        "total_cost": total,
        "shortest_path_cost": found.shortest,
    }


def _weighted(costs: np.ndarray, worst: np.ndarray) -> float:
    """The sum of costs / worst, the same in every order: summed as integers per denominator first."""
    kinds, place = np.unique(worst, return_inverse=True)
    sums = [0] * len(kinds)
    for at, cost in zip(place.tolist(), costs.tolist(), strict=True):
        sums[at] += cost
    return math.fsum(cost / kind for kind, cost in zip(kinds.tolist(), sums, strict=True) if kind)
