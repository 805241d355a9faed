"""The checks of the candidate tables: one SQL statement each, which names the bad rows and says why."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, time

from psycopg import sql

from expectations.checks import Check
from expectations.declaration import GateDeclaration

REQUIRED = {
    "touched_cases": ("case_id",),
    "events": (
        "event_id",
        "case_id",
        "case_key",
        "event_seq",
        "activity",
        "activity_key",
        "occurred_at",
        "started_at",
        "lifecycle",
        "resource",
        "source_system",
        "source_table",
        "source_key",
        "source_seq",
        "order_basis",
    ),
    "cases": ("case_id", "case_key", "started_at", "ended_at", "event_count", "variant_id", "is_open"),
    "attributes": ("case_id", "case_key"),
    "case_rows": ("source_table", "source_key", "case_id"),
    "activities": ("activity_key", "activity", "rank", "category", "is_automated"),
}
NOT_NULL = {
    "events": (
        "event_id",
        "case_id",
        "case_key",
        "event_seq",
        "activity",
        "activity_key",
        "occurred_at",
        "source_system",
        "source_table",
        "source_key",
        "order_basis",
    ),
    "cases": ("case_id", "case_key", "started_at", "ended_at", "event_count", "variant_id", "is_open"),
    "attributes": ("case_id", "case_key"),
}
# what an imported log is held to as well; everything else only warns there
_STRUCTURAL = {
    "required_columns",
    "event_id_unique",
    "event_seq_contiguous",
    "case_key_unique",
    "cases_match_events",
    "attributes_match_cases",
    "cases_touched",
    "resource_is_pseudonym",
}
_HISTORY, _FACTOR, _FLOOR = 8, 5, 100  # nights compared with, times their median, cases below which nothing is said
_FLAG = "is_case_ambiguous"  # an attribute by which a model says that several documents share a case id
_SHOWN = "to_char({column} at time zone 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC'"


def _literal(value: object) -> str:
    return sql.Literal(value).as_string()


def _shown(column: str) -> str:
    return _SHOWN.format(column=column)


def _tests(table: str, columns: Sequence[str]) -> str:
    return ", ".join(f"case when {column} is null then '{table}.{column} is null' end" for column in columns)


def checks_of(
    declared: GateDeclaration, as_of: datetime, *, attributes: Collection[str], has_seed: bool
) -> list[Check]:
    """The candidate checks of a process, with their default severities.

    attributes: the columns of the attributes. has_seed: the seed of declared activities exists; without it no activity
    can be undeclared.
    """
    checks = [*_structure(declared.name), *_times(declared, as_of), *_declared(declared, has_seed, _FLAG in attributes)]
    if declared.is_imported:
        checks = [
            check if check.name in _STRUCTURAL else Check(**{**vars(check), "severity": "warn"}) for check in checks
        ]
    return checks


def _structure(process: str) -> list[Check]:
    p = f"candidate.{process}__"
    events = f"select count(*) from {p}events"
    nulls = "\nunion all\n".join(
        f"""select case_id, concat_ws(', ', {_tests(table, columns)}) as reason from {p}{table}
            where num_nulls({", ".join(columns)}) > 0"""
        for table, columns in NOT_NULL.items()
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
        ),
        Check(
            "attributes_match_cases",
            "block",
            "one row of attributes per case",
            rebuild,
            f"""
            with counted as (select case_id, count(*) as row_count from {p}attributes group by case_id)
            select coalesce(cases.case_id, counted.case_id) as case_id,
                   coalesce(counted.row_count, 0) || ' rows of attributes for ' || count(cases.case_id) || ' cases'
                       as reason
            from {p}cases as cases full join counted on cases.case_id = counted.case_id
            group by 1, counted.row_count having coalesce(counted.row_count, 0) <> 1 or count(cases.case_id) <> 1""",
            is_per_case=True,
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
        ),
    ]


def _times(declared: GateDeclaration, as_of: datetime) -> list[Check]:
    p = f"candidate.{declared.name}__"
    events = f"select count(*) from {p}events"
    latest = as_of + declared.future_tolerance
    horizon = _literal(latest)
    earliest = _literal(datetime.combine(declared.earliest, time(), UTC))
    repair = "repair the time in the source; the cases come back by themselves"
    end_before_start = [
        f"""
        select case_id, activity || ' (' || source_table || ' ' || source_key || ') ends ' || {_shown("occurred_at")}
               || ', before its start ' || {_shown("started_at")} as reason
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
                {_shown("greatest(occurred_at, started_at)")} as reason
            from {p}events where occurred_at > {horizon} or started_at > {horizon}""",
            is_per_case=True,
            checked=events,
        ),
        Check(
            "not_before_earliest",
            "quarantine",
            f"no event before {declared.earliest}",
            repair + "; or declare another `earliest`",
            f"""
            select case_id, activity || ' (' || source_table || ' ' || source_key || ') at ' ||
                {_shown("least(occurred_at, started_at)")} as reason
            from {p}events where occurred_at < {earliest} or started_at < {earliest}""",
            is_per_case=True,
            checked=events,
        ),
        Check(
            "end_not_before_start",
            "quarantine",
            "no end before its start",
            repair,
            " union all ".join(end_before_start),
            is_per_case=True,
            checked=events,
        ),
        Check(
            "duration_not_negative",
            "quarantine",
            "no case that ends before it starts",
            repair,
            f"""
            select case_id, 'ends ' || {_shown("ended_at")} || ', before its start ' || {_shown("started_at")} as reason
            from {p}cases where ended_at < started_at""",
            is_per_case=True,
        ),
    ]


def volume(declared: GateDeclaration, run_id: str) -> Check:
    """Compares the touched cases with those of earlier nights; a full build is not a night."""
    cases = f"select count(*) from candidate.{declared.name}__cases"
    return Check(
        "volume",
        "warn",
        f"within {_FACTOR} times the usual number of touched cases",
        "look whether the source is whole",
        f"""
        with earlier as (
            select checked_count from quality.check_results
            where subject = {_literal(declared.name)} and layer = 'candidate' and check_name = 'volume'
              and run_id <> {_literal(run_id)} order by checked_at desc limit {_HISTORY}),
        usual as (
            select percentile_cont(0.5) within group (order by checked_count) as usual, count(*) as night_count from
                earlier),
        this as (select ({cases}) as found)
        select found || ' cases, usually ' || round(usual) as reason from this, usual
        where night_count >= {_HISTORY // 2} and greatest(found, usual) >= {_FLOOR}
          and (found * {_FACTOR} < usual or found > usual * {_FACTOR})""",
        checked=cases,
    )


def _declared(declared: GateDeclaration, has_seed: bool, is_flagged: bool) -> list[Check]:
    p = f"candidate.{declared.name}__"
    checks = [
        Check(
            "activity_known",
            "block",
            "each event's activity in the table of activities",
            "repair the model that makes it and build again",
            f"""
            select case_id, 'activity ' || activity as reason from {p}events as events
            where not exists (select 1 from {p}activities as known
                              where known.activity_key = events.activity_key and known.activity = events.activity)""",
            is_per_case=True,
        ),
    ]
    if has_seed:
        checks.append(
            Check(
                "activity_declared",
                "warn",
                "only declared activities",
                f"declare it in dbt_project/seeds/{declared.declared_activities}.csv",
                f"""
            select case_id, 'activity ' || activity as reason from {p}events as events
            where not exists (select 1 from intermediate.{declared.declared_activities} as seed where seed.activity
                = events.activity)""",
                is_per_case=True,
            )
        )
    ambiguous = []
    if is_flagged:
        ambiguous.append(f"""select case_id, 'several documents share this case id' as reason
            from {p}attributes where {_FLAG}""")
    if declared.case_document:
        document = _literal(declared.case_document)
        ambiguous.append(f"""
            select case_id, count(distinct source_key) || ' rows of ' || {document} || ' share this case id' as reason
            from {p}case_rows where source_table = {document} group by case_id having count(distinct source_key) > 1""")
    if ambiguous:
        checks.append(
            Check(
                "case_id_unambiguous",
                "quarantine",
                "one document per case id",
                "give the documents different names in the source",
                " union all ".join(ambiguous),
                is_per_case=True,
            )
        )
    return checks
