"""The checks that compare with earlier days and runs: they only warn, for history never decides what is published.

All but one read the counts per day of the log as it will be published (counts.py), a few thousand rows.
"""

from datetime import date, datetime, timedelta

from expectations.build import Build
from expectations.checks import Check
from expectations.counts import counts_of, is_whole
from expectations.declaration import GateDeclaration
from expectations.sql_text import literal

_HISTORY, _FACTOR, _FLOOR = 8, 5, 100  # nights compared with, times their median, cases below which nothing is said
_WEEKS = 8  # of the same weekday that a day is compared with, before and after
_USUAL = 10  # events on the usual such day below which an empty one says nothing
_APART = 365  # days without an event that set dates apart
_STRAY_SHARE = 0.02  # of the events, at most: more of them are an earlier part of the log, not stray dates
_ROUND_SHARES = {"midnight": 0.05, "whole_hour": 0.2, "whole_minute": 0.5}  # a minute, an hour: by chance 1/60
_ROUND_EVENTS = 20
_RECENT, _BEFORE = 28, 182  # days
_PSI = 0.25  # population stability index: above it a distribution is held to have changed (Siddiqi, 2006)
_DRIFT_EVENTS, _DRIFT_CASES = 200, 100


def history_checks(declared: GateDeclaration, as_of: datetime, build: Build | None, run_id: str) -> list[Check]:
    """Gaps, stray dates, round times, volumes and drifts."""
    counts = counts_of(declared, build)
    checks = [
        _gaps(counts, as_of.date()),
        _stray_dates(counts),
        _round_times(declared, counts),
        _weekday(counts, as_of.date()),
        _activity_drift(counts, as_of.date()),
    ]
    if declared.max_age is not None:
        checks.append(_freshness(declared, counts, as_of))
    if not is_whole(build):
        checks.append(volume(declared, run_id))
        if declared.categories:
            checks.append(_category_drift(declared))
    return checks


def _gaps(counts: str, today: date) -> Check:
    """Days without any event where the same weekday usually has some; from the first day of the log to the last."""
    return Check(
        "no_gap",
        "warn",
        "no day without events on a weekday that usually has some",
        "see whether the source, or its copy, is whole; a public holiday is a gap too",
        f"""
        with days as (select day, sum(event_count) as found from ({counts}) as counts group by day),
        main as (  -- stray dates do not stretch the calendar
            select day, found, sum(found) over (order by day) as so_far, sum(found) over () as total from days),
        calendar as (
            select day::date from (
                select min(day) as first, least(max(day), {literal(today)} - 1) as last from main
                where so_far >= {_STRAY_SHARE} * total and so_far - found <= (1 - {_STRAY_SHARE} / 10) * total) as span,
                generate_series(first, last, interval '1 day') as day),
        filled as (
            select calendar.day, coalesce(days.found, 0) as found from calendar left join days using (day)),
        weekdays as (
            select day, found, array_agg(found) over (
                partition by extract(isodow from day) order by day
                rows between {_WEEKS} preceding and {_WEEKS} following) as near from filled),
        empty as (
            select day from weekdays
            where found = 0 and (select percentile_cont(0.5) within group (order by one) from unnest(near) as one)
                >= {_USUAL} and cardinality(near) >= {_WEEKS // 2}),
        runs as (
            select day, day - (dense_rank() over (order by day))::int as run from empty)
        select case when count(*) = 1 then min(day)::text
                    else min(day) || ' to ' || max(day) || ' (' || count(*) || ' days)' end as reason
        from runs group by run""",
        checked=f"select count(distinct day) from ({counts}) as counts",
        dimension="completeness",
        scope="log",
    )


def _stray_dates(counts: str) -> Check:
    """Few events, apart from all others by more than a year: 1948 in a log of 2018."""
    return Check(
        "no_stray_date",
        "warn",
        "no few events a year or more apart from all others",
        "repair the dates in the source, or declare `earliest`",
        f"""
        with days as (select day, sum(event_count) as found from ({counts}) as counts group by day),
        parts as (
            select day, found, sum(is_apart) over (order by day) as part from (
                select day, found, coalesce(day - lag(day) over (order by day) > {_APART}, false)::int as is_apart
                from days) as d),
        sizes as (select part, min(day) as first, max(day) as last, sum(found) as found from parts group by part)
        select found || ' events ' || case when first = last then 'on ' || first
                                           else 'from ' || first || ' to ' || last end as reason
        from sizes where found <= {_STRAY_SHARE} * (select sum(found) from sizes)
          and (select count(*) from sizes) > 1""",
        dimension="validity",
        scope="log",
    )


