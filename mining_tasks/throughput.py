"""Throughput by ISO week: how many cases started and ended, and how long those that ended had taken."""

import narwhals as nw
from narwhals.typing import Frame

from mining_tasks.durations import MEDIAN, summarise_durations
from mining_tasks.frames import MICROSECONDS, collected

_WEEK_US = 7 * 86_400 * MICROSECONDS
_EPOCH_IS_THURSDAY = 3  # days from Monday to 1970-01-01
_WEEKS_BEFORE_EPOCH = 104_000  # keeps the division away from negative numbers, which engines round differently


def measure_throughput(cases: Frame) -> nw.DataFrame:
    """One row per ISO week (Monday 00:00 to Sunday, UTC) in which a case started or a closed case ended.

    cases: `case_key`, `started_us`, `ended_us`, `duration_us`, `is_open`. Returns, sorted by `week_start_day` (days
    since 1970-01-01): `started_count`, `ended_count`, and `mean_seconds`, `median_seconds` of the throughput times of
    the cases that ended in the week (null if none did). Open cases start, but do not end.
    """
    starts = cases.select(_week=_week("started_us")).group_by("_week").agg(nw.len().alias("started_count"))
    closed = cases.filter(~nw.col("is_open")).select("duration_us", _week=_week("ended_us"))
    ends = summarise_durations(closed, by=["_week"], quantiles={"median_seconds": MEDIAN}).select(
        "_week", "mean_seconds", "median_seconds", nw.col("duration_count").alias("ended_count")
    )
    weeks = nw.concat([starts.select("_week"), ends.select("_week")]).unique()
    weeks = weeks.join(starts, on="_week", how="left").join(ends, on="_week", how="left")
    weeks = weeks.with_columns(
        nw.col("started_count", "ended_count").fill_null(0).cast(nw.Int64()),
        week_start_day=(nw.col("_week") - _WEEKS_BEFORE_EPOCH) * 7 - _EPOCH_IS_THURSDAY,
    )
    return collected(
        weeks.select("week_start_day", "started_count", "ended_count", "mean_seconds", "median_seconds"),
        order=["week_start_day"],
    )


def week_start_days(column: str) -> nw.Expr:
    """The Monday, in days since 1970-01-01, of the week that the microseconds in `column` fall in."""
    return (_week(column) - _WEEKS_BEFORE_EPOCH) * 7 - _EPOCH_IS_THURSDAY


def _week(column: str) -> nw.Expr:
    offset = _EPOCH_IS_THURSDAY * 86_400 * MICROSECONDS + _WEEKS_BEFORE_EPOCH * _WEEK_US
    return (nw.col(column) + offset) // _WEEK_US
