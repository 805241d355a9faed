"""The checks of times: what a time may be at all, and what it may be beside the other times of its case.

Each judges a case by its own rows and `as_of`. How round the times of an activity are as a whole is seen in history.py.
"""

from datetime import UTC, datetime, time

from expectations.checks import Check
from expectations.declaration import GateDeclaration
from expectations.sql_text import literal, shown


def timestamp_checks(declared: GateDeclaration, as_of: datetime) -> list[Check]:
    """No time in the future, before the earliest, in place of one, rounded or doubled; no end before its start."""
    p = f"candidate.{declared.name}__"
    events = f"select count(*) from {p}events"
    latest = as_of + declared.future_tolerance
    horizon = literal(latest)
    earliest = literal(datetime.combine(declared.earliest, time(), UTC))
    repair = "repair the time in the source; the cases come back by themselves"
    end_before_start = [
        f"""
        select case_id, activity || ' (' || source_table || ' ' || source_key || ') ends ' || {shown("occurred_at")}
               || ', before its start ' || {shown("started_at")} as reason
        from {p}events where started_at > occurred_at"""
    ]
    end_before_start += [
        f"""
        select case_id, '{end} ' || {end} || ' is before {start} ' || {start} from {p}attributes where {end} <
            {start}"""
        for start, end in declared.ends_after
    ]
    return [
        Check(
            "not_in_future",
            "quarantine",
            f"no event later than {latest:%Y-%m-%d %H:%M} UTC",
            repair,
            f"""
            select case_id, activity || ' (' || source_table || ' ' || source_key || ') at ' ||
                {shown("greatest(occurred_at, started_at)")} as reason
            from {p}events where occurred_at > {horizon} or started_at > {horizon}""",
            is_per_case=True,
            checked=events,
            dimension="validity",
        ),
        Check(
            "not_before_earliest",
            "quarantine",
            f"no event before {declared.earliest}",
            repair + "; or declare another `earliest`",
            f"""
            select case_id, activity || ' (' || source_table || ' ' || source_key || ') at ' ||
                {shown("least(occurred_at, started_at)")} as reason
            from {p}events where occurred_at < {earliest} or started_at < {earliest}""",
            is_per_case=True,
            checked=events,
            dimension="validity",
        ),
        Check(
            "end_not_before_start",
            "quarantine",
            "no end before its start",
            repair,
            " union all ".join(end_before_start),
            is_per_case=True,
            checked=events,
            dimension="validity",
        ),
        Check(
            "duration_not_negative",
            "quarantine",
            "no case that ends before it starts",
            repair,
            f"""
            select case_id, 'ends ' || {shown("ended_at")} || ', before its start ' || {shown("started_at")} as reason
            from {p}cases where ended_at < started_at""",
            is_per_case=True,
            dimension="validity",
        ),
        _placeholders(declared),
        *_round_times(declared),
        *_daylight_saving(declared),
    ]


def _placeholders(declared: GateDeclaration) -> Check:
    """Midnight of a day that stands for `no date`, in UTC or in the source's zone."""
    p = f"candidate.{declared.name}__"
    zones = sorted({"UTC", declared.source_zone})
    moments = [
        f"({literal(day.isoformat())}::date)::timestamp at time zone {literal(zone)}"
        for day in declared.placeholders
        for zone in zones
    ]
    listed = f"({', '.join(moments)})"
    return Check(
        "no_placeholder_date",
        "quarantine",
        "no date that stands for none, such as 1900-01-01 or 1970-01-01 00:00",
        "repair the time in the source; the cases come back by themselves; or declare other `placeholders`",
        f"""
        select case_id, activity || ' (' || source_table || ' ' || source_key || ') at ' ||
            {shown(f"case when occurred_at in {listed} then occurred_at else started_at end")} as reason
        from {p}events where occurred_at in {listed} or started_at in {listed}"""
        if moments
        else "select null::text as case_id, '' as reason where false",
        is_per_case=True,
        checked=f"select count(*) from {p}events",
        dimension="validity",
    )


def _round_times(declared: GateDeclaration) -> list[Check]:
    """Times that were rounded, seen within the case: at midnight beside times that are precise to the second; and two
    or more at whole hours with none at another whole minute, as a log that is precise to the minute would have them.

    By chance one time in 86,400 is a midnight, and one case of ten events in about 300,000 has two whole hours.
    """
    p, zone = f"candidate.{declared.name}__", literal(declared.source_zone)
    local = f"occurred_at at time zone {zone}"
    exempt = f"and activity not in ({', '.join(map(literal, declared.date_only))})" if declared.date_only else ""
    repair = "see whether the source knows the time of day; declare activities that have only a day in `date_only`"
    events = f"select count(*) from {p}events"
    return [
        Check(
            "not_at_midnight",
            "warn",
            "no time at midnight in a case whose other times are precise to the second",
            repair,
            f"""
            select case_id, activity || ' (' || source_table || ' ' || source_key || ') at ' || {shown("occurred_at")}
                as reason
            from {p}events as events
            where extract(second from occurred_at) = 0 and ({local})::time = '00:00' {exempt}
              and exists (select from {p}events as other where other.case_key = events.case_key
                          and extract(second from other.occurred_at) <> 0)""",
            is_per_case=True,
            checked=events,
            dimension="precision",
            tolerance=0.0001,
        ),
        Check(
            "not_at_whole_hours",
            "warn",
            "no case with two or more times at whole hours and none at another whole minute",
            repair,
            f"""
            select case_id, count(distinct occurred_at) || ' times at whole hours' as reason
            from {p}events
            where extract(second from occurred_at) = 0 and ({local})::time <> '00:00' {exempt}
            group by case_id
            having count(distinct occurred_at) >= 2 and bool_and(date_trunc('hour', {local}) = {local})""",
            is_per_case=True,
            checked=events,
            dimension="precision",
        ),
    ]


def _daylight_saving(declared: GateDeclaration) -> list[Check]:
    """Only where the source's zone is declared: what the change of its clocks does to times."""
    if declared.source_zone == "UTC":
        return []
    p, zone = f"candidate.{declared.name}__", literal(declared.source_zone)
    hour = "interval '1 hour'"
    checks = [
        Check(
            "no_daylight_saving_duplicate",
            "warn",
            f"no event twice, one hour apart, where the clocks of {declared.source_zone} are put back",
            "read the times of the source in UTC, or with their offset",
            f"""
            select first.case_id, first.activity || ' at ' || {shown("first.occurred_at")} || ' and one hour later'
                as reason
            from {p}events as first inner join {p}events as again
                on again.case_key = first.case_key and again.activity_key = first.activity_key
               and again.occurred_at = first.occurred_at + {hour} and again.resource is not distinct from first.resource
            where first.occurred_at at time zone {zone} = (first.occurred_at + {hour}) at time zone {zone}""",
            is_per_case=True,
            checked=f"select count(*) from {p}events",
            dimension="uniqueness",
        )
    ]
    if declared.has_wall_times:
        checks.append(
            Check(
                "local_time_exists",
                "warn",
                f"no time in an hour that the clocks of {declared.source_zone} skip",
                "find out what wrote a time that no clock showed",
                f"""
                select case_id, activity || ' (' || source_table || ' ' || source_key || ') at ' ||
                    to_char(occurred_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI') || ' local time' as reason
                from {p}events
                where (occurred_at at time zone 'UTC') at time zone {zone} at time zone {zone}
                    <> occurred_at at time zone 'UTC'""",
                is_per_case=True,
                checked=f"select count(*) from {p}events",
                dimension="validity",
            )
        )
    return checks
