"""The candidate gate: what a process's touched cases must satisfy before they may be published.

Cases that fail a `quarantine` check are written to candidate.<process>__quarantined with the reason; mining and
publishing leave them out. The checks of single cases are in candidate_checks.py; once it is known what they keep out,
those of the log as it will be published follow.
"""

from datetime import datetime

import psycopg

from expectations.build import Build, read_build
from expectations.candidate_checks import checks_of
from expectations.checks import Check, Outcome
from expectations.completeness import open_too_long
from expectations.counts import count_days
from expectations.declaration import GateDeclaration, declaration_of
from expectations.findings import Findings
from expectations.gate import conclude, finish, with_severities
from expectations.history import history_checks
from expectations.patterns import prepare_patterns
from expectations.references import row_checks
from sluice.candidate_tables import COLUMNS
from sluice.errors import BadInput
from sluice.runs import RunContext
from sluice.settings import Settings
from sluice.warehouse import connect


def gate_candidate(settings: Settings, process: object, ctx: RunContext) -> list[Outcome]:
    """Gate the candidate tables of a process (its name or its declaration); returns one outcome per check.

    Fills candidate.<process>__quarantined and quality.check_results. Raises Blocked when a blocking check fails:
    nothing
    of the process is published, the last good state stays.
    """
    declared = declaration_of(process, settings.project)
    with connect(settings.warehouse_url) as db:
        required = COLUMNS | dict.fromkeys(declared.extra_tables, ("case_id", "case_key"))
        columns = {table: _columns(db, f"{declared.name}__{table}") for table in required}
        seed = declared.declared_activities
        build = read_build(db, declared.name)
        has_seed = seed is not None and bool(_columns(db, seed, schema="intermediate"))
        has_untimed = bool(_columns(db, f"{declared.name}__untimed"))
    lacking = _lacking(declared, required, columns)
    as_of = ctx.as_of if build is None else build.as_of  # a build's horizon never goes back
    if lacking is not None:
        finish(settings, ctx, subject=declared.name, layer="candidate", outcomes=[lacking], validation=None)
    wanted = {column: "ends_after" for pair in declared.ends_after for column in pair}
    wanted |= dict.fromkeys(declared.categories, "categories")
    for column in sorted(set(wanted) - columns["attributes"]):
        raise BadInput(
            f"{declared.where}, {wanted[column]}: candidate.{declared.name}__attributes has no column {column!r}; "
            f"declare it there or take it out"
        )
    found = {"attributes": columns["attributes"], "has_seed": has_seed, "has_untimed": has_untimed}
    checks = with_severities(checks_of(declared, as_of, **found), declared)
    findings = Findings("candidate", f"{declared.name}__findings")
    with connect(settings.warehouse_url) as db:
        prepare_patterns(db, declared)
        findings.create(db)
        findings.collect(db, checks)
        _fill_quarantine(db, declared, checks, findings)
        count_days(db, declared, build)
        of_log = with_severities(_log_checks(db, declared, as_of, build, ctx.run_id), declared)
        findings.collect(db, of_log)
        checks = [*checks, *of_log]
        _note_checks(db, declared, checks)
    outcomes, validation = conclude(
        settings.warehouse_url,
        ctx,
        checks,
        asset=f"candidate.{declared.name}",
        suite=f"{declared.name}__candidate",
        findings=findings,
    )
    with connect(settings.warehouse_url) as db:
        outcomes = [*outcomes, *_share(db, declared)]
    finish(settings, ctx, subject=declared.name, layer="candidate", outcomes=outcomes, validation=validation)
    return outcomes


def _log_checks(
    db: psycopg.Connection, declared: GateDeclaration, as_of: datetime, build: Build | None, run_id: str
) -> list[Check]:
    """The checks of the log as it will be published; they only warn, for an imported log too."""
    return [
        open_too_long(declared, as_of),
        *history_checks(declared, as_of, build, run_id),
        *row_checks(db, declared, build),
    ]


