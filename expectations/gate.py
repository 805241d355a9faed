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
from expectations.findings import EXAMPLES, Findings
from sluice.errors import BadInput, Blocked
from sluice.runs import RunContext
from sluice.settings import Settings
from sluice.warehouse import connect


def with_severities(checks: Sequence[Check], declared: GateDeclaration) -> list[Check]:
    """The checks with the severities that the process declares; `off` leaves a check out.

    Raises BadInput where a check that does not name cases is asked to quarantine.
    """
    made = []
    for check in checks:
        severity = declared.severity.get(check.name, check.severity)
        if severity == "off":
            continue
        if severity == "quarantine" and not check.can_quarantine:
            why = "does not judge a case by its own rows" if check.is_per_case else "does not name cases"
            raise BadInput(f"{declared.where}: {check.name} {why}, so it cannot quarantine; use block, warn or off")
        made.append(dataclasses.replace(check, severity=severity))
    return made


def evaluate(
    url: str, ctx: RunContext, checks: Sequence[Check], *, asset: str, suite: str, findings: Findings
) -> tuple[list[Outcome], gx_engine.Validation]:
    """Evaluate the checks in the warehouse; one outcome per check, in their order."""
    with connect(url) as db:
        findings.create(db)
        findings.collect(db, checks)
    return conclude(url, ctx, checks, asset=asset, suite=suite, findings=findings)


def conclude(
    url: str, ctx: RunContext, checks: Sequence[Check], *, asset: str, suite: str, findings: Findings
) -> tuple[list[Outcome], gx_engine.Validation]:
    """Great Expectations' verdict on what was collected; one outcome per check, in their order."""
    with connect(url) as db:
        looked_at = {query: db.execute(query).fetchone()[0] for query in {check.checked for check in checks} if query}
        counts = findings.counts(db)
        tolerated = {check.name: int(check.tolerance * (looked_at.get(check.checked) or 0)) for check in checks}
        queries = {
            check.name: f"select finding_key from {findings.table} where check_name = '{check.name}'"
            + (
                f" and (select sum(bad_row_count) from {findings.table} where check_name = '{check.name}') "
                f"> {tolerated[check.name]}"
                if tolerated[check.name]
                else ""
            )
            for check in checks
        }
        db.commit()
        validation = gx_engine.validate(
            url, asset=asset, suite=suite, run_id=ctx.run_id, checks=checks, queries=queries
        )
        return [
            _outcome(
                check,
                is_success=validation.counts[check.name] == 0,
                checked=looked_at.get(check.checked),
                found=counts.get(check.name, (0, 0)),
                examples=findings.examples(db, check) if validation.counts[check.name] else [],
            )
            for check in checks
        ], validation


def _outcome(
    check: Check, *, is_success: bool, checked: int | None, found: tuple[int, int], examples: list[str]
) -> Outcome:
    unexpected, findings = found
    cases = findings if check.is_per_case else None
    if is_success:
        of = "" if checked is None else f" ({checked} looked at)"
        if unexpected:
            of = f" ({unexpected} of {checked}, no more than by chance)"
        return Outcome(check, True, unexpected, checked, f"{check.name}: {check.expected}{of}", cases)
    told = "; ".join(examples)
    if not check.is_per_case and unexpected <= EXAMPLES:
        told_of = told
    else:
        head = f"{unexpected}"
        if check.is_per_case:
            head = f"{unexpected} bad rows in {cases} cases" if (unexpected, cases) != (1, 1) else "1 bad row"
        told_of = f"{head} ({told}{'; …' if unexpected > EXAMPLES else ''})"
    return Outcome(
        check,
        False,
        unexpected,
        checked,
        f"{check.name}: expected {check.expected}; found {told_of}; {check.remedy}",
        cases,
    )


def record(db: psycopg.Connection, ctx: RunContext, subject: str, layer: str, outcomes: Sequence[Outcome]) -> None:
    """Replace the results of this run's layer in quality.check_results."""
    db.execute(
        "delete from quality.check_results where run_id = %s and subject = %s and layer = %s",
        (ctx.run_id, subject, layer),
    )
    with db.cursor() as cursor:
        cursor.executemany(
            """insert into quality.check_results (run_id, subject, layer, check_name, severity, is_success,
                                                  checked_count, unexpected_count, message, dimension, pattern, case_count)
               values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)""",
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
                    one.case_count,
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