def _round_times(declared: GateDeclaration, counts: str) -> Check:
    """How precise the times of an activity are as a whole: the coarsest step that too many of them are on."""
    steps = " ".join(
        f"""when {name}_count > {share} * event_count then
            round(100.0 * {name}_count / event_count) || ' % of the times of ' || activity || ' are {told}'"""
        for (name, share), told in zip(_ROUND_SHARES.items(), ("midnight", "whole hours", "whole minutes"), strict=True)
    )
    exempt = f"where activity not in ({', '.join(map(literal, declared.date_only))})" if declared.date_only else ""
    return Check(
        "times_precise",
        "warn",
        "the times of every activity to the second: at most "
        + ", ".join(f"{share:.0%} at {name.replace('_', ' ')}s" for name, share in _ROUND_SHARES.items()),
        "order and waiting times within a day, or an hour, mean little there; declare activities that have only a "
        "day in `date_only`",
        f"""
        with activities as (
            select activity, sum(event_count) as event_count, sum(midnight_count) as midnight_count,
                   sum(whole_hour_count) as whole_hour_count, sum(whole_minute_count) as whole_minute_count
            from ({counts}) as counts {exempt} group by activity),
        told as (select case {steps} end as reason from activities where event_count >= {_ROUND_EVENTS})
        select reason from told where reason is not null""",
        checked=f"select count(distinct activity) from ({counts}) as counts",
        dimension="precision",
        scope="log",
    )


def _weekday(counts: str, today: date) -> Check:
    """The last whole day before the horizon against the same weekday of the weeks before."""
    day = literal(today - timedelta(days=1))
    return Check(
        "weekday_volume",
        "warn",
        f"within {_FACTOR} times the events of the same weekday",
        "see whether the source is whole",
        f"""
        with days as (
            select day::date, coalesce(found, 0) as found
            from generate_series({day}::date - 7 * {_WEEKS}, {day}::date, interval '7 days') as day
            left join (select day, sum(event_count) as found from ({counts}) as counts group by day) as d using (day)),
        usual as (
            select percentile_cont(0.5) within group (order by found) as usual from days
            where day < {day}::date and day >= (select min(day) from ({counts}) as counts))
        select found || ' events on ' || day || ', usually ' || round(usual) as reason from days, usual
        where day = {day}::date and greatest(found, usual) >= {_FLOOR} and usual > 0
          and (found * {_FACTOR} < usual or found > usual * {_FACTOR})""",
        dimension="volume",
        scope="log",
    )


def _freshness(declared: GateDeclaration, counts: str, as_of: datetime) -> Check:
    """The newest day with events against the horizon."""
    oldest = (as_of - declared.max_age).date()
    days = declared.max_age / timedelta(days=1)
    return Check(
        "freshness",
        "warn",
        f"an event within {days:g} days of {as_of:%Y-%m-%d}",
        "see whether the source still records, and whether its copy arrives; or declare another `max_age`",
        f"""
        with newest as (select max(day) as day from ({counts}) as counts where day <= {literal(as_of.date())})
        select 'the newest is of ' || day as reason from newest where day < {literal(oldest)}""",
        dimension="timeliness",
        scope="log",
    )


def _activity_drift(counts: str, today: date) -> Check:
    """The mix of activities of the last four weeks against the half year before; activities that are new."""
    start, before = today - timedelta(days=_RECENT), today - timedelta(days=_RECENT + _BEFORE)
    return Check(
        "activity_drift",
        "warn",
        f"the mix of activities of the last {_RECENT} days like that before (PSI at most {_PSI})",
        "see what changed in the process, or in how it is recorded",
        f"""
        with counted as (
            select activity,
                   sum(event_count) filter (where day >= {literal(start)}) as new,
                   sum(event_count) filter (where day < {literal(start)} and day >= {literal(before)}) as old,
                   min(day) as first_day
            from ({counts}) as counts where day < {literal(today)} group by activity),
        totals as (select sum(new) as new_total, sum(old) as old_total, min(first_day) as first_day from counted),
        shares as (
            select activity, greatest(coalesce(new, 0) / new_total, 0.0001) as new_share, counted.first_day,
                   greatest(coalesce(old, 0) / old_total, 0.0001) as old_share, new
            from counted, totals where new_total >= {_DRIFT_EVENTS} and old_total >= {_DRIFT_EVENTS}),
        terms as (
            select activity, new_share, old_share, (new_share - old_share) * ln(new_share / old_share) as term
            from shares)
        {_drifted("'activities'")}
        union all
        select 'new activity ' || activity || ' in ' || new || ' events' from shares, totals
        where shares.first_day >= {literal(start)} and totals.first_day < {literal(start - timedelta(days=_RECENT))}""",
        dimension="drift",
        scope="log",
    )


