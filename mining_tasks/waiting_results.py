"""The tables of performance in time, from a log and what its process declares."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import narwhals as nw
import polars as pl

from mining_tasks.calendars_declared import Performance
from mining_tasks.io import Log
from mining_tasks.waiting import PARTS, WORKING_PARTS, Hours, Times, split_times
from mining_tasks.waiting_times import measure_activity_times, measure_arc_times, measure_process_times

TABLES = ("case_times", "process_times", "activity_times", "arc_times")


@dataclass(frozen=True)
class Facts:
    """What performance needs beside the log. declared: of the process. attributes: `case_key` and the declared
    attributes of cases. resources: resource_key -> pseudonym, of the resources that are declared.
    automated: activity_key -> whether a machine does it.
    """

    declared: Performance = field(default_factory=Performance)
    attributes: pl.DataFrame | None = None
    resources: Mapping[int, str] = field(default_factory=dict)
    automated: Mapping[int, bool] = field(default_factory=dict)


def measure_performance(log: Log, facts: Facts, *, k: int) -> dict[str, nw.DataFrame]:
    """The tables of `TABLES` for a log whose cases may be shown one by one; `k`: persons behind a figure about persons."""
    times = split_times(log.events, hours=hours_of(log, facts))
    if times.cases.is_empty():
        return {}
    return {
        "case_times": _case_times(log, times),
        "process_times": measure_process_times(times),
        "activity_times": measure_activity_times(times),
        "arc_times": measure_arc_times(times),
    }


def hours_of(log: Log, facts: Facts) -> Hours:
    """Who works when, in the keys of the log."""
    declared = facts.declared
    by_case = None
    if declared.by_attribute and facts.attributes is not None:
        column, names = declared.by_attribute
        value = pl.col(column).cast(pl.String)
        by_case = facts.attributes.select(
            "case_key", value.replace_strict(names, return_dtype=pl.String, default=None).alias("calendar")
        )
    return Hours(
        calendars=declared.calendars,
        process=declared.calendar,
        by_case=by_case,
        by_activity={
            key: declared.by_activity[name] for key, name in log.activities.items() if name in declared.by_activity
        },
        by_resource={key: declared.by_resource[name] for key, name in facts.resources.items()},
    )


def _case_times(log: Log, times: Times) -> nw.DataFrame:
    measured = ["throughput_us", *PARTS, "working_throughput_us", *WORKING_PARTS]
    cases = times.cases.join(log.cases.select("case_key", "case_id"), on="case_key", maintain_order="left")
    exact = [pl.col(name).alias(f"{name.removesuffix('_us')}_microseconds") for name in measured]
    return nw.from_native(cases.select("case_id", "case_key", "calendar", *exact))
