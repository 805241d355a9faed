"""Summary of durations: exact sums and percentiles of integer microseconds, turned into seconds once, at the end.

A percentile is the one of Hyndman and Fan's definition 7 (linear interpolation at position (n - 1) * q; the default of
NumPy, pandas, Polars and of PostgreSQL's percentile_cont). Positions and sums are integers, so that the figures are the
same, bit for bit, on any engine, with any number of threads and for any order of the rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import narwhals as nw
import numpy as np
from narwhals.typing import Frame

from mining_tasks.frames import MICROSECONDS, ratio, remainder
from mining_tasks.groups import PACKED, numbered

MEDIAN, P90 = Fraction(1, 2), Fraction(9, 10)
QUANTILES: Mapping[str, Fraction] = {"median_seconds": MEDIAN, "p90_seconds": P90}


def seconds(column: str) -> nw.Expr:
    """Integer microseconds as seconds (float64)."""
    return ratio(column, MICROSECONDS)


def summarise_durations(
    frame: Frame, *, by: Sequence[str], value: str = "duration_us", quantiles: Mapping[str, Fraction] = QUANTILES
) -> Frame:
    """Count, mean, min, max, total and percentiles of `value` (integer microseconds, not negative) per group `by`.

    Nulls in `value` are left out. Returns one row per group that has a value: `by`, `duration_count`, `mean_seconds`,
    `min_seconds`, `max_seconds`, `total_seconds` and one column per entry of `quantiles`.

    >>> import polars as pl, narwhals as nw
    >>> frame = nw.from_native(pl.DataFrame({"arc": [1, 1, 1], "duration_us": [1_000_000, 2_000_000, 6_000_000]}))
    >>> summarise_durations(frame, by=["arc"]).select("mean_seconds", "median_seconds", "p90_seconds").row(0)
    (3.0, 2.0, 5.2)
    """
    by = list(by)
    values = frame.select(*by, nw.col(value).cast(nw.Int64()).alias("_us")).filter(~nw.col("_us").is_null())
    if isinstance(values, nw.LazyFrame):
        return _in_seconds(_by_windows(values, by, quantiles), by, quantiles)
    values, codes, groups = numbered(values, by)
    return Ordered.of(codes, values["_us"].to_numpy(), len(groups)).summarised(groups, quantiles)


def summarise_all(durations: nw.Series, *, quantiles: Mapping[str, Fraction] = QUANTILES) -> dict[str, int | float]:
    """The figures of `summarise_durations` of durations in memory that are one group; none of no durations."""
    us = durations.to_numpy()
    if not len(us):
        return {}
    everything = nw.from_dict({"_all": [0]}, backend=durations.implementation)
    summary = Ordered(np.sort(us), np.array([len(us)])).summarised(everything, quantiles)
    return {name: summary.item(0, name) for name in summary.columns}


def summarise_coded(
    codes: np.ndarray, us: np.ndarray, groups: nw.DataFrame, *, quantiles: Mapping[str, Fraction] = QUANTILES
) -> nw.DataFrame:
    """`summarise_durations` of durations in memory whose groups are numbered: `codes` are places in `groups`."""
    there = np.bincount(codes, minlength=len(groups)) > 0
    places = np.flatnonzero(there)
    ordered = Ordered.of((np.cumsum(there) - 1)[codes], us, len(places))
    return ordered.summarised(groups[places.tolist()], quantiles)


@dataclass(frozen=True)
class Ordered:
    """Durations in memory, by group, each group's from the least: every figure is a slice. counts: how many each group has,
    one at least where figures are asked for."""

    us: np.ndarray
    counts: np.ndarray

    @classmethod
    def of(cls, codes: np.ndarray, us: np.ndarray, size: int) -> "Ordered":
        """Of durations of the groups 0 to `size` - 1."""
        counts = np.bincount(codes, minlength=size)
        return cls(_sorted(codes, us, counts), counts)

    def first(self) -> np.ndarray:
        """Where each group begins."""
        return np.cumsum(self.counts) - self.counts

    def apart(self) -> list[np.ndarray]:
        """Each group's."""
        return np.split(self.us, self.first()[1:])[: len(self.counts)]

    def quantile(self, share: Fraction) -> np.ndarray:
        """The quantile of each group, times the denominator of the share."""
        first = self.first()
        place, rest = np.divmod((self.counts - 1) * share.numerator, share.denominator)
        low, high = self.us[first + place], self.us[first + place + (rest > 0)]
        return low * share.denominator + (high - low) * rest

    def summarised(self, groups: nw.DataFrame, quantiles: Mapping[str, Fraction] = QUANTILES) -> nw.DataFrame:
        """What `summarise_durations` returns. groups: the keys of each group."""
        first = self.first()
        whole = self.us // MICROSECONDS
        part = _sums(self.us - whole * MICROSECONDS, first)
        whole = _sums(whole, first) + part // MICROSECONDS
        total = whole.astype(np.float64) + part % MICROSECONDS / MICROSECONDS
        figures = {
            "duration_count": self.counts,
            "mean_seconds": total / self.counts,
            "min_seconds": self.us[first] / MICROSECONDS,
            "max_seconds": self.us[first + self.counts - 1] / MICROSECONDS,
            "total_seconds": total,
        } | {name: self.quantile(share) / (share.denominator * MICROSECONDS) for name, share in quantiles.items()}
        return groups.with_columns(
            nw.new_series(
                name, found, nw.Int64() if name == "duration_count" else nw.Float64(), backend=groups.implementation
            )
            for name, found in figures.items()
        )


