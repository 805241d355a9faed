"""Hand-made candidate tables: what a build leaves for the gate, for mining and for publishing, from a few lines of a test."""

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
        "name": name, "title": name.title(), "kind": "declared", "order": ("occurred_at", "rank", "source_seq", "event_id"),
        "k_anonymity": 5, "case_level_public": True, "future_tolerance": timedelta(days=1), "checks": {}, "activities": None,
    }
    return SimpleNamespace(**{**declared, **changes})


def run(number: int = 1, subject: str = "demo", as_of: datetime = AS_OF) -> RunContext:
    return RunContext(f"mine__{subject}/{DAY}/run{number}", subject, DAY, as_of)


@dataclass
class Candidate:
    """The candidate tables of one build. cases: case id -> activities, an hour apart, or (activity, time[, started_at])."""

    cases: dict[str, list] = field(default_factory=dict)
    touched: set[str] = field(default_factory=set)
    name: str = "demo"
    upto_version: int = 1
    is_full_rebuild: bool = False
    amounts: dict[str, float] = field(default_factory=dict)

    def write(self, url: str, ctx: RunContext) -> None:
        p = f"candidate.{self.name}__"
        with psycopg.connect(url, options="-c timezone=UTC") as db:
            for (table,) in db.execute("select tablename from pg_tables where schemaname = 'candidate' and tablename like %s",
                                       (f"{self.name}\\_\\_%",)).fetchall():
                db.execute(f'drop table candidate."{table}"')
            db.execute(f"create table {p}touched_cases (case_id text)")
            db.execute(f"""create table {p}events (event_id uuid, case_id text, case_key bigint, event_seq int, activity text,
                activity_key int, occurred_at timestamptz, started_at timestamptz, lifecycle text, resource text,
                source_system text, source_table text, source_key text, source_seq bigint, order_basis text)""")
            db.execute(f"""create table {p}cases (case_id text, case_key bigint, started_at timestamptz, ended_at timestamptz,
                event_count int, variant_id text, is_open boolean)""")
            db.execute(f"create table {p}attributes (case_id text, case_key bigint, amount numeric(18, 2), currency text)")
            db.execute(f"create table {p}case_rows (source_table text, source_key text, case_id text)")
            db.execute(f"create table {p}activities (activity_key int, activity text, rank int, category text, is_automated boolean)")
            db.execute(f"""create table {p}build (process text, run_id text, as_of timestamptz, gated_version bigint,
                upto_version bigint, is_full_rebuild boolean, fingerprint text, touched_case_count bigint, event_count bigint)""")
            db.execute(f"insert into {p}build values (%s, %s, %s, 0, %s, %s, 'f', 0, 0)",
                       (self.name, ctx.run_id, ctx.as_of, self.upto_version, self.is_full_rebuild))
            with db.cursor() as cursor:
                cursor.executemany(f"insert into {p}touched_cases values (%s)",
                                   [(case,) for case in sorted(self.touched | set(self.cases))])
                activities = set()
                for case, steps in self.cases.items():
                    activities |= self._case(cursor, p, case, steps)
                cursor.executemany(f"insert into {p}activities values (%s, %s, null, null, false)",
                                   [(activity_key(activity), activity) for activity in sorted(activities)])

    def _case(self, cursor: psycopg.Cursor, p: str, case: str, steps: list) -> set[str]:
        key, rows = case_key(self.name, case), []
        for number, step in enumerate(steps, 1):
            activity, at, started = (*step, None)[:3] if isinstance(step, tuple) else (step, START + timedelta(hours=number), None)
            rows.append((event_id(self.name, case, "odoo", "orders", case, activity, number), case, key, number, activity,
                         activity_key(activity), at, started, "complete", "p_0123456789abcdef", "odoo", "orders",
                         f"{case}:{number}", number, "occurred_at"))
        cursor.executemany(f"insert into {p}events values ({', '.join(['%s'] * 15)})", rows)
        cursor.execute(f"insert into {p}cases values (%s, %s, %s, %s, %s, %s, false)",
                       (case, key, min(row[7] or row[6] for row in rows), max(row[6] for row in rows), len(rows),
                        variant_id([row[4] for row in rows])))
        cursor.execute(f"insert into {p}attributes values (%s, %s, %s, 'EUR')", (case, key, self.amounts.get(case, 10)))
        cursor.executemany(f"insert into {p}case_rows values ('orders', %s, %s)", [(row[12], case) for row in rows])
        return {row[4] for row in rows}
