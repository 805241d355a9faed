"""Scattered case: the steps of one case are spread over several sources, or stand under several ids.

Signature: gaps. A case lacks the steps that another id, in another form of writing, has.
"""

import re

from expectations.checks import Check
from expectations.declaration import GateDeclaration
from expectations.patterns.knowledge import Knowledge
from expectations.sql_text import literal


def scattered_case(declared: GateDeclaration, known: Knowledge) -> Check:
    """Two case ids that are one id written in two ways (upper case, separators, leading zeros, `.0`, a declared prefix
    of a system), with no activity in common: each has what the other lacks.

    Suriadi et al. (2017), pattern 6. Of the touched cases alone, so all of them in a full build. Which other
    cases there are decides it, so it cannot quarantine.
    """
    p = f"candidate.{declared.name}__"
    prefixes = "|".join(re.escape(prefix) for prefix in known.prefixes)
    bare = f"regexp_replace(case_id, {literal(f'^({prefixes})')}, '')" if prefixes else "case_id"
    return Check(
        "scattered_case",
        "warn",
        "each case under one id",
        "map the ids onto one in the model; a system's prefix is declared under patterns: scattered_case: prefixes",
        f"""
        with bare as (
            select case_id, case_key,
                   regexp_replace(lower(regexp_replace({bare}, '\\.0+$', '')), '[^[:alnum:]]+', '-', 'g') as id
            from {p}cases),
        parts as (
            select case_id, case_key,
                   regexp_replace(regexp_replace(id, '([[:alpha:]])([[:digit:]])', '\\1-\\2', 'g'),
                                  '([[:digit:]])([[:alpha:]])', '\\1-\\2', 'g') as id
            from bare),
        written as (
            select case_id, case_key, btrim(regexp_replace(id, '(^|-)0+(?=[[:digit:]])', '\\1', 'g'), '-') as id
            from parts),
        forms as (
            select case_id, case_key, id from written
            union
            select case_id, case_key, replace(id, '-', '') from parts),
        alike as (
            select distinct one.case_id, one.case_key, other.case_id as other_id, other.case_key as other_key
            from forms as one inner join forms as other on one.id = other.id and one.case_id <> other.case_id
            where one.id <> '')
        select case_id, case_id || ' and ' || other_id || ' are one id in two ways of writing, with different activities'
                   as reason
        from alike
        where not exists (
            select 1 from {p}events as e inner join {p}events as f on e.activity_key = f.activity_key
            where e.case_key = alike.case_key and f.case_key = alike.other_key)""",
        is_per_case=True,
        checked=f"select count(*) from {p}cases",
        dimension="referential",
        pattern="scattered case",
        scope="log",
    )
