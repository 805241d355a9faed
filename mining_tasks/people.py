"""Results of work whose cases are people's own (a session is one person): only what at least k persons stand behind.

Nothing per case is published of it, rows below k are left out, figures below k are null. Rows are also left out where a
reader could find a row that was by subtracting from a total that is shown (see k_anonymity).
"""

from dataclasses import replace

import narwhals as nw

from mining_tasks.dfg import ARC, DirectlyFollowsGraph, successions
from mining_tasks.io import Log
from mining_tasks.k_anonymity import publishable
from mining_tasks.results import Results, Suppression
from mining_tasks.slow_transitions import rank_transitions
from mining_tasks.throughput import week_start_days
from mining_tasks.variants import rank_variants

_ALWAYS = ("as_of_us", "k_anonymity", "suppressed_count")


def protect(results: Results, log: Log, *, k: int) -> Results:
    """`results` as they may be published when each case is a person's own; `suppressions` says what was left out."""
    events = nw.from_native(log.events)
    pairs = successions(events, keep=("resource_key",))
    persons = events.select("case_key", "resource_key").unique()
    cases = results.cases.join(persons, on="case_key")
    before, tables = results.tables, dict(results.tables)  # those of desktop work are protected already

    arcs = publishable(pairs, by=ARC, k=k, margins=((), ARC[:1], ARC[1:]))
    graph = DirectlyFollowsGraph(edges=before["dfg"].join(arcs, on=list(ARC)).sort(*ARC))
    tables["dfg"], tables["slow_transitions"] = graph.edges, rank_transitions(graph)

    shown = publishable(results.variants.cases.join(persons, on="case_key"), by=["variant_id"], k=k)
    total = max(len(results.cases), 1)
    tables["variants"] = rank_variants(before["variants"].join(shown, on="variant_id"), total=total)

    ends = {}
    for table, column in (("start_activities", "start_activity_key"), ("end_activities", "end_activity_key")):
        seen = cases.select("resource_key", nw.col(column).alias("activity_key"))
        ends[table] = publishable(seen, by=["activity_key"], k=k)
        tables[table] = before[table].join(ends[table], on="activity_key").sort("activity_key")

    activities = _activities(log, events, k)
    tables["activity_kpis"] = _activity_kpis(
        before["activity_kpis"].join(activities, on="activity_key"), events, pairs, ends, k
    )
    tables["rework"] = _rework(before["rework"].join(activities, on="activity_key"), events, k)
    tables["throughput_by_week"] = _weeks(before["throughput_by_week"], cases, k)
    tables["case_kpis"] = before["case_kpis"].head(0)
    suppressions = {
        name: Suppression(len(frame), len(before[name]) - len(frame))
        for name, frame in tables.items()
        if name not in ("case_kpis", "repeated_sequences", *results.suppressions)
    }
    return replace(
        results,
        tables=tables,
        graph=graph,
        process_kpis=_totals(results, cases, k),
        suppressions=results.suppressions | suppressions,
    )


def _activities(log: Log, events: nw.DataFrame, k: int) -> nw.DataFrame:
    """Activities that may be shown, so that neither all of them nor an application's give one away that may not."""
    if log.actions is None:
        return publishable(events, by=["activity_key"], k=k)
    actions = nw.from_native(log.actions)
    shown = publishable(actions, by=["activity_key", "application"], k=k, margins=((), ("application",)))
    return shown.select("activity_key").unique()


def _activity_kpis(
    frame: nw.DataFrame, events: nw.DataFrame, pairs: nw.DataFrame, ends: dict[str, nw.DataFrame], k: int
) -> nw.DataFrame:
    """Figures of an activity that fewer than `k` persons stand behind become null."""
    arriving = pairs.select("resource_key", activity_key=nw.col(ARC[1]))
    lasting = events.filter(~nw.col("started_us").is_null())
    allowed = ends | {
        "waits": publishable(arriving, by=["activity_key"], k=k),
        "services": publishable(lasting, by=["activity_key"], k=k),
    }
    for table, columns in (
        ("start_activities", ["start_count"]),
        ("end_activities", ["end_count"]),
        ("waits", ["mean_wait_seconds", "median_wait_seconds", "p90_wait_seconds"]),
        ("services", ["service_count", "mean_service_seconds", "median_service_seconds"]),
    ):
        may_show = nw.col("activity_key").is_in(allowed[table]["activity_key"].to_list())
        frame = frame.with_columns(*(nw.when(may_show).then(nw.col(name)).alias(name) for name in columns))
    return frame.sort("activity_key")


def _rework(frame: nw.DataFrame, events: nw.DataFrame, k: int) -> nw.DataFrame:
    """Rows of activities that nobody repeats, or at least `k` persons do."""
    times = events.group_by("case_key", "activity_key").agg(nw.len().alias("_times")).filter(nw.col("_times") > 1)
    persons = events.select("case_key", "activity_key", "resource_key").unique()
    repeated = times.join(persons, on=["case_key", "activity_key"])
    shown = publishable(repeated, by=["activity_key"], k=k)["activity_key"].to_list()
    return frame.filter((nw.col("repeat_case_count") == 0) | nw.col("activity_key").is_in(shown)).sort("activity_key")


def _weeks(frame: nw.DataFrame, cases: nw.DataFrame, k: int) -> nw.DataFrame:
    """Weeks in which the sessions that started, and those that ended, are of nobody or of at least `k` persons."""
    closed = cases.filter(~nw.col("is_open"))
    for rows, column, count in ((cases, "started_us", "started_count"), (closed, "ended_us", "ended_count")):
        weeks = rows.select("resource_key", week_start_day=week_start_days(column))
        shown = publishable(weeks, by=["week_start_day"], k=k)["week_start_day"].to_list()
        frame = frame.filter((nw.col(count) == 0) | nw.col("week_start_day").is_in(shown))
    return frame.sort("week_start_day")


def _totals(results: Results, cases: nw.DataFrame, k: int) -> dict:
    kpis = dict(results.process_kpis)
    if _persons(cases) < k:
        return {name: value if name in _ALWAYS else None for name, value in kpis.items()}
    for condition, names in (
        (nw.col("rework_count") > 0, ("rework_case_count", "rework_case_share")),
        (nw.col("is_open"), ("open_case_count", "closed_mean_seconds", "closed_median_seconds")),
    ):
        some = _persons(cases.filter(condition))
        if 0 < some < k:
            kpis |= dict.fromkeys(names)
    return kpis


def _persons(cases: nw.DataFrame) -> int:
    return len(cases.filter(~nw.col("resource_key").is_null()).select("resource_key").unique())
