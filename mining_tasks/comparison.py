"""Comparison of two parts of a log (segments, periods): the difference of their graphs and of their figures.

After Bolt, de Leoni and van der Aalst, Process Variant Comparison (2018): per transition how often, how fast, effect size.
"""

import math
from dataclasses import asdict, dataclass

import narwhals as nw
from narwhals.typing import IntoFrame

from mining_tasks.case_kpis import measure_cases
from mining_tasks.dfg import ARC, discover_dfg
from mining_tasks.process_kpis import ProcessKpis, measure_process

_MEASURES = ("mean_seconds", "median_seconds")
_NOT_COMPARED = (
    "first_us",
    "last_us",
    "open_case_count",
    "closed_mean_seconds",
    "closed_median_seconds",
    "resource_count",
)


@dataclass(frozen=True)
class ArcDifference:
    """An arc in two parts of a log, `a` and `b`; a time is None where the arc is not.

    case_share: of the cases of the part. effect_size: Cohen's h of the two shares, 2 asin √b - 2 asin √a: 0.2 is small, 0.5
    medium, 0.8 large.
    """

    source_activity_key: int
    target_activity_key: int
    a_edge_count: int
    b_edge_count: int
    a_case_share: float
    b_case_share: float
    effect_size: float
    a_mean_seconds: float | None
    b_mean_seconds: float | None
    a_median_seconds: float | None
    b_median_seconds: float | None

    @property
    def case_share_difference(self) -> float:
        return self.b_case_share - self.a_case_share

    @property
    def median_seconds_difference(self) -> float | None:
        if self.a_median_seconds is None or self.b_median_seconds is None:
            return None
        return self.b_median_seconds - self.a_median_seconds


@dataclass(frozen=True)
class Comparison:
    """arcs: of either part, greatest effect first, equal ones by their keys. kpis: figure -> (of a, of b)."""

    arcs: list[ArcDifference]
    kpis: dict[str, tuple[float | None, float | None]]


def compare_parts(a: IntoFrame, b: IntoFrame) -> Comparison:
    """Compare two parts of a log, each events as the algorithms take them.

    >>> import polars as pl
    >>> def part(*steps):
    ...     return pl.DataFrame({"case_key": [1] * len(steps), "event_seq": range(1, len(steps) + 1), "activity_key": steps,
    ...         "occurred_us": [0] * len(steps), "started_us": None, "resource_key": None},
    ...         schema_overrides={"started_us": pl.Int64, "resource_key": pl.Int64})
    >>> [(arc.target_activity_key, arc.a_case_share, arc.b_case_share) for arc in compare_parts(part(1, 2), part(1, 3)).arcs]
    [(3, 0.0, 1.0), (2, 1.0, 0.0)]
    """
    first, second = _Part.of(a), _Part.of(b)
    arcs = [
        ArcDifference(
            *arc,
            a_edge_count=first.counts.get(arc, (0, 0))[0],
            b_edge_count=second.counts.get(arc, (0, 0))[0],
            a_case_share=first.share(arc),
            b_case_share=second.share(arc),
            effect_size=_angle(second.share(arc)) - _angle(first.share(arc)),
            a_mean_seconds=first.times.get(arc, (None, None))[0],
            b_mean_seconds=second.times.get(arc, (None, None))[0],
            a_median_seconds=first.times.get(arc, (None, None))[1],
            b_median_seconds=second.times.get(arc, (None, None))[1],
        )
        for arc in first.counts.keys() | second.counts.keys()
    ]
    arcs.sort(
        key=lambda arc: (-abs(arc.effect_size), -arc.effect_size, arc.source_activity_key, arc.target_activity_key)
    )
    before, after = asdict(first.kpis), asdict(second.kpis)
    kpis = {name: (before[name], after[name]) for name in before if name not in _NOT_COMPARED}
    return Comparison(arcs=arcs, kpis=kpis | {"edge_count": (len(first.counts), len(second.counts))})


@dataclass(frozen=True)
class _Part:
    counts: dict[tuple[int, int], tuple[int, int]]  # edges, cases
    times: dict[tuple[int, int], tuple[float, float]]
    kpis: ProcessKpis

    @classmethod
    def of(cls, events: IntoFrame) -> "_Part":
        edges = discover_dfg(events).edges
        cases = measure_cases(events)
        columns = edges.select(*ARC, "edge_count", "case_count", *_MEASURES)
        return cls(
            counts={row[:2]: row[2:4] for row in columns.iter_rows()},
            times={row[:2]: row[4:] for row in columns.iter_rows()},
            kpis=measure_process(events, cases.with_columns(is_open=nw.col("event_count") < 0)),
        )

    def share(self, arc: tuple[int, int]) -> float:
        return self.counts.get(arc, (0, 0))[1] / max(self.kpis.case_count, 1)


def _angle(share: float) -> float:
    return 2 * math.asin(math.sqrt(share))
