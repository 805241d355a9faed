"""The gate on the mining results: what must hold before they are published together with the event log.

The checks themselves are in mining_checks.py.
"""

from concurrent.futures import ThreadPoolExecutor

import psycopg

from expectations.build import exists
from expectations.checks import Outcome
from expectations.declaration import GateDeclaration, declaration_of
from expectations.effects import write_effects
from expectations.findings import Findings
from expectations.gate import evaluate, finish, with_severities
from expectations.mining_checks import MiningTable, checks_of, count_variants
from expectations.patterns.label_checks import label_checks
from sluice.errors import SluiceError
from sluice.runs import RunContext
from sluice.settings import Settings
from sluice.warehouse import connect


def gate_mining(settings: Settings, process: object, ctx: RunContext) -> list[Outcome]:
    """Gate candidate.<process>__mining_*; returns one outcome per check, writes quality.check_results.

    Raises Blocked when a blocking check fails, SluiceError when the candidate was not gated before it was mined.
    """
    declared = declaration_of(process, settings.project)
    with connect(settings.warehouse_url) as db:
        if not exists(db, "candidate", f"{declared.name}__quarantined"):
            raise SluiceError(f"{declared.name}: the candidate was not gated; gate it before it is mined")
        tables = mining_tables(db, declared.name)
        if tables.keys() - {"process_kpis"}:  # else the log is as it was, and nothing is held against it
            count_variants(db, declared.name)
        of_labels = label_checks(db, declared)
    checks = with_severities([*checks_of(declared, tables), *of_labels], declared)
    with ThreadPoolExecutor(1) as beside:  # the effects are those of what the gate before mining found
        effects = beside.submit(_write_effects, settings.warehouse_url, declared)
        outcomes, validation = evaluate(
            settings.warehouse_url,
            ctx,
            checks,
            asset=f"mining.{declared.name}",
            suite=f"{declared.name}__mining",
            findings=Findings("candidate", f"{declared.name}__results_findings"),
        )
        effects.result()
    finish(settings, ctx, subject=declared.name, layer="mining", outcomes=outcomes, validation=validation)
    return outcomes


def _write_effects(url: str, declared: GateDeclaration) -> None:
    with connect(url) as db:
        write_effects(db, declared)


def mining_tables(db: psycopg.Connection, process: str) -> dict[str, MiningTable]:
    """The tables of schema mining that have a candidate of this process."""
    rows = db.execute(
        """select relname, array_agg(attname::text order by attnum), array_agg(not attnotnull order by attnum),
                  (select array_agg(a.attname::text order by a.attnum) from pg_index as i
                   inner join pg_attribute as a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
                   where i.indrelid = pg_class.oid and i.indisprimary)
           from pg_class inner join pg_attribute on attrelid = pg_class.oid
           where relnamespace = 'mining'::regnamespace and relkind = 'r' and attnum > 0 and not attisdropped
             and exists (select from pg_class as c where c.relnamespace = 'candidate'::regnamespace
                         and c.relname = %s || pg_class.relname)
           group by pg_class.oid, relname order by relname""",
        (f"{process}__mining_",),
    ).fetchall()
    return {
        name: MiningTable(name, dict(zip(columns, nullable, strict=True)), tuple(key or ()))
        for name, columns, nullable, key in rows
    }
