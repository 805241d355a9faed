"""Figures of a whole process: one number each for its size, its durations and its rework."""

from dataclasses import dataclass

import narwhals as nw
from narwhals.typing import IntoFrame

from mining_tasks.durations import summarise_all
from mining_tasks.frames import events_of


@dataclass(frozen=True)
class ProcessKpis:
    """Durations are throughput times of cases (latest end minus earliest begin), in seconds, open cases included;
    `closed_*` without them. None where there is nothing to measure.
    """

    case_count: int
    open_case_count: int
    event_count: int
    activity_count: int
    first_us: int | None
    last_us: int | None
    mean_seconds: float | None
    median_seconds: float | None
    p90_seconds: float | None
    min_seconds: float | None
    max_seconds: float | None
    closed_mean_seconds: float | None
    closed_median_seconds: float | None
    mean_events_per_case: float | None
    rework_case_count: int
    rework_case_share: float | None
    resource_count: int


def measure_process(events: IntoFrame, cases: nw.DataFrame) -> ProcessKpis:
    """The figures of a process. cases: the figures per case (`measure_cases`) with `is_open`."""
    frame = events_of(events)
    resources = _scalar(frame.select("resource_key").unique().filter(~nw.col("resource_key").is_null()))
    activities = _scalar(frame.select("activity_key").unique())
    durations = cases["duration_us"]
    everything, closed = (summarise_all(some) for some in (durations, durations.filter(~cases["is_open"])))
    case_count, event_count = len(cases), int(cases["event_count"].sum() or 0)
    reworked = int((cases["rework_count"] > 0).sum())
    return ProcessKpis(
        case_count=case_count,
        open_case_count=int(cases["is_open"].sum()),
        event_count=event_count,
        activity_count=activities,
        first_us=cases["started_us"].min(),
        last_us=cases["ended_us"].max(),
        mean_seconds=everything.get("mean_seconds"),
        median_seconds=everything.get("median_seconds"),
        p90_seconds=everything.get("p90_seconds"),
        min_seconds=everything.get("min_seconds"),
        max_seconds=everything.get("max_seconds"),
        closed_mean_seconds=closed.get("mean_seconds"),
        closed_median_seconds=closed.get("median_seconds"),
        mean_events_per_case=event_count / case_count if case_count else None,
        rework_case_count=reworked,
        rework_case_share=reworked / case_count if case_count else None,
        resource_count=resources,
    )


def _scalar(frame: nw.DataFrame | nw.LazyFrame) -> int:
    counted = frame.select(nw.len().alias("n"))
    if isinstance(counted, nw.LazyFrame):
        counted = counted.collect()
    return int(counted.item(0, "n"))
