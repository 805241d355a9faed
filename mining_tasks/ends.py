"""Start and end activities: what cases begin and end with."""

from dataclasses import dataclass

import narwhals as nw
from narwhals.typing import IntoFrame

from mining_tasks.case_kpis import measure_cases
from mining_tasks.frames import collected, ratio


@dataclass(frozen=True)
class StartAndEndActivities:
    """starts, ends: one row per activity, sorted by `activity_key`: `activity_key`, `case_count`, `case_share`."""

    starts: nw.DataFrame
    ends: nw.DataFrame


def discover_ends(events: IntoFrame) -> StartAndEndActivities:
    """Which activity is first and which last in how many cases."""
    return count_ends(measure_cases(events))


def count_ends(cases: nw.DataFrame) -> StartAndEndActivities:
    """The same from the figures per case, as `measure_cases` gives them."""
    return StartAndEndActivities(starts=_counted(cases, "start_activity_key"), ends=_counted(cases, "end_activity_key"))


def _counted(cases: nw.DataFrame, column: str) -> nw.DataFrame:
    counts = cases.group_by(nw.col(column).alias("activity_key")).agg(nw.len().alias("case_count"))
    return collected(counts.with_columns(case_share=ratio("case_count", len(cases))), order=["activity_key"])
