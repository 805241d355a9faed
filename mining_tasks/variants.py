"""Variants: cases that run through the same sequence of activities, and how many cases each has.

The sequences of all cases are compared exactly, by doubling: blocks of 1, 2, 4, … events get equal numbers if and only
if they hold equal activities, until one block holds the longest case (Karp, Miller, Rosenberg 1972). Two numbers are put
into one by their digits; only when it would be too large are the numbers made dense again. No engine needs lists; Polars,
which groups by them exactly and several times faster, uses them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import narwhals as nw
import polars as pl
from narwhals.typing import Frame, IntoFrame

from mining_tasks.case_kpis import case_spans
from mining_tasks.durations import MEDIAN, summarise_durations
from mining_tasks.frames import collected, events_of, neighbour, ratio, remainder
from sluice.keys import variant_id

_LARGEST = 2**62


@dataclass(frozen=True)
class Variants:
    """variants: one row per variant, sorted by `rank` (most cases first, equal ones in the order of `variant_id`):
    `variant_id`, `rank`, `activity_count` (length), `case_count`, `case_share`, `cumulative_share`, `mean_seconds`,
    `median_seconds`. steps: `variant_id`, `position` (from 1), `activity_key`. cases: `case_key`, `variant_id`.
    """

    variants: nw.DataFrame
    steps: nw.DataFrame
    cases: nw.DataFrame


def discover_variants(events: IntoFrame, *, names: Mapping[int, str]) -> Variants:
    """The variants of a log. names: activity_key -> activity, of which the ids are made."""
    frame = events_of(events, needs=("case_key", "event_seq", "activity_key", "occurred_us", "started_us"))
    coded = _numbered_sequences(frame, list(names))
    if isinstance(coded, nw.LazyFrame):
        coded = coded.collect()
        frame = events_of(frame.collect(backend=coded.implementation).to_native(), needs=frame.columns)
    representatives = coded.group_by("_code").agg(case_key=nw.col("case_key").min())
    steps = (
        frame.select("case_key", "event_seq", "activity_key")
        .join(representatives, on="case_key")
        .sort("_code", "event_seq")
        .select("_code", "activity_key")
    )
    sequences: dict[int, list[int]] = {}
    for code, activity in steps.iter_rows():
        sequences.setdefault(code, []).append(activity)
    ids = {code: variant_id([names[key] for key in keys]) for code, keys in sequences.items()}
    backend = coded.implementation
    identities = nw.from_dict(
        {
            "_code": list(ids),
            "_place": list(range(len(ids))),
            "variant_id": list(ids.values()),
            "activity_count": [len(sequences[code]) for code in ids],
        },
        schema={"_code": nw.Int64(), "_place": nw.Int64(), "variant_id": nw.String(), "activity_count": nw.Int64()},
        backend=backend,
    )
    identities = identities.with_columns(nw.col("_code").cast(coded.schema["_code"]))
    cases = coded.join(identities.select("_code", "_place", "variant_id"), on="_code")
    spans = cases.select("case_key", "_place").join(case_spans(frame), on="case_key")
    times = summarise_durations(spans, by=["_place"], quantiles={"median_seconds": MEDIAN})
    counted = times.rename({"duration_count": "case_count"}).join(
        identities.select("_place", "variant_id", "activity_count"), on="_place"
    )
    flat = [(ids[code], position, key) for code, keys in sequences.items() for position, key in enumerate(keys, 1)]
    step_rows = nw.from_dict(
        {
            "variant_id": [row[0] for row in flat],
            "position": [row[1] for row in flat],
            "activity_key": [row[2] for row in flat],
        },
        schema={"variant_id": nw.String(), "position": nw.Int64(), "activity_key": nw.Int64()},
        backend=backend,
    )
    return Variants(
        variants=rank_variants(counted, total=len(cases)),
        steps=collected(step_rows, order=["variant_id", "position"]),
        cases=collected(cases.select("case_key", "variant_id"), order=["case_key"]),
    )


def _numbered_sequences(frame: Frame, keys: Sequence[int]) -> Frame:
    """`case_key`, `_code`: two cases have one code if and only if they have the same sequence of activities, of `keys`."""
    if frame.implementation.is_polars() and isinstance(frame, nw.DataFrame):
        sequences = frame.to_native().lazy().group_by("case_key", maintain_order=True).agg("activity_key")
        coded = sequences.select("case_key", pl.col("case_key").min().over("activity_key").alias("_code"))
        return nw.from_native(coded.collect())
    if isinstance(frame, nw.LazyFrame):
        blocks = frame.select("case_key", "event_seq", _code=nw.col("activity_key").rank("dense").cast(nw.Int64()))
        index = nw.col("_one").cum_sum().over("case_key", order_by="event_seq").cast(nw.Int64()) - 1
        blocks = blocks.with_columns(_one=nw.lit(1)).select("case_key", "_code", _index=index)
    else:
        number = nw.col("activity_key").replace_strict(list(keys), range(1, len(keys) + 1), return_dtype=nw.Int64())
        blocks = frame.select("case_key", _code=number)
        blocks = blocks.with_row_index("_row").with_columns(nw.col("_row").cast(nw.Int64()))
        starts = nw.when(neighbour(blocks, "_row", offset=-1).is_null()).then(nw.col("_row")).otherwise(0).cum_max()
        blocks = blocks.select("case_key", "_code", _index=nw.col("_row") - starts)
    longest, codes = _greatest(blocks, "_index") or 0, len(keys)
    while longest:
        if (codes + 1) ** 2 > _LARGEST:
            blocks = blocks.with_columns(nw.col("_code").rank("dense").cast(nw.Int64()))
            codes = _greatest(blocks, "_code")
        pairs = blocks.with_columns(_next=neighbour(blocks, "_code", offset=1, order="_index").fill_null(0))
        blocks = pairs.filter(remainder("_index", 2) == 0).select(
            "case_key", _code=nw.col("_code") * (codes + 1) + nw.col("_next"), _index=nw.col("_index") // 2
        )
        longest, codes = longest // 2, (codes + 1) ** 2 - 1
    return blocks.select("case_key", "_code")


def _greatest(frame: Frame, column: str) -> int | None:
    found = frame.select(nw.col(column).max())
    return (found.collect() if isinstance(found, nw.LazyFrame) else found).item()


def rank_variants(variants: nw.DataFrame, *, total: int) -> nw.DataFrame:
    """`variants` (as in `Variants`, rank and shares aside) ranked; shares are of `total` cases."""
    variants = collected(variants, order=["variant_id"]).with_columns(_most=-nw.col("case_count"))
    ranked = (
        variants.sort("_most", "variant_id")
        .drop([name for name in ("rank", "case_share", "cumulative_share") if name in variants.columns])
        .with_row_index("rank")
        .with_columns(
            nw.col("rank").cast(nw.Int64()) + 1,
            case_share=ratio("case_count", total),
            _so_far=nw.col("case_count").cum_sum(),
        )
        .with_columns(cumulative_share=ratio("_so_far", total))
    )
    return ranked.select(
        "variant_id",
        "rank",
        "activity_count",
        "case_count",
        "case_share",
        "cumulative_share",
        "mean_seconds",
        "median_seconds",
    )
