"""What the checks of one gate call found, in one table: each check's SQL runs once, everything else reads the findings.

A check that names cases leaves one row per case; any other one row per line that it tells, with what is behind it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from expectations.checks import Check
from sluice.errors import SluiceError

EXAMPLES = 3  # findings that are told in a message
_LINES = 100  # lines kept of a check that names no cases


@dataclass(frozen=True)
class Findings:
    """The findings table of a gate call: (check_name, finding_key, case_id, reason, bad_row_count)."""

    schema: str
    name: str

    @property
    def table(self) -> str:
        """Its name as SQL."""
        return sql.Identifier(self.schema, self.name).as_string()

    def create(self, db: psycopg.Connection) -> None:
        """Make it anew and empty."""
        db.execute(f"drop table if exists {self.table}")
        db.execute(
            f"""create unlogged table {self.table} (check_name text not null, finding_key text not null, case_id text,
                                                    reason text not null, bad_row_count bigint not null)"""
        )

    def collect(self, db: psycopg.Connection, checks: Sequence[Check]) -> None:
        """Add what the checks find; raises SluiceError when a check's SQL cannot run."""
        for check in checks:
            statement = _BY_CASE if check.is_per_case else _BY_LINE
            text = statement.format(
                table=self.table, name=sql.Literal(check.name).as_string(), query=check.query, lines=_LINES
            )
            try:
                with db.transaction():
                    db.execute(text)
            except psycopg.Error as error:
                raise SluiceError(
                    f"check {check.name} ({self.name}) could not be evaluated: {str(error).splitlines()[0]}"
                ) from error

    def counts(self, db: psycopg.Connection) -> dict[str, tuple[int, int]]:
        """Check name -> (bad rows, findings), of the checks that found something."""
        return {
            name: (int(rows), findings)
            for name, rows, findings in db.execute(
                f"select check_name, sum(bad_row_count), count(*) from {self.table} group by check_name"
            )
        }

    def examples(self, db: psycopg.Connection, check: Check) -> list[str]:
        """The first findings of a check, in words."""
        shown = "coalesce(case_id, 'no case') || ': ' || reason" if check.is_per_case else "reason"
        return [
            line
            for (line,) in db.execute(
                f"""select {shown} from {self.table} where check_name = %s
                    order by case_id collate "C" nulls first, reason collate "C" limit {EXAMPLES}""",
                (check.name,),
            )
        ]


_BY_CASE = """
insert into {table} (check_name, finding_key, case_id, reason, bad_row_count)
select {name}, coalesce(case_id, ''), case_id, coalesce(min(reason collate "C"), ''), count(*)
from ({query}) as bad group by case_id"""
_BY_LINE = """
insert into {table} (check_name, finding_key, case_id, reason, bad_row_count)
with bad as materialized (select coalesce(reason, '') collate "C" as reason from ({query}) as bad),
told as (select reason, count(*) as bad_row_count from bad group by reason order by reason limit {lines}),
untold as (
    select (select count(*) from bad) - coalesce(sum(bad_row_count), 0) as bad_row_count from told)
select {name}, reason, null, reason, bad_row_count from told
union all
select {name}, '…', null, '… and ' || bad_row_count || ' more', bad_row_count from untold where bad_row_count > 0"""
