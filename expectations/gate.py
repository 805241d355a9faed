"""The gate's machinery, the same for every layer: evaluate checks, keep the results, render the Data Docs, block.

What is checked is declared in landing.py, candidate.py and mining.py.
"""

import dataclasses
from collections.abc import Sequence

import psycopg

from expectations import gx_engine
from expectations.checks import Check, Outcome
from expectations.data_docs import write_page
from expectations.declaration import GateDeclaration
from sluice.errors import BadInput, Blocked
from sluice.runs import RunContext
from sluice.settings import Settings
from sluice.warehouse import connect

EXAMPLES = 3  # bad rows whose reasons are told in a message


def with_severities(checks: Sequence[Check], declared: GateDeclaration) -> list[Check]:
    """The checks with the severities that the process declares; `off` leaves a check out.

    Raises BadInput where a check that does not name cases is asked to quarantine.
    """
    made = []
    for check in checks:
        severity = declared.severity.get(check.name, check.severity)
        if severity == "off":
            continue
        if severity == "quarantine" and not check.is_per_case:
            raise BadInput(
                f"{declared.where}: {check.name} does not name cases, so it cannot quarantine; use block, warn or off"
            )
        made.append(dataclasses.replace(check, severity=severity))
    return made


def evaluate(
    url: str, ctx: RunContext, checks: Sequence[Check], *, asset: str, suite: str
) -> tuple[list[Outcome], gx_engine.Validation]:
    """Evaluate the checks in the warehouse; one outcome per check, in their order."""
    validation = gx_engine.validate(url, asset=asset, suite=suite, run_id=ctx.run_id, checks=checks)
    with connect(url) as db:
        looked_at = {query: db.execute(query).fetchone()[0] for query in {check.checked for check in checks} if query}
        return [
            _outcome(db, check, validation.counts[check.name], looked_at.get(check.checked)) for check in checks
        ], validation


def _outcome(db: psycopg.Connection, check: Check, unexpected: int, checked: int | None) -> Outcome:
    if unexpected == 0:
        of = "" if checked is None else f" ({checked} looked at)"
        return Outcome(check, True, 0, checked, f"{check.name}: {check.expected}{of}")
    return Outcome(
        check,
        False,
        unexpected,
        checked,
        f"{check.name}: expected {check.expected}; found {_found(db, check, unexpected)}; {check.remedy}",
    )


def _found(db: psycopg.Connection, check: Check, unexpected: int) -> str:
    if check.is_per_case:
        cases = db.execute(f"select count(distinct case_id) from ({check.query}) as bad").fetchone()[0]
        rows = db.execute(
            f"""select case_id, min(reason collate "C") from ({check.query}) as bad
                group by case_id order by case_id collate "C" nulls first limit {EXAMPLES}"""
        ).fetchall()
        told = "; ".join(f"{case or 'no case'}: {reason}" for case, reason in rows)
        head = f"{unexpected} bad rows in {cases} cases" if (unexpected, cases) != (1, 1) else "1 bad row"
    else:
        rows = db.execute(f'select distinct reason collate "C" from ({check.query}) as bad order by 1 limit {EXAMPLES}')
        told = "; ".join(reason for (reason,) in rows)
        head = f"{unexpected}" if unexpected > EXAMPLES else ""
        if not head:
            return told
    return f"{head} ({told}{'; …' if unexpected > EXAMPLES else ''})"


def record(db: psycopg.Connection, ctx: RunContext, subject: str, layer: str, outcomes: Sequence[Outcome]) -> None:
    """Replace the results of this run's layer in quality.check_results."""
    db.execute(
        "delete from quality.check_results where run_id = %s and subject = %s and layer = %s",
        (ctx.run_id, subject, layer),
    )
    with db.cursor() as cursor:
        cursor.executemany(
            """insert into quality.check_results (run_id, subject, layer, check_name, severity, is_success,
                                                  checked_count, unexpected_count, message, dimension, pattern)
               values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)""",
            [
                (
                    ctx.run_id,
                    subject,
                    layer,
                    one.check.name,
                    one.check.severity,
                    one.is_success,
                    one.checked,
                    one.unexpected,
                    one.message,
                    one.check.dimension,
                    one.check.pattern,
                )
                for one in outcomes
            ],
        )


def finish(
    settings: Settings,
    ctx: RunContext,
    *,
    subject: str,
    layer: str,
    outcomes: Sequence[Outcome],
    validation: gx_engine.Validation | None,
) -> None:
    """Keep the results, write the Data Docs page, and raise Blocked if a blocking check failed."""
    with connect(settings.warehouse_url) as db:
        record(db, ctx, subject, layer, outcomes)
    if validation is not None:
        write_page(settings, ctx, subject=subject, layer=layer, outcomes=outcomes, validation=validation)
    blocking = [one for one in outcomes if not one.is_success and one.check.severity == "block"]
    if blocking:
        more = (
            f" (and {len(blocking) - 1} more blocking checks, see quality.check_results)" if len(blocking) > 1 else ""
        )
        raise Blocked(f"{subject} is blocked at the {layer} gate: {blocking[0].message}{more}")
