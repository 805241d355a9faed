"""The checks of what a case lacks, and of what its activities must follow: as declared, each case by its own rows.

Cases that are open for too long are found beside the others, in the log as it will be published.
"""

from datetime import datetime

from expectations.checks import Check
from expectations.declaration import GateDeclaration
from expectations.sql_text import literal, log_cases

_QUANTILE = 0.99  # of the finished cases' durations, where max_open_days is not declared
_FLOOR = 30  # finished cases below which nothing can be said


def completeness_checks(declared: GateDeclaration) -> list[Check]:
    """Starts, ends, mandatory activities and orders, as far as the process declares them."""
    p = f"candidate.{declared.name}__"
    cases = f"select count(*) from {p}cases"
    checks = []
    if declared.start_activities:
        checks.append(
            Check(
                "started_as_declared",
                "warn",
                f"every case to start with {_listed(declared.start_activities)}",
                "see what happened before the log begins, or declare the start in `start_activities`",
                f"""
                select case_id, 'starts with ' || activity as reason from {p}events
                where event_seq = 1 and activity not in ({_literals(declared.start_activities)})""",
                is_per_case=True,
                checked=cases,
                dimension="completeness",
            )
        )
    if declared.end_activities:
        checks.append(
            Check(
                "ended_as_declared",
                "warn",
                f"every finished case to end with {_listed(declared.end_activities)}",
                "see what the source lost, or declare the end in `end_activities`",
                f"""
                select events.case_id, 'ends with ' || events.activity as reason
                from {p}cases as cases inner join {p}events as events
                    on events.case_key = cases.case_key and events.event_seq = cases.event_count
                where not cases.is_open and events.activity not in ({_literals(declared.end_activities)})""",
                is_per_case=True,
                checked=cases,
                dimension="completeness",
            )
        )
    if declared.mandatory_activities:
        checks.append(_mandatory(declared))
    if declared.precedence:
        checks.append(_precedence(declared))
    return checks


def _mandatory(declared: GateDeclaration) -> Check:
    p = f"candidate.{declared.name}__"
    missing = "\nunion all\n".join(
        f"""select case_id, {literal(f"lacks {one.activity}")} as reason from {p}cases as cases
            where not is_open and not exists (
                select from {p}events as events
                where events.case_key = cases.case_key and activity in ({_literals((one.activity, *one.unless))}))"""
        for one in declared.mandatory_activities
    )
    return Check(
        "has_mandatory_activities",
        "warn",
        f"{_listed(tuple(one.activity for one in declared.mandatory_activities))} in every finished case",
        "see what the source lost, or change `mandatory_activities`",
        missing,
        is_per_case=True,
        checked=f"select count(*) from {p}cases",
        dimension="completeness",
    )


def _precedence(declared: GateDeclaration) -> Check:
    """A case with both activities in which the later one happens first, by its times."""
    p = f"candidate.{declared.name}__"
    reversed_pairs = "\nunion all\n".join(
        f"""select case_id, {literal(f"{later} comes before {earlier}")} as reason from {p}events
            where activity in ({_literals((earlier, later))}) group by case_id
            having min(occurred_at) filter (where activity = {literal(later)})
                 < min(occurred_at) filter (where activity = {literal(earlier)})"""
        for earlier, later in declared.precedence
    )
    return Check(
        "in_declared_order",
        "quarantine",
        "; ".join(f"{earlier} before {later}" for earlier, later in declared.precedence),
        "repair the times in the source; the cases come back by themselves; or change `order`",
        reversed_pairs,
        is_per_case=True,
        checked=f"select count(*) from {p}cases",
        dimension="consistency",
    )


def open_too_long(declared: GateDeclaration, as_of: datetime) -> Check:
    """Started and never finished: open at `as_of` for longer than declared, or than nearly all finished cases took."""
    now = literal(as_of)
    if declared.max_open_days is not None:
        limit = f"select {literal(declared.max_open_days)} * interval '1 day' as longest"
        expected = f"no case open for more than {declared.max_open_days:g} days"
    else:
        limit = f"""select case when count(*) >= {_FLOOR} then
                percentile_cont({_QUANTILE}) within group (order by ended_at - started_at) end as longest
            from log where not is_open"""
        expected = f"no case open for longer than {_QUANTILE:.0%} of the finished cases took"
    return Check(
        "not_open_too_long",
        "warn",
        expected,
        "see whether somebody still works on them; or declare `max_open_days`",
        f"""
        with log as materialized ({log_cases(declared.name, "case_id, started_at, ended_at, is_open")}),
        limits as ({limit})
        select case_id, 'open for ' || floor(extract(epoch from {now} - started_at) / 86400) || ' days' as reason
        from log, limits where is_open and {now} - started_at > longest""",
        is_per_case=True,
        dimension="completeness",
        scope="log",
    )


def _literals(values: tuple[str, ...]) -> str:
    return ", ".join(map(literal, values))


def _listed(values: tuple[str, ...]) -> str:
    return " or ".join([", ".join(values[:-1]), values[-1]] if len(values) > 1 else values)
