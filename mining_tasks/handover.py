"""Handover of work: who passes a case on to whom, and what it costs.

Definition: van der Aalst, Reijers and Song, Discovering Social Networks from Event Logs (2005), section 4.1: direct succession.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import narwhals as nw
from narwhals.typing import Frame, IntoFrame

from mining_tasks.dfg import ARC, successions
from mining_tasks.durations import summarise_durations
from mining_tasks.frames import collected, events_of, neighbour
from mining_tasks.groups import count_different
from mining_tasks.k_anonymity import publishable

PERSONS = ("source_resource_key", "target_resource_key")
KIND = (*ARC, "is_handover")
_COLUMNS = (*KIND, "edge_count", "case_count", "person_count", "mean_seconds", "median_seconds", "total_seconds")


@dataclass(frozen=True)
class Handovers:
    """rows: per arc and `is_handover` (whether the two persons differ) `edge_count`, `case_count`, `person_count` (different
    persons on either side), `mean_seconds`, `median_seconds`, `total_seconds` as in the directly-follows graph, sorted by
    arc and kind; only rows of at least k persons. hidden_count: rows left out. totals: kind (None: both) -> (pairs, persons).
    """

    rows: nw.DataFrame
    hidden_count: int
    totals: Mapping[bool | None, tuple[int, int]]


def person_pairs(events: IntoFrame) -> Frame:
    """Each pair of neighbouring events whose two persons are known: `case_key`, `event_seq` (the target's), the two activity
    keys, `source_resource_key`, `target_resource_key`, `is_handover` (1 where they differ), `duration_us` (as in the
    directly-follows graph)."""
    pairs = (
        successions(events, keep=("resource_key",), of_target={"resource_key": PERSONS[1]})
        .rename({"resource_key": PERSONS[0]})
        .filter(~nw.col(PERSONS[0]).is_null(), ~nw.col(PERSONS[1]).is_null())
    )
    is_handover = (nw.col(PERSONS[0]) != nw.col(PERSONS[1])).cast(nw.Int64())
    return pairs.with_columns(is_handover=is_handover).drop("gap_us")


def discover_handovers(events: IntoFrame) -> nw.DataFrame:
    """The network of persons, which is never published: `source_resource_key`, `target_resource_key`, `edge_count`, sorted.

    Who did what directly after whom; a person after himself counts, too.

    >>> import polars as pl
    >>> log = pl.DataFrame({"case_key": [1] * 3, "event_seq": [1, 2, 3], "activity_key": [7, 8, 9], "resource_key": [4, 4, 5],
    ...     "occurred_us": [0, 1, 2], "started_us": pl.Series([None] * 3, dtype=pl.Int64)})
    >>> discover_handovers(log).rows()
    [(4, 4, 1), (4, 5, 1)]
    """
    network = person_pairs(events).group_by(*PERSONS).agg(nw.len().alias("edge_count"))
    return collected(network, order=PERSONS)


def measure_handovers(pairs: Frame, *, k: int) -> Handovers:
    """How often the person changes on each arc and how long that takes, compared with the same person going on.

    pairs: as `person_pairs` makes them. A row is shown if at least `k` persons stand behind it, and behind what is left out
    of its arc, of its kind and of all.
    """
    network = collected(pairs.group_by(*KIND, *PERSONS).agg(nw.len().alias("edge_count")), order=[*KIND, *PERSONS])
    incidence = nw.concat([network.select(*KIND, nw.col(name).alias("resource_key")) for name in PERSONS]).unique()
    shown = publishable(incidence, by=KIND, k=k, margins=((), ARC, KIND[2:]))
    persons = incidence.group_by(*KIND).agg(nw.len().alias("person_count"))
    cases = count_different(pairs, by=KIND, column="case_key", name="case_count")
    times = summarise_durations(pairs, by=KIND).rename({"duration_count": "edge_count"})
    rows = collected(times.join(cases, on=list(KIND)), order=KIND).join(persons, on=list(KIND))
    kept = collected(rows.join(shown, on=list(KIND)).select(*_COLUMNS), order=KIND)
    kinds = {None: network, True: network.filter(nw.col(KIND[2]) == 1), False: network.filter(nw.col(KIND[2]) == 0)}
    return Handovers(
        rows=kept.with_columns(is_handover=nw.col("is_handover") == 1),
        hidden_count=len(persons) - len(shown),
        totals={
            kind: (
                int(some["edge_count"].sum() or 0),
                nw.concat([some[name].alias("person").to_frame() for name in PERSONS])["person"].n_unique(),
            )
            for kind, some in kinds.items()
        },
    )


def count_subcontracts(events: IntoFrame) -> tuple[int, int]:
    """(how often one person came between two events of another one, directly: i, j, i; different persons of these).

    Subcontracting, section 4.1 of the paper, with direct succession.
    """
    frame = events_of(events)
    steps = frame.select(
        nw.col("resource_key").alias("first"),
        neighbour(frame, "resource_key", offset=1).alias("middle"),
        neighbour(frame, "resource_key", offset=2).alias("last"),
    )
    found = steps.filter(nw.col("first") == nw.col("last"), nw.col("first") != nw.col("middle"))
    if isinstance(found, nw.LazyFrame):
        found = found.collect()
    return len(found), len({*found["first"].to_list(), *found["middle"].to_list()})