def _note_checks(db: psycopg.Connection, declared: GateDeclaration, checks: list[Check]) -> None:
    """Make candidate.<process>__checks: which checks were made, for publishing their findings."""
    table = f"candidate.{declared.name}__checks"
    db.execute(f"drop table if exists {table}")
    db.execute(f"create table {table} (check_name text primary key, severity text not null, scope text not null)")
    with db.cursor() as cursor:
        cursor.executemany(
            f"insert into {table} values (%s, %s, %s)",
            [(check.name, check.severity, check.scope if check.is_per_case else "log") for check in checks],
        )


def _columns(db: psycopg.Connection, table: str, schema: str = "candidate") -> set[str]:
    return {
        name
        for (name,) in db.execute(
            "select column_name from information_schema.columns where table_schema = %s and table_name = %s",
            (schema, table),
        )
    }


def _lacking(
    declared: GateDeclaration, required: dict[str, tuple[str, ...]], columns: dict[str, set[str]]
) -> Outcome | None:
    """A failed outcome when a candidate table or column is missing: the other checks could not even run."""
    wrong = []
    for table, names in required.items():
        missing = sorted(set(names) - columns[table])
        if not columns[table]:
            wrong.append(f"no table candidate.{declared.name}__{table}")
        elif missing:
            wrong.append(f"candidate.{declared.name}__{table} lacks {', '.join(missing)}")
    if not wrong:
        return None
    check = Check(
        "candidate_tables",
        "block",
        "the candidate tables with the columns of the contract",
        "repair the models of the process and build again",
        "",
        dimension="structure",
    )
    return Outcome(
        check,
        False,
        len(wrong),
        None,
        f"candidate_tables: expected {check.expected}; found {'; '.join(wrong[:3])}; {check.remedy}",
    )


def _fill_quarantine(
    db: psycopg.Connection, declared: GateDeclaration, checks: list[Check], findings: Findings
) -> None:
    """Make candidate.<process>__quarantined anew: one row per case and failed check that quarantines."""
    table = f"candidate.{declared.name}__quarantined"
    db.execute(f"drop table if exists {table}")
    db.execute(f"""create table {table} (case_id text not null, check_name text not null, reason text not null,
                                         primary key (case_id, check_name))""")
    db.execute(
        f"""insert into {table} (case_id, check_name, reason)
            select case_id, check_name, reason from {findings.table}
            where case_id is not null and check_name = any(%s)""",
        ([check.name for check in checks if check.severity == "quarantine"],),
    )
    db.execute(f"analyze {table}")


def _share(db: psycopg.Connection, declared: GateDeclaration) -> list[Outcome]:
    """Too many quarantined cases are the source's trouble, not the cases': it blocks.

    Of the whole log as it would be, not of tonight's cases: those in quarantine are looked at every night, and would soon
    be most of a quiet one.
    """
    quarantined, cases = db.execute(
        f"""select (select count(distinct case_id) from candidate.{declared.name}__quarantined),
                   (select count(*) from candidate.{declared.name}__cases)
                   + (select count(*) from event_log.cases as published
                      where process = %s and not exists (select from candidate.{declared.name}__touched_cases as touched
                                                         where touched.case_id = published.case_id))""",
        (declared.name,),
    ).fetchone()
    share, limit = declared.max_quarantined_share, declared.max_quarantined_cases
    is_success = quarantined <= limit or quarantined <= share * cases
    default = Check(
        "quarantined_share",
        "warn" if declared.is_imported else "block",
        f"at most {share:.0%} or {limit} of the cases in quarantine",
        "repair the source or raise max_quarantined_share",
        "",
        dimension="volume",
    )
    kept = with_severities([default], declared)
    if not kept:
        return []
    check = kept[0]
    found = f"{quarantined} of {cases} cases"
    message = (
        f"quarantined_share: {check.expected} ({found})"
        if is_success
        else f"quarantined_share: expected {check.expected}; found {found}; {check.remedy}"
    )
    return [Outcome(check, is_success, 0 if is_success else quarantined, cases, message, quarantined)]
