"""Counts of the event log per day and activity, kept up with every publication by what it changes.

Gaps, volumes, drifts and round times of the whole log are seen in them, without reading the log again every night.
"""

import psycopg

from expectations.build import Build
from expectations.declaration import GateDeclaration
from expectations.sql_text import literal
from sluice.planning import are_few, in_order_of_storage, one_of

COLUMNS = ("event_count", "midnight_count", "whole_hour_count", "whole_minute_count", "whole_second_count")


def count_days(db: psycopg.Connection, declared: GateDeclaration, build: Build | None) -> None:
    """Make candidate.<process>__daily_counts: the counts as they will be of every day and activity that the candidate
    changes (0 where nothing is left); in a full rebuild of all of them. Quarantined cases are not counted."""
    p, zone = f"candidate.{declared.name}__", literal(declared.source_zone)
    counted = ", ".join(f"sum({column})::bigint as {column}" for column in COLUMNS)
    coming = f"""
        select {_stamped("occurred_at", zone)} from {p}events as e
        where not exists (select from {p}quarantined as q where q.case_id = e.case_id)"""
    is_few = not is_whole(build) and are_few(db, f"{p}touched_cases")
    touched = f"""select c.case_key from event_log.cases as c
            where c.process = {literal(declared.name)}
              and c.case_id {one_of(f"select t.case_id from {p}touched_cases as t", is_few=is_few)}"""
    leaving = f"""
        select {_stamped("e.occurred_at", zone)} from event_log.events as e
        where e.process = {literal(declared.name)} and e.case_key {one_of(touched, is_few=is_few)}"""
    sides = f"select day, activity, {_counts(1)} from ({coming}) as coming group by day, activity"
    if not is_whole(build):
        sides += f"""
        union all
        select day, activity, {_counts(-1)} from ({leaving}) as leaving group by day, activity"""
        change = f"select day, activity, {counted} from ({sides}) as sides group by day, activity"
        added = ", ".join(f"coalesce(old.{column}, 0) + change.{column} as {column}" for column in COLUMNS)
        changed = " or ".join(f"change.{column} <> 0" for column in COLUMNS)
        query = f"""select change.day, change.activity, {added} from ({change}) as change
            left join quality.daily_counts as old
                on old.process = {literal(declared.name)} and old.day = change.day and old.activity = change.activity
            where {changed}"""
    else:
        query = sides
    db.execute(f"drop table if exists {p}daily_counts")
    with in_order_of_storage(db, is_few=is_few):
        db.execute(f"create table {p}daily_counts as {query}")


def is_whole(build: Build | None) -> bool:
    """Whether the candidate is the whole log, so that its counts are all there are."""
    return build is None or build.is_full_rebuild


def counts_of(declared: GateDeclaration, build: Build | None) -> str:
    """SQL of the counts of the log as it will be published: day, activity, the counts; for `from (…) as counts`."""
    columns = ", ".join(("day", "activity", *COLUMNS))
    fresh = f"select {columns} from candidate.{declared.name}__daily_counts where event_count > 0"
    if is_whole(build):
        return fresh
    return f"""{fresh} union all select {columns} from quality.daily_counts as old
        where old.process = {literal(declared.name)} and not exists (
            select from candidate.{declared.name}__daily_counts as new
            where new.day = old.day and new.activity = old.activity)"""


def _stamped(time: str, zone: str) -> str:
    return f"({time} at time zone 'UTC')::date as day, activity, {time} as at, {time} at time zone {zone} as local"


def _counts(sign: int) -> str:
    # what is not on a whole second is none of the others: most times are done with after one look
    conditions = {
        "event_count": None,
        "midnight_count": "local::time = '00:00'",
        "whole_hour_count": "extract(second from local) = 0 and date_trunc('hour', local) = local",
        "whole_minute_count": "extract(second from local) = 0",
        "whole_second_count": "date_trunc('second', local) = local",
    }
    return ", ".join(
        f"{sign} * count(*) {f'filter (where {condition})' if condition else ''} as {column}"
        for column, condition in conditions.items()
    )
