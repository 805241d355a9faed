"""The candidate gate: what a process's touched cases must satisfy before they may be published.

Cases that fail a `quarantine` check are written to candidate.<process>__quarantined with the reason; mining and
publishing leave them out. The checks themselves are in candidate_checks.py.
"""

import psycopg

from expectations.build import read_build
from expectations.candidate_checks import checks_of
from expectations.checks import Check, Outcome
from expectations.declaration import GateDeclaration, declaration_of
from expectations.gate import evaluate, finish, with_severities
from expectations.history import volume
from expectations.structure import REQUIRED
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
        required = REQUIRED | dict.fromkeys(declared.extra_tables, ("case_id", "case_key"))
        columns = {table: _columns(db, f"{declared.name}__{table}") for table in required}
        seed = declared.declared_activities
        build = read_build(db, declared.name)
        has_seed = seed is not None and bool(_columns(db, seed, schema="intermediate"))
        has_untimed = bool(_columns(db, f"{declared.name}__untimed"))
    lacking = _lacking(declared, required, columns)
    as_of = ctx.as_of if build is None else build.as_of  # a build's horizon never goes back
    if lacking is not None:
        finish(settings, ctx, subject=declared.name, layer="candidate", outcomes=[lacking], validation=None)
    for column in sorted({column for pair in declared.ends_after for column in pair} - columns["attributes"]):
        raise BadInput(
            f"{declared.where}, ends_after: candidate.{declared.name}__attributes has no column {column!r}; "
            f"declare it there or take the pair out"
        )
    found = {"attributes": columns["attributes"], "has_seed": has_seed, "has_untimed": has_untimed}
    checks = checks_of(declared, as_of, **found)
    if build is not None and not build.is_full_rebuild:
        checks.append(volume(declared, ctx.run_id))
    checks = with_severities(checks, declared)
    outcomes, validation = evaluate(
        settings.warehouse_url, ctx, checks, asset=f"candidate.{declared.name}", suite=f"{declared.name}__candidate"
    )
    with connect(settings.warehouse_url) as db:
        _fill_quarantine(db, declared, outcomes)
        outcomes = [*outcomes, *_share(db, declared)]
    finish(settings, ctx, subject=declared.name, layer="candidate", outcomes=outcomes, validation=validation)
    return outcomes


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


def _fill_quarantine(db: psycopg.Connection, declared: GateDeclaration, outcomes: list[Outcome]) -> None:
    """Make candidate.<process>__quarantined anew: one row per case and failed check, by the check's own SQL."""
    table = f"candidate.{declared.name}__quarantined"
    db.execute(f"drop table if exists {table}")
    db.execute(f"""create table {table} (case_id text not null, check_name text not null, reason text not null,
                                         primary key (case_id, check_name))""")
    for one in outcomes:
        if one.is_success or one.check.severity != "quarantine":
            continue
        db.execute(
            f"""insert into {table} (case_id, check_name, reason)
                select case_id, '{one.check.name}', min(reason collate "C") from ({one.check.query}) as bad
                where case_id is not null group by case_id"""
        )
    db.execute(f"analyze {table}")


def _share(db: psycopg.Connection, declared: GateDeclaration) -> list[Outcome]:
    """Too many quarantined cases at once is the source's trouble, not the cases': it blocks."""
    quarantined, cases = db.execute(
        f"""select (select count(distinct case_id) from candidate.{declared.name}__quarantined),
                   (select count(*) from candidate.{declared.name}__cases)"""
    ).fetchone()
    share, limit = declared.max_quarantined_share, declared.max_quarantined_cases
    is_success = quarantined <= limit or quarantined <= share * cases
    default = Check(
        "quarantined_share",
        "warn" if declared.is_imported else "block",
        f"at most {share:.0%} or {limit} of the touched cases in quarantine",
        "repair the source or raise max_quarantined_share",
        "",
        dimension="volume",
    )
    kept = with_severities([default], declared)
    if not kept:
        return []
    check = kept[0]
    found = f"{quarantined} of {cases} touched cases"
    message = (
        f"quarantined_share: {check.expected} ({found})"
        if is_success
        else f"quarantined_share: expected {check.expected}; found {found}; {check.remedy}"
    )
    return [Outcome(check, is_success, 0 if is_success else quarantined, cases, message)]
