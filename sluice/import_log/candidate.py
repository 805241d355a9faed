"""From landed rows to the candidate tables of a process, in SQL: the same tables that dbt makes of a declared one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg import sql

from sluice import keys
from sluice.candidate_tables import never_null
from sluice.import_log.attributes import CONDITIONS, Attribute, column_names
from sluice.import_log.choices import ORDERS
from sluice.runs import RunContext

TABLES = ("events", "cases", "attributes", "case_rows", "activities", "touched_cases")


@dataclass(frozen=True)
class Built:
    """What the candidate holds. columns: attribute name in the file -> (column, SQL type)."""

    event_count: int
    case_count: int
    activity_count: int
    variant_count: int
    first_at: datetime
    last_at: datetime
    columns: dict[str, tuple[str, str]]


def build_candidate(
    db: psycopg.Connection,
    process: str,
    *,
    file_id: str,
    file_format: str,
    order: str,
    attributes: Sequence[Attribute],
    zone: str | None,
) -> Built:
    """Make candidate.<process>__* of `pg_temp.import_events`, in the transaction of `db`.

    order: 'time' or 'file' (see ORDERS). zone: of naive times among the attributes. The caller commits.
    """
    for table in (*TABLES, "quarantined"):
        db.execute(sql.SQL("drop table if exists candidate.{}").format(sql.Identifier(f"{process}__{table}")))
    literal = {
        name: sql.Literal(value).as_string(db)
        for name, value in (("process", process), ("file_id", file_id), ("format", file_format))
    }
    name = {table: sql.Identifier(f"{process}__{table}").as_string(db) for table in TABLES}
    db.execute(f"""
        create table candidate.{name["activities"]} as
        select {keys.activity_key_sql("activity")} as activity_key, activity, null::int as rank, null::text as category,
            false as is_automated
        from (select distinct activity from pg_temp.import_events) as found
        order by activity collate "C" """)
    db.execute(f"""
        create temporary table import_cases on commit drop as
        select case_id, {keys.case_key_sql(literal["process"], "case_id")} as case_key
        from (select distinct case_id from pg_temp.import_events) as found""")
    db.execute("analyze pg_temp.import_events; analyze pg_temp.import_cases")
    event_id = keys.event_id_sql(
        literal["process"],
        "events.case_id",
        "'file'",
        literal["format"],
        f"{literal['file_id']} || ':' || events.row",
        "events.activity",
        "1",
    )
    basis = (
        "'source_seq'"
        if order == "file"
        else """
        case when occurred_at is distinct from lag(occurred_at) over in_case
                and occurred_at is distinct from lead(occurred_at) over in_case
            then 'occurred_at' else 'source_seq' end"""
    )
    db.execute(f"""
        create table candidate.{name["events"]} as
        with ordered as (
            select *, row_number() over in_case as event_seq, {basis} as order_basis
            from (
                select events.*, cases.case_key
                from pg_temp.import_events as events
                join pg_temp.import_cases as cases on cases.case_id = events.case_id
            ) as keyed
            window in_case as (partition by case_key order by {ORDERS[order]})
        )
        select
            {event_id} as event_id,
            events.case_id,
            events.case_key,
            events.event_seq::int as event_seq,
            events.activity,
            activities.activity_key,
            events.occurred_at,
            events.started_at,
            events.lifecycle,
            events.resource,
            'file'::text as source_system,
            {literal["format"]}::text as source_table,
            {literal["file_id"]} || ':' || events.row as source_key,
            events.row as source_seq,
            events.order_basis
        from ordered as events
        join candidate.{name["activities"]} as activities on activities.activity = events.activity""")
    db.execute(f"""
        create table candidate.{name["cases"]} as
        select
            case_id,
            case_key,
            min(least(occurred_at, started_at)) as started_at,
            max(occurred_at) as ended_at,
            count(*)::int as event_count,
            {keys.variant_id_sql("activity", "event_seq")} as variant_id,
            false as is_open
        from candidate.{name["events"]}
        group by case_id, case_key""")
    # an event leads to its own row; here are the rows that none leads to: the starts of paired intervals
    db.execute(f"""
        create table candidate.{name["case_rows"]} as
        select
            {literal["format"]}::text as source_table,
            {literal["file_id"]} || ':' || start_row as source_key,
            case_id
        from pg_temp.import_events
        where start_row is not null""")
    db.execute(f"""
        create table candidate.{name["touched_cases"]} as
        select case_id from pg_temp.import_cases
        union
        select case_id from event_log.cases where process = {literal["process"]}""")
    _constrain(db, name)
    columns = _attributes(db, name["attributes"], attributes, zone)
    db.execute("".join(f"analyze candidate.{table};" for table in name.values()))
    facts = db.execute(f"""
        select
            (select count(*) from candidate.{name["events"]}),
            count(*),
            (select count(*) from candidate.{name["activities"]}),
            count(distinct variant_id collate "C"),
            min(started_at),
            max(ended_at)
        from candidate.{name["cases"]}""").fetchone()
    return Built(*facts, columns=columns)


def record_build(db: psycopg.Connection, process: str, ctx: RunContext, *, version: int, fingerprint: str) -> None:
    """Leave candidate.<process>__build, by which the gate and publishing know what they have before them."""
    table = sql.Identifier("candidate", f"{process}__build")
    db.execute(sql.SQL("drop table if exists {}").format(table))
    db.execute(
        sql.SQL("""create table {} (process text, run_id text, as_of timestamptz, gated_version bigint,
        upto_version bigint, is_full_rebuild boolean, fingerprint text, touched_case_count bigint,
        event_count bigint)""").format(table)
    )
    db.execute(
        sql.SQL(
            "insert into {} select %s, %s, %s, 0, %s, true, %s, (select count(*) from {}), (select count(*) from {})"
        ).format(table, *(sql.Identifier("candidate", f"{process}__{name}") for name in ("touched_cases", "events"))),
        (process, ctx.run_id, ctx.as_of, version, fingerprint),
    )


def _constrain(db: psycopg.Connection, name: dict[str, str]) -> None:
    for table in ("events", "cases", "activities", "touched_cases"):
        changes = ", ".join(f"alter column {column} set not null" for column in never_null(table))
        db.execute(f"alter table candidate.{name[table]} {changes}")


def _attributes(
    db: psycopg.Connection, table: str, attributes: Sequence[Attribute], zone: str | None
) -> dict[str, tuple[str, str]]:
    """Make the attributes table, each column of the first possible type that all its values have; text otherwise."""
    types = _types(db, attributes, zone)
    columns = column_names(attribute.name for attribute in attributes)
    # numbers and booleans cannot mislead; naive times are of the declared zone
    selected = "".join(
        f", ({attribute.expression})::{types[attribute.name]} "
        f"as {sql.Identifier(columns[attribute.name]).as_string(db)}"
        for attribute in attributes
    )
    if zone is not None:
        db.execute("select set_config('timezone', %s, true)", (zone,))
    db.execute(f"""
        create table candidate.{table} as
        select cases.case_id, cases.case_key {selected}
        from pg_temp.import_cases as cases
        left join pg_temp.import_attributes as facts on facts.case_id = cases.case_id""")
    db.execute("set local time zone 'UTC'")
    db.execute(f"alter table candidate.{table} alter column case_id set not null, alter column case_key set not null")
    for attribute in attributes:
        db.execute(
            sql.SQL("comment on column candidate.{}.{} is {}").format(
                sql.SQL(table),
                sql.Identifier(columns[attribute.name]),
                sql.Literal(f"attribute '{attribute.name}' of the imported log"),
            )
        )
    return {attribute.name: (columns[attribute.name], types[attribute.name]) for attribute in attributes}


def _types(db: psycopg.Connection, attributes: Sequence[Attribute], zone: str | None) -> dict[str, str]:
    tests = []
    for attribute in attributes:
        for kind in attribute.types:
            if kind != "naive" or zone is not None:
                tests.append((attribute.name, kind, CONDITIONS[kind].replace("@", f"({attribute.expression})")))
    found = {attribute.name: "text" for attribute in attributes}
    for begin in range(0, len(tests), 400):
        some = tests[begin : begin + 400]
        holds = db.execute(
            "select " + ", ".join(f"bool_and({test})" for _, _, test in some) + " from pg_temp.import_attributes"
        ).fetchone()
        for (name, kind, _), all_have_it in zip(some, holds, strict=True):
            if all_have_it and found[name] == "text":
                found[name] = "timestamptz" if kind == "naive" else kind
    return found


def case_attributes_of_columns(db: psycopg.Connection, names: Sequence[str]) -> list[str]:
    """Make `pg_temp.import_attributes` of the extra columns x0, x1, …; returns those that are constant in each case."""
    lows = "".join(f', min(x{n} collate "C") as x{n}, max(x{n} collate "C") as y{n}' for n in range(len(names)))
    db.execute(
        f"create temporary table import_attributes on commit drop as select case_id{lows} "
        "from pg_temp.import_events group by case_id"
    )
    if not names:
        return []
    constant = db.execute(
        "select "
        + ", ".join(f"coalesce(bool_and(x{n} = y{n}), false)" for n in range(len(names)))
        + " from pg_temp.import_attributes"
    ).fetchone()
    return [name for name, holds in zip(names, constant, strict=True) if holds]


def case_attributes_of_traces(db: psycopg.Connection) -> None:
    """Make `pg_temp.import_attributes` of what came with the first event of each trace; a case's first trace wins."""
    db.execute("""
        create temporary table import_attributes on commit drop as
        select distinct on (case_id) case_id, attributes::jsonb as attributes
        from pg_temp.import_events
        where attributes is not null
        order by case_id, row""")
