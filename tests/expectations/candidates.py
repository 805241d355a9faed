"""Hand-made candidate tables: what a build leaves, from a few lines of a test."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import psycopg

from sluice.keys import activity_key, case_key, event_id, variant_id
from sluice.runs import RunContext

DAY = date(2025, 3, 1)
AS_OF = datetime(2025, 3, 2, tzinfo=UTC)
START = datetime(2025, 1, 1, 8, tzinfo=UTC)


def process(name: str = "demo", **changes: object) -> SimpleNamespace:
    """A declaration as sluice.processes.load_process returns it."""
    declared = {
        "name": name,
        "title": name.title(),
        "kind": "declared",
        "order": ("occurred_at", "rank", "source_seq", "event_id"),
        "k_anonymity": 5,
        "case_level_public": True,
        "future_tolerance": timedelta(days=1),
        "checks": {},
        "activities": None,
    }
    return SimpleNamespace(**{**declared, **changes})


def run(number: int = 1, subject: str = "demo", as_of: datetime = AS_OF) -> RunContext:
    return RunContext(f"mine__{subject}/{DAY}/run{number}", subject, DAY, as_of)


@dataclass
class Candidate:
    """The candidate tables of one build. cases: id -> activities, an hour apart, or (activity, time[, start])."""

    cases: dict[str, list] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)
    name: str = "demo"
    upto_version: int = 1
    is_full_rebuild: bool = False
    amounts: dict[str, float] = field(default_factory=dict)

    def write(self, url: str, ctx: RunContext) -> None:
        p = f"candidate.{self.name}__"
        with psycopg.connect(url, options="-c timezone=UTC") as db:
            for (table,) in db.execute(
                "select tablename from pg_tables where schemaname = 'candidate' and tablename like %s",
                (f"{self.name}\\_\\_%",),
            ).fetchall():
                db.execute(f'drop table candidate."{table}"')
            db.execute(f"create table {p}touched_cases (case_id text)")
            db.execute(f"""create table {p}events (event_id uuid, case_id text, case_key bigint, event_seq int,
                    activity text,
                activity_key int, occurred_at timestamptz, started_at timestamptz, lifecycle text, resource text,
                source_system text, source_table text, source_key text, source_seq bigint, order_basis text)""")
            db.execute(f"""create table {p}cases (case_id text, case_key bigint, started_at timestamptz, ended_at
                    timestamptz,
                event_count int, variant_id text, is_open boolean)""")
            db.execute(
                f"create table {p}attributes (case_id text, case_key bigint, amount numeric(18, 2), currency text)"
            )
            db.execute(f"create table {p}case_rows (source_table text, source_key text, case_id text)")
            db.execute(
                f"create table {p}activities (activity_key int, activity text, rank int, category text, "
                "is_automated boolean)"
            )
            db.execute(f"""create table {p}build (process text, run_id text, as_of timestamptz, gated_version bigint,
                upto_version bigint, is_full_rebuild boolean, fingerprint text, touched_case_count bigint,
                    event_count bigint)""")
            db.execute(
                f"insert into {p}build values (%s, %s, %s, 0, %s, %s, 'f', 0, 0)",
                (self.name, ctx.run_id, ctx.as_of, self.upto_version, self.is_full_rebuild),
            )
            with db.cursor() as cursor:
                cursor.executemany(
                    f"insert into {p}touched_cases values (%s)",
                    [(case,) for case in sorted(self.touched | set(self.cases))],
                )
                activities = set()
                for case, steps in self.cases.items():
                    activities |= self._case(cursor, p, case, steps)
                cursor.executemany(
                    f"insert into {p}activities values (%s, %s, null, null, false)",
                    [(activity_key(activity), activity) for activity in sorted(activities)],
                )

    def _case(self, cursor: psycopg.Cursor, p: str, case: str, steps: list) -> set[str]:
        key, rows = case_key(self.name, case), []
        for number, step in enumerate(steps, 1):
            activity, at, started = (
                (*step, None)[:3] if isinstance(step, tuple) else (step, START + timedelta(hours=number), None)
            )
            rows.append(
                (
                    event_id(self.name, case, "odoo", "orders", case, activity, number),
                    case,
                    key,
                    number,
                    activity,
                    activity_key(activity),
                    at,
                    started,
                    "complete",
                    "p_0123456789abcdef",
                    "odoo",
                    "orders",
                    f"{case}:{number}",
                    number,
                    "occurred_at",
                )
            )
        cursor.executemany(f"insert into {p}events values ({', '.join(['%s'] * 15)})", rows)
        cursor.execute(
            f"insert into {p}cases values (%s, %s, %s, %s, %s, %s, false)",
            (
                case,
                key,
                min(row[7] or row[6] for row in rows),
                max(row[6] for row in rows),
                len(rows),
                variant_id([row[4] for row in rows]),
            ),
        )
        cursor.execute(f"insert into {p}attributes values (%s, %s, %s, 'EUR')", (case, key, self.amounts.get(case, 10)))
        cursor.executemany(f"insert into {p}case_rows values ('orders', %s, %s)", [(row[12], case) for row in rows])
        return {row[4] for row in rows}


def mine(url: str, ctx: RunContext, name: str = "demo") -> None:
    """A small miner in SQL: variants, arcs and one row of figures, of the log as it will be published."""
    p = f"candidate.{name}__"
    with psycopg.connect(url, options="-c timezone=UTC") as db:
        for table in ("variants", "dfg", "process_kpis"):
            db.execute(f"drop table if exists {p}mining_{table}")
            db.execute(f"create table {p}mining_{table} (like mining.{table})")
        log = f"""(select case_id, case_key, event_seq, activity, occurred_at from event_log.events as e where
                process = '{name}'
                     and not exists (select from {p}touched_cases as t where t.case_id = e.case_id)
                   union all select case_id, case_key, event_seq, activity, occurred_at from {p}events as e
                   where not exists (select from {p}quarantined as q where q.case_id = e.case_id)) as log"""
        db.execute(f"""insert into {p}mining_variants
            with sequences as (select case_id, array_agg(activity order by event_seq) as steps from {log} group by
                case_id),
            counted as (select steps, count(*) as case_count from sequences group by steps)
            select '{name}', left(encode(sha256(convert_to(array_to_string(steps, e'\\x1f'), 'UTF8')), 'hex'), 16),
                   row_number() over (order by case_count desc, steps), steps, cardinality(steps), case_count,
                   case_count / sum(case_count) over (), 1, 0, 0 from counted""")
        db.execute(f"""insert into {p}mining_dfg
            with arcs as (select case_id, activity as target, lag(activity) over w as source,
                                 extract(epoch from occurred_at - lag(occurred_at) over w) as seconds
                          from {log} window w as (partition by case_id order by event_seq))
            select '{name}', source, target, count(*), count(distinct case_id), 0, avg(seconds), percentile_cont(0.5)
                   within group (order by seconds), percentile_cont(0.9) within group (order by seconds), min(seconds),
                   max(seconds), sum(seconds) from arcs where source is not null group by source, target""")
        db.execute(
            f"""insert into {p}mining_process_kpis (process, as_of, case_count, event_count, k_anonymity,
                    suppressed_count)
            select '{name}', %s, count(distinct case_id), count(*), 5, 0 from {log}""",
            (ctx.as_of,),
        )


def let_through(url: str, ctx: RunContext, quarantined: dict[str, str] | None = None, name: str = "demo") -> None:
    """What the gate leaves when nothing blocks: the quarantined cases (case id -> reason) and its results."""
    with psycopg.connect(url) as db:
        db.execute(f"drop table if exists candidate.{name}__quarantined")
        db.execute(f"create table candidate.{name}__quarantined (case_id text, check_name text, reason text)")
        with db.cursor() as cursor:
            cursor.executemany(
                f"insert into candidate.{name}__quarantined values (%s, 'planted', %s)",
                list((quarantined or {}).items()),
            )
            cursor.executemany(
                """insert into quality.check_results (run_id, subject, layer, check_name, severity, is_success, message)
                                  values (%s, %s, %s, 'all', 'block', true, '') on conflict do nothing""",
                [(ctx.run_id, name, layer) for layer in ("candidate", "mining")],
            )


PUBLISHED = {
    "event_log.events": "event_id, case_id, case_key, event_seq, activity, occurred_at, started_at, resource, "
    "source_key, order_basis",
    "event_log.cases": "case_id, case_key, started_at, ended_at, event_count, variant_id, is_open",
    "event_log.demo_attributes": "case_id, case_key, amount, currency",
    "event_log.activities": "activity_key, activity",
    "event_log.order_ties": "order_basis, tied_event_count, tied_case_count",
    "ops.case_rows": "source_table, source_key, case_id",
    "quality.quarantined_cases": "case_id, check_name, reason",
    "mining.variants": "variant_id, rank, activities, case_count, case_share",
    "mining.dfg": "source_activity, target_activity, edge_count, mean_seconds",
    "mining.process_kpis": "as_of, case_count, event_count",
}


def published(url: str, name: str = "demo") -> dict[str, list]:
    """Everything that is published of a process, as sorted rows, without load times and run ids."""
    found = {}
    with psycopg.connect(url, options="-c timezone=UTC") as db:
        for table, columns in PUBLISHED.items():
            there = db.execute("select to_regclass(%s) is not null", (table,)).fetchone()[0]
            where = "" if table.endswith("_attributes") else f"where process = '{name}'"
            found[table] = sorted(map(str, db.execute(f"select {columns} from {table} {where}"))) if there else []
    return found
