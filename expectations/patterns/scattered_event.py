"""Scattered event: something that happened is no event in the log; only the value of an attribute tells of it.

Signature: attributes other than the timestamp that can be read as a time (and with it as an event).
"""

import re
from collections.abc import Collection

from psycopg import sql

from expectations.checks import Check
from expectations.declaration import GateDeclaration
from expectations.patterns.knowledge import Knowledge
from expectations.sql_text import literal, shown

# times that say what was meant to happen, not what happened
_PLANS = re.compile(
    r"plan|due|expect|deadline|schedul|promis|commit|target|forecast|estimat|valid|until|birth|requested|_eta\b|^eta_"
)
_OWN = {"case_id", "case_key"}
_ISO = (
    r"(?:19|20)\d\d-[01]\d-[0-3]\d[ T][0-2]\d:[0-5]\d(?::[0-6]\d(?:\.\d+)?)?(?: ?(?:Z|[+-][01]\d(?::?[0-5]\d)?))?(?!\d)"
)
_ZONED = r"(Z|[+-]\d\d(:?\d\d)?)$"
_TIMELESS = "'{smallint,integer,bigint,numeric,real,double precision,boolean,date,uuid}'::regtype[]"  # hold no clock


def scattered_event(declared: GateDeclaration, known: Knowledge, attributes: Collection[str]) -> Check | None:
    """An attribute of a case holds a time (date and clock) within the case's life at which the case has no event.

    Suriadi et al. (2017), pattern 4. Looked at: values of every attribute, as ISO times or as texts that hold one; not
    those named after a plan (planned, due, expected, …) or declared under `ignore`. An event within a minute is the
    same; a text without a zone may differ from it by whole hours. Decided per case. None without attributes.
    """
    columns = sorted(
        name for name in attributes if name not in _OWN | set(known.scattered_ignore) and not _PLANS.search(name)
    )
    if not columns:
        return None
    named = [(literal(name), f"a.{sql.Identifier(name).as_string()}") for name in columns]
    values = ", ".join(
        f"({name}, case when pg_typeof({value}) <> all ({_TIMELESS}) then {value}::text end)" for name, value in named
    )
    p = f"candidate.{declared.name}__"
    return Check(
        "scattered_event",
        "warn",
        "no time in an attribute, within the case's life, without an event at that time",
        "make an event of it in the model, or declare the attribute under patterns: scattered_event: ignore",
        f"""
        with texts as materialized (  -- each value is searched once, however often what it holds is asked for
            select a.case_id, a.case_key, v.name, substring(v.value from {literal(_ISO)}) as held
            from {p}attributes as a cross join lateral (values {values}) as v (name, value)
            where length(v.value) >= 16 and v.value ~ '[12]\\d\\d\\d-[01]\\d-[0-3]\\d[ T]\\d\\d:'),
        times as materialized (
            select case_id, case_key, name, held ~ {literal(_ZONED)} as is_zoned,
                   held || case when held ~ {literal(_ZONED)} then '' else '+00' end as held
            from texts where held is not null),
        valid as (
            select case_id, case_key, name, is_zoned, held::timestamptz as held_at
            from times where pg_input_is_valid(held, 'timestamptz')),
        held as (
            select v.case_id, v.case_key, v.name, v.is_zoned, v.held_at
            from valid as v inner join {p}cases as c on v.case_key = c.case_key
            where v.held_at between c.started_at and c.ended_at),
        apart as (
            select h.case_key, h.name, h.held_at, h.is_zoned,
                   abs(extract(epoch from e.occurred_at - h.held_at)) as seconds,
                   abs(extract(epoch from e.started_at - h.held_at)) as started_seconds
            from held as h inner join {p}events as e on h.case_key = e.case_key)
        select held.case_id, held.name || ' holds ' || {shown("held.held_at")} || ', no event has that time' as reason
        from held left join (
            select case_key, name, held_at from apart
            where seconds < 60 or started_seconds < 60
               or (not is_zoned and seconds <= 14 * 3600 + 1 and mod(seconds + 1, 3600) < 2)
            group by case_key, name, held_at) as events
          on held.case_key = events.case_key and held.name = events.name and held.held_at = events.held_at
        where events.case_key is null""",
        is_per_case=True,
        checked=f"select count(*) from {p}attributes",
        dimension="completeness",
        pattern="scattered event",
    )
