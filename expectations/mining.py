"""The gate on the mining results: what must hold of every table before it is shown, whatever the data.

Most checks follow from the names of the columns (shares, counts, seconds), so a new table of schema mining is checked
without a line here; what ties one table to the event log is declared below.
"""

import psycopg

from expectations.build import exists
from expectations.checks import Check, Outcome
from expectations.declaration import GateDeclaration, declaration_of
from expectations.gate import evaluate, finish, with_severities
from sluice.runs import RunContext
from sluice.settings import Settings
from sluice.warehouse import connect

_FIX = "this is a fault of the mining tasks: report it; yesterday's results stay"


def gate_mining(settings: Settings, process: object, ctx: RunContext) -> list[Outcome]:
    """Gate candidate.<process>__mining_*; returns one outcome per check, raises Blocked when one fails."""
    declared = declaration_of(process)
    with connect(settings.warehouse_url) as db:
        tables = _tables(db, declared.name)
    checks = with_severities(checks_of(declared, tables), declared)
    outcomes, validation = evaluate(settings.warehouse_url, checks, asset=f"mining.{declared.name}",
                                    suite=f"{declared.name}__mining")
    finish(settings, ctx, subject=declared.name, layer="mining", outcomes=outcomes, validation=validation)
    return outcomes


def _tables(db: psycopg.Connection, process: str) -> dict[str, dict[str, bool]]:
    """Tables of schema mining that have a candidate: name -> column -> whether it may be null."""
    tables: dict[str, dict[str, bool]] = {}
    for table, column, is_nullable in db.execute(
            """select relname, attname, not attnotnull from pg_attribute
               inner join pg_class on attrelid = pg_class.oid
               where relnamespace = 'mining'::regnamespace and relkind = 'r' and attnum > 0 and not attisdropped
               order by relname, attnum""").fetchall():
        if table in tables or exists(db, "candidate", f"{process}__mining_{table}"):
            tables.setdefault(table, {})[column] = is_nullable
    return tables


def checks_of(declared: GateDeclaration, tables: dict[str, dict[str, bool]]) -> list[Check]:
    """The checks that the tables at hand allow."""
    return [check for check in (_values(declared, tables),) if check]


def _values(declared: GateDeclaration, tables: dict[str, dict[str, bool]]) -> Check | None:
    parts = []
    for table, columns in tables.items():
        bad = {}
        for column, is_nullable in columns.items():
            wrong = [] if is_nullable else [f"{column} is null"]
            if column.endswith("_share"):
                wrong.append(f"not {column} between 0 and 1 + 1e-9")
            if column.endswith(("_seconds", "_count")):
                wrong.append(f"{column} < 0")
            if column.endswith("_seconds"):
                wrong.append(f"{column} in ('NaN'::float8, 'Infinity'::float8)")
            if wrong:
                bad[column] = " or ".join(wrong)
        if bad:
            cases = " ".join(f"when {wrong} then '{table}.{column}'" for column, wrong in bad.items())
            parts.append(f"select case {cases} end as reason from candidate.{declared.name}__mining_{table}")
    if not parts:
        return None
    union = "\nunion all\n".join(parts)
    return Check("mining_values", "block", "counts and times of at least 0, shares from 0 to 1, no null where none may be",
                 _FIX, f"select reason from ({union}) as values_seen where reason is not null")
