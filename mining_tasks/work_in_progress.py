"""Work in progress and queues per day, arrivals and completions, and Little's law held against them.

Little (1961), A proof for the queuing formula L = lambda W: of a stable process the mean number of cases in progress is
the arrival rate times the mean throughput time.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from mining_tasks.groups import place_among

LONGEST_DAYS = 36_600
TOLERANCE = 0.1


@dataclass(frozen=True)
class Days:
    """Calendar days in a zone. bounds_us: midnights, one more than days."""

    days: list[date]
    bounds_us: np.ndarray


def days_between(first_us: int, last_us: int, *, zone: str = "UTC") -> Days:
    """The days of `zone` that two instants and what is between them fall on; the last one ends just after the second
    instant, as nothing is known of what comes later. ValueError if there are too many.
    """
    known = ZoneInfo(zone)
    begin, end = (
        (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(at))).astimezone(known).date()
        for at in (first_us, last_us)
    )
    count = (end - begin).days + 1
    if count > LONGEST_DAYS:
        raise ValueError(f"{count} days: expected at most {LONGEST_DAYS}")
    days = [begin + timedelta(days=n) for n in range(count + 1)]
    bounds = [datetime(day.year, day.month, day.day, tzinfo=known).astimezone(UTC) for day in days]
    in_us = [(bound - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) for bound in bounds]
    return Days(days[:-1], np.array([*in_us[:-1], last_us + 1], np.int64))


def count_in_progress(
    days: Days, entered_us: np.ndarray, left_us: np.ndarray, stays: np.ndarray | None = None
) -> pl.DataFrame:
    """One row per day of what enters and leaves: `day`, `entered_count`, `left_count`, `end_count` (in progress at the
    end of the day), `busy_us` (time in progress of all together) and `mean_count` (of the day, by time).

    stays: what has not left when it was last seen (`left_us`): it is in progress until the end, and never leaves.
    """
    stays = np.zeros(len(entered_us), bool) if stays is None else stays
    bounds, count = days.bounds_us, len(days.days)
    left = np.where(stays, bounds[-1], left_us)
    entered_day = place_among(bounds, entered_us) - 1
    left_day = np.minimum(place_among(bounds, left) - 1, count)
    entered = np.bincount(entered_day, minlength=count)[:count]
    leaving = np.bincount(left_day, minlength=count + 1)[:count]
    end = np.cumsum(entered) - np.cumsum(leaving)
    start = end - entered + leaving
    busy = start * np.diff(bounds)
    rest = np.zeros(count, np.int64)
    np.add.at(rest, entered_day, bounds[entered_day + 1] - entered_us)
    within = left_day < count
    np.subtract.at(rest, left_day[within], bounds[left_day[within] + 1] - left[within])
    busy = busy + rest
    return pl.DataFrame(
        {
            "day": days.days,
            "entered_count": entered.astype(np.int64),
            "left_count": leaving.astype(np.int64),
            "end_count": end.astype(np.int64),
            "busy_us": busy,
            "mean_count": busy / np.diff(bounds),
        },
        schema_overrides={"day": pl.Date},
    )


def check_littles_law(
    days: Days, in_progress: pl.DataFrame, ended_us: np.ndarray, durations_us: np.ndarray
) -> pl.DataFrame:
    """Little's law in each calendar month and over all days (`window_kind` month or whole), oldest first.

    in_progress: of `count_in_progress`. ended_us, durations_us: of the cases that were completed. Columns:
    `window_start`, `day_count`, `arrival_count`, `completion_count`, `mean_in_progress` (L), `arrivals_per_day`
    (lambda), `completions_per_day`, `mean_throughput_seconds` (W, of the cases completed in the window; null if none),
    `expected_in_progress` (lambda W), `residual` (L - lambda W), `relative_residual` (of L), `is_stable` (arrivals and
    completions differ by at most a tenth), `is_consistent` (L and lambda W do).
    """
    windows = [("whole", 0, len(days.days))]
    places = range(len(days.days))
    for _, month in groupby(places, key=lambda place: (days.days[place].year, days.days[place].month)):
        span = list(month)
        windows.append(("month", span[0], span[-1] + 1))
    rows = [_window(days, in_progress, ended_us, durations_us, *window) for window in windows]
    return pl.DataFrame(rows, schema_overrides={"window_start": pl.Date}, infer_schema_length=None)


def _window(
    days: Days, in_progress: pl.DataFrame, ended: np.ndarray, durations: np.ndarray, kind: str, first: int, last: int
) -> dict:
    begin, end = int(days.bounds_us[first]), int(days.bounds_us[last])
    part = in_progress[first:last]
    length = (end - begin) / 86_400_000_000
    arrivals, completions = int(part["entered_count"].sum()), int(part["left_count"].sum())
    mean = sum(part["busy_us"].to_list()) / (end - begin)
    done = durations[(ended >= begin) & (ended < end)]
    throughput = _total(done) / len(done) / 1_000_000 if len(done) else None
    expected = None if throughput is None else arrivals / length * throughput / 86_400
    residual = None if expected is None else mean - expected
    relative = residual / mean if residual is not None and mean else None
    return {
        "window_kind": kind,
        "window_start": days.days[first],
        "day_count": last - first,
        "arrival_count": arrivals,
        "completion_count": completions,
        "mean_in_progress": mean,
        "arrivals_per_day": arrivals / length,
        "completions_per_day": completions / length,
        "mean_throughput_seconds": throughput,
        "expected_in_progress": expected,
        "residual": residual,
        "relative_residual": relative,
        "is_stable": abs(arrivals - completions) <= TOLERANCE * max(arrivals, completions),
        "is_consistent": None if relative is None else abs(relative) <= TOLERANCE,
    }


def _total(durations: np.ndarray) -> int:
    """The exact sum, however large."""
    whole, part = np.divmod(durations, 1_000_000)
    return int(whole.sum()) * 1_000_000 + int(part.sum())