def _category_drift(declared: GateDeclaration) -> Check:
    """The values of the declared attributes in the touched cases against the published ones; values that are new."""
    columns = ", ".join(f"('{column}', {column}::text)" for column in declared.categories)
    published = f"event_log.{declared.name}_attributes"
    return Check(
        "category_drift",
        "warn",
        f"the values of {', '.join(declared.categories)} distributed as in the published cases (PSI at most {_PSI})",
        "see what changed in the process, or in how it is recorded",
        f"""
        with old as (
            select name, value, count(*) as found from {published}, lateral (values {columns}) as v (name, value)
            group by name, value),
        new as (
            select name, value, count(*) as found from candidate.{declared.name}__attributes,
                lateral (values {columns}) as v (name, value) group by name, value),
        counted as (
            select name, coalesce(value, 'no value') as value, coalesce(new.found, 0) as new, coalesce(old.found, 0) as old,
                   sum(new.found) over (partition by name) as new_total,
                   sum(old.found) over (partition by name) as old_total
            from new full join old using (name, value)),
        shares as (
            select name, value, new, old, greatest(new / new_total, 0.0001) as new_share,
                   greatest(old / old_total, 0.0001) as old_share
            from counted where new_total >= {_DRIFT_CASES} and old_total >= {_DRIFT_CASES}),
        terms as (
            select name, value as activity, new_share, old_share,
                   (new_share - old_share) * ln(new_share / old_share) as term from shares)
        {_drifted("name", group="group by name")}
        union all
        select name || ' has the new value ' || value || ' in ' || new || ' cases' from counted
        where old = 0 and new > 0 and old_total >= {_DRIFT_CASES}""",
        dimension="drift",
        scope="log",
    )


def _drifted(what: str, group: str = "") -> str:
    """SQL over `terms` of the index: where it is too high, what moved most."""
    return f"""
        select {what} || ': PSI ' || round(sum(term), 2) || ', most by ' ||
               (array_agg(activity order by term desc, activity collate "C"))[1] || ' (' ||
               round(100 * (array_agg(old_share order by term desc, activity collate "C"))[1], 1) || ' % to ' ||
               round(100 * (array_agg(new_share order by term desc, activity collate "C"))[1], 1) || ' %)' as reason
        from terms {group} having sum(term) > {_PSI}"""


def volume(declared: GateDeclaration, run_id: str) -> Check:
    """Compares the touched cases with those of earlier nights, of the same weekday where there are enough of them; a
    full build is not a night."""
    cases = f"select count(*) from candidate.{declared.name}__cases"
    return Check(
        "volume",
        "warn",
        f"within {_FACTOR} times the usual number of touched cases",
        "look whether the source is whole",
        f"""
        with nights as (
            select results.checked_count, results.checked_at, extract(isodow from runs.day) = (
                       select extract(isodow from day) from ops.runs where run_id = {literal(run_id)}) as is_same_weekday
            from quality.check_results as results left join ops.runs as runs on runs.run_id = results.run_id
            where results.subject = {literal(declared.name)} and results.layer = 'candidate'
              and results.check_name = 'volume' and results.run_id <> {literal(run_id)}),
        weekday as (
            select checked_count from nights where is_same_weekday order by checked_at desc limit {_HISTORY}),
        latest as (select checked_count from nights order by checked_at desc limit {_HISTORY}),
        earlier as (
            select checked_count from weekday where (select count(*) from weekday) >= {_HISTORY // 2}
            union all
            select checked_count from latest where (select count(*) from weekday) < {_HISTORY // 2}),
        usual as (
            select percentile_cont(0.5) within group (order by checked_count) as usual, count(*) as night_count
            from earlier),
        this as (select ({cases}) as found)
        select found || ' cases, usually ' || round(usual) as reason from this, usual
        where night_count >= {_HISTORY // 2} and greatest(found, usual) >= {_FLOOR}
          and (found * {_FACTOR} < usual or found > usual * {_FACTOR})""",
        checked=cases,
        dimension="volume",
        scope="log",
    )
