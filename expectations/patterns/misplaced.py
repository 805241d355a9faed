"""Finds the cases whose events contradict their order and keeps what explains them, for the checks that report it.

The order is what the process declares (mandatory_order, and `order` of the checks) and what each source table says by
its own positions; not that of events with a start, whose rows may stand in the order of their starts.
"""

from itertools import groupby

import psycopg

from expectations.declaration import GateDeclaration
from expectations.patterns.knowledge import Knowledge
from expectations.patterns.repairs import Placed, explain
from expectations.sql_text import literal

MAX_CASES = 20_000  # beyond this the declared order is not the process's: explaining each case would say nothing


def suspects(declared: GateDeclaration, known: Knowledge) -> str:
    """SQL: the case_key of every candidate case in which two events contradict the order."""
    events = f"candidate.{declared.name}__events"
    recorded = f"""
        select case_key from (
            select case_key, occurred_at < lag(occurred_at)
                       over (partition by case_key, source_table order by source_seq) as is_back
            from {events} where source_seq is not null and started_at is null) as recorded
        where is_back"""
    pairs = sorted(
        {
            (earlier, later)
            for chain in order_of(declared, known)
            for place, earlier in enumerate(chain)
            for later in chain[place + 1 :]
        }
    )
    if not pairs:
        return recorded
    # one pass: a join of a case's activities with each other is planned as if a night's cases were few, and is then quadratic
    contradictions = " or ".join(
        f"max(occurred_at) filter (where activity = {literal(earlier)})"
        f" > min(occurred_at) filter (where activity = {literal(later)})"
        for earlier, later in pairs
    )
    return f"""{recorded}
        union
        select case_key from {events} group by case_key having {contradictions}"""


def keep_explanations(db: psycopg.Connection, declared: GateDeclaration, known: Knowledge) -> None:
    """Make candidate.<process>__misplaced anew: case_id, pattern, reason; one row per case and pattern."""
    table = f"candidate.{declared.name}__misplaced"
    db.execute(f"drop table if exists {table}")
    db.execute(f"create table {table} (case_id text not null, pattern text not null, reason text not null)")
    if not has_order_of_time(declared):
        return
    rows = db.execute(
        f"""select case_id, activity, occurred_at at time zone 'UTC', source_table,
                   case when started_at is null then source_seq end, source_key
            from candidate.{declared.name}__events
            where case_id is not null
              and case_key in (select case_key from ({suspects(declared, known)}) as s order by 1 limit {MAX_CASES})
            order by case_key, event_seq"""
    ).fetchall()
    found = []
    for case, group in groupby(rows, key=lambda row: row[0]):
        events = list(group)
        placed = [Placed(activity, at, table_, seq) for _, activity, at, table_, seq, _ in events]
        for one in explain(placed, order_of(declared, known)):
            _, activity, at, source_table, _, key = events[one.position]
            found.append(
                (
                    case,
                    one.pattern,
                    f"{activity} ({source_table} {key}) at {at:%Y-%m-%d %H:%M} UTC is out of order: {one.repair}",
                )
            )
    with db.cursor() as cursor:
        cursor.executemany(f"insert into {table} values (%s, %s, %s)", found)


def order_of(declared: GateDeclaration, known: Knowledge) -> tuple[tuple[str, ...], ...]:
    """Chains of activities in their order: `mandatory_order` of the patterns, and the pairs of the checks' `order`."""
    return (*known.mandatory_order, *declared.precedence)


def has_order_of_time(declared: GateDeclaration) -> bool:
    """Whether the process's events are ordered by time at all: a recording of a desktop is ordered by its rows."""
    return "occurred_at" in declared.order
