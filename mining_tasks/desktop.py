"""Desktop work: what an action's time is, how long people are in which application, how they switch between them.

Actions: one row per action, columns `case_key` (the session), `event_seq`, `step` and `application` (text),
`counted_us`, `resource_key` (the person).
"""

from dataclasses import dataclass

import narwhals as nw
from narwhals.typing import Frame

from mining_tasks.durations import MEDIAN, summarise_durations
from mining_tasks.frames import MICROSECONDS, collected, events_of, neighbour

ACTION_COLUMNS = ("case_key", "event_seq", "step", "application", "counted_us", "resource_key")
IDLE_AFTER_SECONDS = 300
MEASURED_ACTIONS = ("use_window",)  # their duration is the agent's own measure, absences already taken out


@dataclass(frozen=True)
class Switches:
    """switches: one row per pair, sorted: `source_application`, `target_application`, `switch_count`, `session_count`,
    `person_count`, `switch_share` (of all switches given).
    """

    switches: nw.DataFrame


def count_time(actions: nw.DataFrame, *, idle_after_seconds: int = IDLE_AFTER_SECONDS) -> nw.DataFrame:
    """Add `counted_us`, the hands-on time of each action, to a frame with `action` and `duration_us`.

    Recorders note moments: an action's time runs to the next action of the session, but for `idle_after_seconds` at
    most, since nobody knows what a longer pause was. What the agent itself measured (the use of a window) counts
    whole. An action without a duration (the last of a session) counts 0.
    """
    limit = idle_after_seconds * MICROSECONDS
    capped = nw.when(nw.col("duration_us") > limit).then(limit).otherwise(nw.col("duration_us"))
    measured = nw.col("action").is_in(list(MEASURED_ACTIONS))
    counted = nw.when(measured).then(nw.col("duration_us")).otherwise(capped)
    return actions.with_columns(counted_us=counted).with_columns(nw.col("counted_us").fill_null(0).cast(nw.Int64()))


def measure_application_time(actions: nw.DataFrame) -> nw.DataFrame:
    """One row per application, sorted: `application`, `action_count`, `session_count`, `person_count`,
    `total_seconds` (counted time), `time_share` (of the time of all actions given), `mean_seconds_per_session`.
    """
    times = summarise_durations(actions, by=["application"], value="counted_us", quantiles={"median_seconds": MEDIAN})
    rows = (
        times.select("application", "total_seconds", nw.col("duration_count").alias("action_count"))
        .join(_distinct(actions, ["application"], "case_key", "session_count"), on="application")
        .join(_distinct(actions, ["application"], "resource_key", "person_count"), on="application")
    )
    everything = summarise_durations(
        actions.with_columns(_all=nw.col("event_seq") * 0), by=["_all"], value="counted_us", quantiles={}
    )
    total = everything["total_seconds"].to_list()[0] if len(everything) else 0.0
    rows = rows.with_columns(_total=nw.col("total_seconds") * 0.0 + total).with_columns(
        time_share=nw.when(nw.col("_total") > 0).then(nw.col("total_seconds") / nw.col("_total")).otherwise(0.0),
        mean_seconds_per_session=nw.col("total_seconds") / nw.col("session_count").cast(nw.Float64()),
    )
    columns = (
        "application",
        "action_count",
        "session_count",
        "person_count",
        "total_seconds",
        "time_share",
        "mean_seconds_per_session",
    )
    return collected(rows.select(*columns), order=["application"])


def switches_between(actions: nw.DataFrame) -> nw.DataFrame:
    """Each time that the next action of a session is in another application: `case_key`, `event_seq` (of the action
    before), `source_application`, `target_application`, `resource_key`.
    """
    frame = events_of(actions, needs=("case_key", "event_seq", "application", "resource_key"))
    pairs = frame.select(
        "case_key",
        "event_seq",
        "resource_key",
        nw.col("application").alias("source_application"),
        neighbour(frame, "application", offset=1).alias("target_application"),
    )
    return pairs.filter(
        ~nw.col("target_application").is_null(), nw.col("source_application") != nw.col("target_application")
    )


def count_switches(switches: nw.DataFrame) -> Switches:
    """Count switches as `switches_between` gives them."""
    by = ["source_application", "target_application"]
    rows = (
        switches.group_by(*by)
        .agg(nw.len().alias("switch_count"))
        .join(_distinct(switches, by, "case_key", "session_count"), on=by)
        .join(_distinct(switches, by, "resource_key", "person_count"), on=by)
        .with_columns(_total=nw.col("switch_count") * 0 + len(switches))
        .with_columns(switch_share=nw.col("switch_count").cast(nw.Float64()) / nw.col("_total").cast(nw.Float64()))
    )
    columns = (*by, "switch_count", "session_count", "person_count", "switch_share")
    return Switches(switches=collected(rows.select(*columns), order=by))


def _distinct(frame: Frame, by: list[str], column: str, name: str) -> Frame:
    seen = frame.filter(~nw.col(column).is_null()).select(*by, column).unique()
    counts = seen.group_by(*by).agg(nw.len().alias(name))
    return frame.select(*by).unique().join(counts, on=by, how="left").with_columns(nw.col(name).fill_null(0))
