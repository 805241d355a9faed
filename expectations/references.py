"""The checks of what a case refers to: declared activities, one document per case id, rows that a key points to."""

from collections.abc import Collection

from expectations.checks import Check
from expectations.declaration import GateDeclaration
from expectations.sql_text import literal

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
