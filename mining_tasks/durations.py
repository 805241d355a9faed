"""Summary of durations: exact sums and percentiles of integer microseconds, turned into seconds once, at the end.

A percentile is the one of Hyndman and Fan's definition 7 (linear interpolation at position (n - 1) * q; the default of
NumPy, pandas, Polars and of PostgreSQL's percentile_cont). Positions and sums are integers, so that the figures are the
same, bit for bit, on any engine, with any number of threads and for any order of the rows.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction

import narwhals as nw
from narwhals.typing import Frame

from mining_tasks.frames import MICROSECONDS, ratio, remainder

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
        keys, names = by, None
        values = values.with_row_index("_position", order_by=[*by, "_us"])
    else:
        keys, names = ["_group"], values.select(*by).unique().with_row_index("_group")
        names = names.with_columns(nw.col("_group").cast(nw.Int64()))
        values = _sorted(values.join(names, on=by).select("_group", "_us"), len(names)).with_row_index("_position")
    values = values.with_columns(
        nw.col("_position").cast(nw.Int64()),
        _whole=nw.col("_us") // MICROSECONDS,  # seconds and rest apart: sums of microseconds of years overflow
        _part=remainder("_us", MICROSECONDS),
    )
    groups = (
        values.group_by(*keys)
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
            .with_columns(_picked=nw.col("_low_us") * bottom + nw.col("_high_us"))
            .with_columns(ratio("_picked", bottom * MICROSECONDS).alias(name))
            .drop("_low", "_high", "_low_us", "_high_us", "_place", "_rest", "_picked")
        )
    groups = groups.with_columns(
        _whole=nw.col("_whole") + nw.col("_part") // MICROSECONDS, _part=remainder("_part", MICROSECONDS)
    ).with_columns(total_seconds=nw.col("_whole").cast(nw.Float64()) + seconds("_part"))
    if names is not None:
        groups = groups.join(names, on="_group")
    return groups.with_columns(
        min_seconds=seconds("_min"),
        max_seconds=seconds("_max"),
        mean_seconds=nw.col("total_seconds") / nw.col("duration_count").cast(nw.Float64()),
    ).select(*by, "duration_count", "mean_seconds", "min_seconds", "max_seconds", "total_seconds", *quantiles)


def _sorted(values: nw.DataFrame, group_count: int) -> nw.DataFrame:
    """`_group`, `_us` in their order: as one packed integer where both fit, which sorts ten times faster than two."""
    span = int(values["_us"].max() or 0) + 1 if len(values) else 1
    if group_count * span >= 2**62:
        return values.sort("_group", "_us")
    packed = values.select(_packed=nw.col("_group") * span + nw.col("_us")).sort("_packed")
    return packed.select(_group=nw.col("_packed") // span, _us=remainder("_packed", span))
