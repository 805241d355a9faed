"""The checks of what a case refers to: declared activities, one document per case id, rows that a key points to."""

from collections.abc import Collection

import psycopg

from expectations.build import Build
from expectations.checks import Check
from expectations.declaration import GateDeclaration
from expectations.sql_text import literal
from sluice.errors import BadInput

_FLAG = "is_case_ambiguous"  # an attribute by which a model says that several documents share a case id


def reference_checks(declared: GateDeclaration, *, attributes: Collection[str], has_seed: bool) -> list[Check]:
    """Only declared activities, one document per case id.

    attributes: the columns of the attributes. has_seed: the seed of declared activities exists; without it no activity
    can be undeclared.
    """
    p = f"candidate.{declared.name}__"
    checks = [
        Check(
            "activity_known",
            "block",
            "each event's activity in the table of activities",
            "repair the model that makes it and build again",
            f"""
            select case_id, 'activity ' || activity as reason from {p}events as events
            where not exists (select 1 from {p}activities as known
                              where known.activity_key = events.activity_key and known.activity = events.activity)""",
            is_per_case=True,
            dimension="referential",
        ),
    ]
    if has_seed:
        checks.append(
            Check(
                "activity_declared",
                "warn",
                "only declared activities",
                f"declare it in dbt_project/seeds/{declared.declared_activities}.csv",
                f"""
            select case_id, 'activity ' || activity as reason from {p}events as events
            where not exists (select 1 from intermediate.{declared.declared_activities} as seed where seed.activity
                = events.activity)""",
                is_per_case=True,
                dimension="validity",
            )
        )
    ambiguous = []
    if _FLAG in attributes:
        ambiguous.append(f"""select case_id, 'several documents share this case id' as reason
            from {p}attributes where {_FLAG}""")
    if declared.case_document:
        document = literal(declared.case_document)
        ambiguous.append(f"""
            select case_id, count(distinct source_key) || ' rows of ' || {document} || ' share this case id' as reason
            from {p}case_rows where source_table = {document} group by case_id having count(distinct source_key) > 1""")
    if ambiguous:
        checks.append(
            Check(
                "case_id_unambiguous",
                "quarantine",
                "one document per case id",
                "give the documents different names in the source",
                " union all ".join(ambiguous),
                is_per_case=True,
                dimension="uniqueness",
            )
        )
    return checks


def row_checks(db: psycopg.Connection, declared: GateDeclaration, build: Build | None) -> list[Check]:
    """Rows whose declared foreign key finds no row in the raw tables; raises BadInput where there is no such column.

    Looked at are the rows of the touched cases, of the cases that were found before, and those that point to rows that
    were deleted since: so what is told is what all rows would tell.
    """
    if not declared.references:
        return []
    p, process = f"candidate.{declared.name}__", literal(declared.name)
    ctes, parts = [], []
    for number, one in enumerate(declared.references):
        key_type = _type_of(db, declared, one.system, one.table, "id")
        _type_of(db, declared, one.system, one.table, one.column)
        _type_of(db, declared, one.system, one.to, one.key)
        source, target = f"raw_{one.system}.{one.table}", f"raw_{one.system}.{one.to}"
        dangling = f"""rows.{one.column} is not null and not rows._is_deleted and not exists (
                select from {target} as target where target.{one.key} = rows.{one.column} and not target._is_deleted)"""
        reason = f"""{literal(f"{one.table} ")} || rows.id || {literal(f": {one.column} ")} || rows.{one.column} ||
            {literal(f" is no row of {one.to}")}"""
        # made first: there are few or none of them, whatever the statistics of tables that were just written say
        ctes.append(f"""
            gone_{number} as materialized (
                select rows.id, cases.case_id
                from (select {one.key} as key from {target}
                      where _is_deleted and _version > {0 if build is None else build.gated_version} offset 0) as gone
                inner join {source} as rows on rows.{one.column} = gone.key
                inner join ops.case_rows as cases on cases.process = {process}
                    and cases.source_table = {literal(one.table)} and cases.source_key = rows.id::text)""")
        parts.append(f"""
            select looked_at.case_id, {reason} as reason
            from (select case_id, source_key::{key_type} as id from looked_at
                  where source_table = {literal(one.table)}
                  union
                  select case_id, id from gone_{number}
                  where not exists (select from {p}touched_cases as t where t.case_id = gone_{number}.case_id)
                 ) as looked_at
            inner join {source} as rows on rows.id = looked_at.id where {dangling}""")
    tables = ", ".join(sorted({literal(one.table) for one in declared.references}))
    return [
        Check(
            "references_found",
            "warn",
            "every declared foreign key to find its row",
            "see whether the source lost the row, or is not read whole",
            f"""
            with known as materialized (
                select case_id from quality.findings
                where process = {process} and check_name = 'references_found'
                  and not exists (select from {p}touched_cases as t where t.case_id = findings.case_id)),
            looked_at as materialized (
                select source_table, source_key, case_id from {p}case_rows where source_table in ({tables})
                union
                select rows.source_table, rows.source_key, rows.case_id
                from known inner join ops.case_rows as rows on rows.case_id = known.case_id
                where rows.process = {process} and rows.source_table in ({tables})),
            {",".join(ctes)}
            {" union ".join(parts)}""",
            is_per_case=True,
            dimension="referential",
            scope="log",
        )
    ]


def _type_of(db: psycopg.Connection, declared: GateDeclaration, system: str, table: str, column: str) -> str:
    row = db.execute(
        """select format_type(atttypid, null) from pg_attribute
           where attrelid = to_regclass(format('%%I.%%I', %s::text, %s::text)) and attname = %s and attnum > 0""",
        (f"raw_{system}", table, column),
    ).fetchone()
    if row is None:
        raise BadInput(
            f"{declared.where}, references: raw_{system}.{table} has no column {column!r}; "
            f"declare it in extractors/{system}/tables.yml or take the reference out"
        )
    return row[0]
