"""The checks of a candidate's structure: the tables, keys, counts and names that everything later rests on.

A failure here is the model's fault, not the data's: all of them block, for imported logs too. But for one: a time that
the source does not tell is the source's, and quarantines.
"""

from collections.abc import Sequence

from expectations.checks import Check
from expectations.declaration import GateDeclaration
from sluice.candidate_tables import never_null

_WITHOUT_NULLS = ("events", "cases", "attributes")


def _tests(table: str, columns: Sequence[str]) -> str:
    return ", ".join(f"case when {column} is null then '{table}.{column} is null' end" for column in columns)


def structure_checks(declared: GateDeclaration, *, has_untimed: bool = False) -> list[Check]:
    """No null, each key once, counted right, persons as pseudonyms alone.

    has_untimed: there is a table candidate.<process>__untimed of events whose time the source does not tell.
    """
    p = f"candidate.{declared.name}__"
    # a case may consist of such events alone: it has attributes then, and is kept out anyway
    timed = f"where case_id not in (select case_id from {p}untimed)" if has_untimed else ""
    events = f"select count(*) from {p}events"
    nulls = "\nunion all\n".join(
        f"""select case_id, concat_ws(', ', {_tests(table, columns)}) as reason from {p}{table}
            where num_nulls({", ".join(columns)}) > 0"""
        for table, columns in ((table, never_null(table)) for table in _WITHOUT_NULLS)
    )
    rebuild = "repair the model that makes it and build again"
    return [
        Check(
            "required_columns",
            "block",
            "no null in the required columns",
            "repair the source or the model",
            nulls,
            is_per_case=True,
            checked=events,
            dimension="completeness",
        ),
        Check(
            "event_id_unique",
            "block",
            "each event_id once",
            rebuild,
            f"""
            select min(case_id) as case_id, 'event_id of ' || min(source_table) || ' ' || min(source_key) || ' ' ||
                count(*) || ' times' as reason
            from {p}events where event_id is not null group by event_id having count(*) > 1""",
            is_per_case=True,
            checked=events,
            dimension="uniqueness",
        ),
        Check(
            "event_seq_contiguous",
            "block",
            "event_seq 1 to n in each case",
            rebuild,
            f"""
            select case_id, 'event_seq from ' || min(event_seq) || ' to ' || max(event_seq) || ' in ' || count(*) ||
                ' events' as reason
            from {p}events group by case_id
            having min(event_seq) <> 1 or max(event_seq) <> count(*) or count(distinct event_seq) <> count(*)""",
            is_per_case=True,
            checked=events,
            dimension="structure",
        ),
        Check(
            "case_key_unique",
            "block",
            "one case per case_key and one case_key per case",
            rebuild,
            f"""
            select min(case_id) as case_id, 'case_key ' || case_key || ' stands for ' || count(*) || ' rows' as reason
            from {p}cases where case_key is not null group by case_key having count(*) > 1
            union all
            select case_id, 'case_id has ' || count(*) || ' rows' from {p}cases group by case_id having count(*) > 1""",
            is_per_case=True,
            dimension="uniqueness",
        ),
        Check(
            "cases_match_events",
            "block",
            "each case with its events, counted right",
            rebuild,
            f"""
            with counted as (select case_id, case_key, count(*) as event_count from {p}events group by case_id,
                case_key)
            select coalesce(cases.case_id, counted.case_id) as case_id,
                   coalesce(cases.event_count, 0) || ' events in cases, ' || coalesce(counted.event_count, 0) ||
                       ' in events' as reason
            from {p}cases as cases full join counted on cases.case_id = counted.case_id and cases.case_key =
                counted.case_key
            where cases.event_count is distinct from counted.event_count""",
            is_per_case=True,
            dimension="structure",
        ),
        Check(
            "attributes_match_cases",
            "block",
            "one row of attributes per case",
            rebuild,
            f"""
            with counted as (select case_id, count(*) as row_count from {p}attributes {timed} group by case_id),
                cases as (select case_id from {p}cases {timed})
            select coalesce(cases.case_id, counted.case_id) as case_id,
                   coalesce(counted.row_count, 0) || ' rows of attributes for ' || count(cases.case_id) || ' cases'
                       as reason
            from cases full join counted on cases.case_id = counted.case_id
            group by 1, counted.row_count having coalesce(counted.row_count, 0) <> 1 or count(cases.case_id) <> 1""",
            is_per_case=True,
            dimension="structure",
        ),
        Check(
            "cases_touched",
            "block",
            "no case that this build did not touch",
            rebuild,
            f"""
            select case_id, 'is not in touched_cases' as reason from {p}cases as cases
            where not exists (select 1 from {p}touched_cases as touched where touched.case_id = cases.case_id)""",
            is_per_case=True,
            dimension="structure",
        ),
        Check(
            "resource_is_pseudonym",
            "block",
            "persons as pseudonyms alone",
            "see docs/quality.md: nothing that can be a name may pass",
            f"""
            select case_id, 'the resource of an event of ' || source_table || ' is not a pseudonym' as reason
            from {p}events where resource !~ '^[pk]_[0-9a-f][0-9a-f]*$' or length(resource) <> 18""",
            is_per_case=True,
            checked=events,
            dimension="privacy",
        ),
        *([_has_time(p)] if has_untimed else []),
    ]


def _has_time(p: str) -> Check:
    return Check(
        "event_has_time",
        "quarantine",
        "a time for everything that happened",
        "enter the time in the source; the cases come back by themselves",
        f"""
        select case_id, activity || ' (' || source_table || ' ' || source_key || ') has no time' as reason
        from {p}untimed""",
        is_per_case=True,
        checked=f"select count(*) from {p}events",
        dimension="completeness",
    )