def _in_seconds(groups: Frame, by: list[str], quantiles: Mapping[str, Fraction]) -> Frame:
    groups = groups.with_columns(
        _whole=nw.col("_whole") + nw.col("_part") // MICROSECONDS, _part=remainder("_part", MICROSECONDS)
    )
    groups = groups.with_columns(total_seconds=nw.col("_whole").cast(nw.Float64()) + seconds("_part"))
    return groups.with_columns(
        *(ratio(f"_{name}", share.denominator * MICROSECONDS).alias(name) for name, share in quantiles.items()),
        min_seconds=seconds("_min"),
        max_seconds=seconds("_max"),
        mean_seconds=nw.col("total_seconds") / nw.col("duration_count").cast(nw.Float64()),
    ).select(*by, "duration_count", "mean_seconds", "min_seconds", "max_seconds", "total_seconds", *quantiles)


def _by_windows(values: nw.LazyFrame, by: list[str], quantiles: Mapping[str, Fraction]) -> nw.LazyFrame:
    """Per group `duration_count`, its sums `_whole` of seconds and `_part` of the rest (apart: sums of microseconds of
    years overflow), `_min`, `_max`, and each quantile as `_<name>`: its microseconds times its share's denominator.
    """
    values = values.with_row_index("_position", order_by=[*by, "_us"]).with_columns(
        nw.col("_position").cast(nw.Int64()),
        _whole=nw.col("_us") // MICROSECONDS,
        _part=remainder("_us", MICROSECONDS),
    )
    groups = (
        values.group_by(*by)
        .agg(
            nw.len().alias("duration_count"),
            nw.col("_whole", "_part").sum(),
            _first=nw.col("_position").min(),
            _min=nw.col("_us").min(),
            _max=nw.col("_us").max(),
        )
        .with_columns(nw.col("duration_count", "_whole", "_part").cast(nw.Int64()))
    )
    at = values.select(nw.col("_position"), nw.col("_us"))
    for name, share in quantiles.items():
        top, bottom = share.numerator, share.denominator
        groups = groups.with_columns(_place=(nw.col("duration_count") - 1) * top)
        groups = groups.with_columns(
            _low=nw.col("_first") + nw.col("_place") // bottom, _rest=remainder("_place", bottom)
        ).with_columns(_high=nw.col("_low") + nw.when(nw.col("_rest") > 0).then(1).otherwise(0))
        groups = (
            groups.join(at.rename({"_position": "_low", "_us": "_low_us"}), on="_low")
            .join(at.rename({"_position": "_high", "_us": "_high_us"}), on="_high")
            .with_columns(_high_us=(nw.col("_high_us") - nw.col("_low_us")) * nw.col("_rest"))
            .with_columns((nw.col("_low_us") * bottom + nw.col("_high_us")).alias(f"_{name}"))
            .drop("_low", "_high", "_low_us", "_high_us", "_place", "_rest")
        )
    return groups


def _sorted(codes: np.ndarray, us: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The values, by group, each group's from the least: as packed integers where they fit, which sort ten times faster."""
    span = int(us.max()) + 1 if len(us) else 1
    if len(counts) * span >= PACKED:
        return us[np.lexsort((us, codes))]
    ordered = codes * span
    ordered += us
    ordered.sort()
    ordered -= np.repeat(np.arange(len(counts)) * span, counts)
    return ordered


def _sums(values: np.ndarray, first: np.ndarray) -> np.ndarray:
    return np.add.reduceat(values, first) if len(first) else values
