"""Working together: which persons work on the same cases, and how many work on one.

Definition: van der Aalst, Reijers and Song, Discovering Social Networks from Event Logs (2005), section 4.2: joint cases.
"""

from dataclasses import dataclass

import narwhals as nw
import numpy as np
from narwhals.typing import Frame, IntoFrame

from mining_tasks.durations import MEDIAN, summarise_durations
from mining_tasks.frames import collected, events_of, ratio
from mining_tasks.groups import different_pairs, numbered
from mining_tasks.k_anonymity import publishable

PAIR = ("resource_key", "other_resource_key")
_MOST_PAIRS = 5_000_000  # compared at once
_COLUMNS = ("persons_per_case", "case_count", "case_share", "person_count", "mean_seconds", "median_seconds")


@dataclass(frozen=True)
class WorkingTogether:
    """rows: per number of persons of a case `case_count`, `case_share`, `person_count`, `mean_seconds`, `median_seconds` of
    the throughput time, sorted by `persons_per_case`; only rows of at least k persons, or of nobody. hidden_count: rows
    left out. mean_persons_per_case: None without cases.
    """

    rows: nw.DataFrame
    hidden_count: int
    mean_persons_per_case: float | None


def persons_of_cases(events: IntoFrame) -> nw.DataFrame:
    """`case_key`, `resource_key`: each known person of each case once, in any order."""
    frame = events_of(events, needs=("case_key", "event_seq", "resource_key"))
    return different_pairs(frame.filter(~nw.col("resource_key").is_null()), "case_key", "resource_key")


def count_comparisons(persons: nw.DataFrame) -> int:
    """How many pairs of persons of one case `discover_working_together` looks at, both ways."""
    sizes = _counted(persons.group_by("case_key").agg(_size=nw.len()), "_size")
    return int((sizes["_size"] * sizes["_size"]).sum() or 0)


def discover_working_together(persons: nw.DataFrame) -> nw.DataFrame:
    """The network of persons, which is never published: `resource_key`, `other_resource_key` (the greater one), `case_count`
    (cases that both worked on), sorted. persons: as `persons_of_cases` makes them.

    >>> import polars as pl
    >>> log = pl.DataFrame({"case_key": [1, 1, 1, 2], "event_seq": [1, 2, 3, 1], "resource_key": [5, 4, 5, 4]})
    >>> discover_working_together(persons_of_cases(log)).rows()
    [(4, 5, 1)]
    """
    sizes = persons.group_by("case_key").agg(_size=nw.len()).sort("case_key")
    sizes = _counted(sizes, "_size").filter(nw.col("_size") > 1)
    sizes = sizes.with_columns(_part=(nw.col("_size") * nw.col("_size")).cum_sum() // _MOST_PAIRS)
    persons = persons.join(sizes.select("case_key", "_part"), on="case_key")
    found = [_pairs(persons.filter(nw.col("_part") == part)) for part in sorted(set(sizes["_part"].to_list()))]
    if not found:
        found = [_pairs(persons)]
    return collected(nw.concat(found).group_by(*PAIR).agg(nw.col("case_count").sum()), order=PAIR)


def _pairs(persons: nw.DataFrame) -> Frame:
    others = persons.select("case_key", nw.col("resource_key").alias(PAIR[1]))
    both = persons.join(others, on="case_key").filter(nw.col(PAIR[0]) < nw.col(PAIR[1]))
    return _counted(both.group_by(*PAIR).agg(nw.len().alias("case_count")), "case_count")


def _counted(frame: nw.DataFrame, column: str) -> nw.DataFrame:
    return frame.with_columns(nw.col(column).cast(nw.Int64()))


def measure_working_together(persons: nw.DataFrame, cases: nw.DataFrame, *, k: int) -> WorkingTogether:
    """How many persons work on a case, and how long cases of so many take. persons: as `persons_of_cases` makes them.
    cases: `case_key`, `duration_us`.

    A row is shown if at least `k` persons stand behind it, and behind what is left out of all; the row of cases without a
    known person always.
    """
    persons, codes, counts = numbered(persons, ["case_key"])
    sizes = np.bincount(codes, minlength=len(counts))
    backend = persons.implementation
    counts = counts.with_columns(nw.new_series("persons_per_case", sizes, nw.Int64(), backend=backend))
    per_case = cases.select("case_key", "duration_us").join(counts, on="case_key", how="left")
    per_case = per_case.with_columns(nw.col("persons_per_case").fill_null(0))
    of_person = nw.new_series("persons_per_case", sizes[codes], nw.Int64(), backend=backend)
    incidence = different_pairs(persons.with_columns(of_person), "persons_per_case", "resource_key")
    shown = set(publishable(incidence, by=["persons_per_case"], k=k)["persons_per_case"].to_list())
    behind = incidence.group_by("persons_per_case").agg(nw.len().alias("person_count"))
    behind = _counted(behind, "person_count")
    times = summarise_durations(per_case, by=["persons_per_case"], quantiles={"median_seconds": MEDIAN})
    rows = times.rename({"duration_count": "case_count"}).join(behind, on="persons_per_case", how="left")
    rows = rows.with_columns(nw.col("person_count").fill_null(0), case_share=ratio("case_count", max(len(per_case), 1)))
    kept = rows.filter(nw.col("persons_per_case").is_in([0, *sorted(shown)]))
    return WorkingTogether(
        rows=collected(kept.select(*_COLUMNS), order=["persons_per_case"]),
        hidden_count=len(behind) - len(shown),
        mean_persons_per_case=len(persons) / len(per_case) if len(per_case) else None,
    )
