"""Workload over time: how much is done each day, and by how many persons."""

import narwhals as nw
import numpy as np
from narwhals.typing import Frame, IntoFrame

from mining_tasks.frames import MICROSECONDS, collected, events_of
from mining_tasks.groups import count_different, numbered

_DAY_US = 86_400 * MICROSECONDS
_DAYS_BEFORE_EPOCH = 800_000  # keeps the division away from negative numbers, which engines round differently
_SHOWN = ("person_count", "person_event_count", "mean_events_per_person")


def count_work(events: IntoFrame) -> nw.DataFrame:
    """What each person does each day, which is never published: `work_day` (days since 1970-01-01, UTC), `resource_key`,
    `event_count`, sorted.

    >>> import polars as pl
    >>> log = pl.DataFrame({"case_key": [1, 1], "event_seq": [1, 2], "resource_key": [4, 4], "occurred_us": [-1, 5]})
    >>> count_work(log).rows()
    [(-1, 4, 1), (0, 4, 1)]
    """
    frame = _with_days(events).filter(~nw.col("resource_key").is_null())
    by = ["work_day", "resource_key"]
    if isinstance(frame, nw.DataFrame):
        _, codes, work = numbered(frame.select(*by), by)
        counts = np.bincount(codes, minlength=len(work))
        work = work.with_columns(nw.new_series("event_count", counts, nw.Int64(), backend=work.implementation))
    else:
        work = frame.group_by(*by).agg(nw.len().alias("event_count"))
    return collected(work, order=by)


def measure_workload(events: IntoFrame, *, k: int) -> nw.DataFrame:
    """One row per day (UTC) with an event, sorted by `work_day`: `event_count`, `case_count`, and of the events whose person
    is known `person_count`, `person_event_count`, `mean_events_per_person`, null where fewer than `k` persons did them, or
    where all days with a null would otherwise rest on fewer than `k`.

    An event counts on the day on which it happened (an interval: on which it ended).
    """
    frame = _with_days(events)
    days = frame.group_by("work_day").agg(nw.len().alias("event_count"))
    cases = count_different(frame, by=["work_day"], column="case_key", name="case_count")
    counted = collected(days.join(cases, on="work_day"), order=["work_day"])
    work = count_work(events)
    persons = work.group_by("work_day").agg(
        nw.len().alias("person_count"), nw.col("event_count").sum().alias("person_event_count")
    )
    persons = persons.with_columns(nw.col("person_count", "person_event_count").cast(nw.Int64()))
    persons = persons.filter(~nw.col("work_day").is_in(_hidden_days(work, persons, k))).with_columns(
        mean_events_per_person=nw.col("person_event_count").cast(nw.Float64())
        / nw.col("person_count").cast(nw.Float64())
    )
    rows = counted.join(persons, on="work_day", how="left")
    return collected(rows.select("work_day", "event_count", "case_count", *_SHOWN), order=["work_day"])


def _hidden_days(work: nw.DataFrame, persons: nw.DataFrame, k: int) -> list[int]:
    """The days of fewer than `k` persons, and the next smallest until those hidden rest on `k` together (as in
    `k_anonymity`, whose result this is for the margin of all days)."""
    sizes = sorted((count, day) for day, count in persons.select("work_day", "person_count").iter_rows())
    place = sum(count < k for count, _ in sizes)
    while 0 < place < len(sizes):
        hidden = work.filter(nw.col("work_day").is_in([day for _, day in sizes[:place]]))
        if hidden["resource_key"].n_unique() >= k:
            break
        place += 1
    return [day for _, day in sizes[:place]]


def _with_days(events: IntoFrame) -> Frame:
    frame = events_of(events, needs=("case_key", "event_seq", "resource_key", "occurred_us"))
    return frame.with_columns(
        work_day=(nw.col("occurred_us") + _DAYS_BEFORE_EPOCH * _DAY_US) // _DAY_US - _DAYS_BEFORE_EPOCH
    )
