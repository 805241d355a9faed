"""The checks of times: what a time may be at all, and what it may be beside the other times of its case."""

from datetime import UTC, datetime, time

from expectations.checks import Check
from expectations.declaration import GateDeclaration
from expectations.sql_text import literal, shown


def timestamp_checks(declared: GateDeclaration, as_of: datetime) -> list[Check]:
    """No time in the future or before the earliest, no end before its start."""
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
    ]
