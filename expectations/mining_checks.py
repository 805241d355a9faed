"""The checks of the candidate mining tables.

What a column may hold follows from its name and from its table's declaration in schema mining, so a new table is
checked
without a line here; what ties the results to the event log is declared one by one.
"""

from dataclasses import dataclass

import psycopg
from psycopg import sql

from expectations.checks import Check
from expectations.declaration import GateDeclaration
from expectations.sql_text import literal

_FIX = "this is a fault of the mining tasks, not of the data: report it; the last good results stay"
_DRIFT = 0.5
_TIME_ORDER = (
    ("min_seconds", "median_seconds"),
    ("median_seconds", "p90_seconds"),
    ("p90_seconds", "max_seconds"),
    ("min_seconds", "mean_seconds"),
    ("mean_seconds", "max_seconds"),
)


@dataclass(frozen=True)
class MiningTable:
    """A table of schema mining with a candidate. columns: name -> whether it may be null. key: its primary key."""

    name: str
    columns: dict[str, bool]
    key: tuple[str, ...]


def log_variants(process: str) -> str:
    """The table that `count_variants` makes."""
    return f"candidate.{process}__log_variants"


def log_cases(process: str, columns: str, condition: str = "true") -> str:
    """Columns of the cases (as c) that mining read: published ones that are not touched, candidates not quarantined."""
    p = f"candidate.{process}__"
    return f"""select {columns} from event_log.cases as c where process = {literal(process)} and {condition}
                 and not exists (select from {p}touched_cases as t where t.case_id = c.case_id)
               union all
               select {columns} from {p}cases as c where {condition}
                 and not exists (select from {p}quarantined as q where q.case_id = c.case_id)"""


def count_variants(db: psycopg.Connection, process: str) -> None:
    """Make candidate.<process>__log_variants: `variant_id`, `case_count`, `event_count` (of all its cases together) of the
    log that mining read, from its cases; which are gone through once for all checks.
    """
    db.execute(f"drop table if exists {log_variants(process)}")
    db.execute(
        f"""create table {log_variants(process)} as
            select variant_id, count(*) as case_count, coalesce(sum(event_count), 0)::bigint as event_count
            from ({log_cases(process, "variant_id, event_count")}) as c group by variant_id"""
    )


def checks_of(declared: GateDeclaration, tables: dict[str, MiningTable]) -> list[Check]:
    """The checks that the tables at hand allow, with their default severities."""
    made = _Checks(declared, tables)
    return [
        check
        for check in (
            made.present(),
            made.values(),
            made.keys(),
            made.time_order(),
            made.k_anonymity(),
            made.private_cases(),
            *made.against_log(),
            made.variants(),
            made.drift(),
        )
        if check
    ]


class _Checks:
    def __init__(self, declared: GateDeclaration, tables: dict[str, MiningTable]) -> None:
        self.declared, self.tables = declared, tables

    def _candidate(self, table: str) -> str:
        return sql.Identifier("candidate", f"{self.declared.name}__mining_{table}").as_string()

    @property
    def _log_variants(self) -> str:
        return log_variants(self.declared.name)

    def _union(self, name: str, dimension: str, expected: str, parts: list[str]) -> Check | None:
        bad = "\nunion all\n".join(parts)
        return Check(name, "block", expected, _FIX, bad, dimension=dimension) if parts else None

    def present(self) -> Check:
        found = len(self.tables)
        return Check(
            "mining_tables",
            "block",
            "results of mining",
            "mine the process before gating its results",
            f"select 'no candidate table' as reason where {found} = 0",
            checked=f"select {found}",
            dimension="structure",
        )

    def values(self) -> Check | None:
        parts = []
        for table in self.tables.values():
            bad = {}
            for column, is_nullable in table.columns.items():
                wrong = [] if is_nullable else [f"{column} is null"]
                if column.endswith("_share"):
                    wrong.append(f"not {column} between 0 and 1 + 1e-9")
                if column.endswith(("_seconds", "_count")):
                    wrong.append(f"{column} < 0")
                if column.endswith("_seconds"):
                    wrong.append(f"{column} in ('NaN'::float8, 'Infinity'::float8)")
                if column == "process":
                    wrong.append(f"process <> '{self.declared.name}'")
                if wrong:
                    bad[column] = " or ".join(wrong)
            cases = " ".join(f"when {wrong} then '{table.name}.{column}'" for column, wrong in bad.items())
            if cases:
                parts.append(
                    f"select reason from (select case {cases} end as reason from {self._candidate(table.name)}) as v "
                    f"where reason is not null"
                )
        return self._union(
            "mining_values",
            "validity",
            "counts and times of at least 0, shares from 0 to 1, no null where none may be",
            parts,
        )

    def keys(self) -> Check | None:
        return self._union(
            "mining_keys",
            "uniqueness",
            "one row per key",
            [
                f"select '{table.name} has a key ' || count(*) || ' times' as reason "
                f"from {self._candidate(table.name)} "
                f"group by {', '.join(table.key)} having count(*) > 1"
                for table in self.tables.values()
                if table.key
            ],
        )

    def time_order(self) -> Check | None:
        parts = []
        for table in self.tables.values():
            wrong = [
                f"{low} > {high} * (1 + 1e-9) + 1e-6" for low, high in _TIME_ORDER if {low, high} <= set(table.columns)
            ]
            if wrong:
                parts.append(
                    f"select '{table.name}' as reason from {self._candidate(table.name)} where {' or '.join(wrong)}"
                )
        return self._union(
            "mining_time_order", "consistency", "min <= median <= p90 <= max and min <= mean <= max", parts
        )

    def k_anonymity(self) -> Check | None:
        parts = []
        for table in self.tables.values():
            for column in ("person_count", "resource_count"):
                if column in table.columns:
                    parts.append(
                        f"select '{table.name} rests on ' || {column} || ' persons' as reason "
                        f"from {self._candidate(table.name)} where {column} between 1 and {self.declared.k_anonymity - 1}"
                    )
        return self._union(
            "mining_k_anonymity",
            "privacy",
            f"at least {self.declared.k_anonymity} persons behind every figure about persons",
            parts,
        )

    def private_cases(self) -> Check | None:
        if self.declared.is_case_level_public or "case_kpis" not in self.tables:
            return None
        return self._union(
            "mining_private_cases",
            "privacy",
            "no row per case, as the process declares its cases not public",
            [f"select 'case_kpis has rows' as reason from {self._candidate('case_kpis')}"],
        )

    def against_log(self) -> list[Check]:
        """Totals that must equal the event log's; at most that where fewer than k persons left rows out."""
        totals = {
            "dfg": ("edge_count", "events - cases", "arcs"),
            "activity_kpis": ("event_count", "events", "events"),
            "start_activities": ("case_count", "cases", "starts"),
            "end_activities": ("case_count", "cases", "ends"),
        }
        checks = []
        for table, (column, expected, what) in totals.items():
            if table not in self.tables:
                continue
            checks.append(
                Check(
                    f"mining_{table}_total",
                    "block",
                    f"{what} that add up to the event log's ({expected})",
                    _FIX,
                    f"""
                with log as (
                    select coalesce(sum(event_count), 0) as events, coalesce(sum(case_count), 0) as cases
                    from {self._log_variants}),
                mined as (select coalesce(sum({column}), 0) as total from {self._candidate(table)})
                select 'found ' || total || ', the log has ' || {expected} as reason from mined, log
                where total > {expected} or (total < {expected} and {self._suppressed(table)} = 0)""",
                    dimension="consistency",
                )
            )
        return checks

    def _suppressed(self, table: str) -> str:
        if "suppressions" not in self.tables:
            return "0"
        return (
            f"(select coalesce(sum(suppressed_count), 0) from {self._candidate('suppressions')} "
            f"where table_name = '{table}')"
        )

    def variants(self) -> Check | None:
        if "variants" not in self.tables:
            return None
        return Check(
            "mining_variants_match",
            "block",
            "the variants of the event log with their numbers of cases",
            _FIX,
            f"""
            with log as (select variant_id, case_count from {self._log_variants})
            select 'variant ' || coalesce(mined.variant_id, log.variant_id) || ' has ' || coalesce(mined.case_count, 0)
                   || ' cases, in the log ' || coalesce(log.case_count, 0) as reason
            from {self._candidate("variants")} as mined full join log on mined.variant_id = log.variant_id
            where mined.case_count is distinct from log.case_count
              and not (mined.case_count is null and {self._suppressed("variants")} > 0)""",
            checked=f"select count(*) from {self._candidate('variants')}",
            dimension="consistency",
        )

    def drift(self) -> Check | None:
        if "process_kpis" not in self.tables:
            return None
        figures = ("case_count", "median_seconds", "variant_count", "rework_case_share")
        parts = [
            f"""select '{figure} went from ' || round(old.{figure}::numeric, 2) || ' to ' ||
                    round(new.{figure}::numeric, 2) as reason
                     from mining.process_kpis as old inner join {self._candidate("process_kpis")} as new on
                         old.process = new.process
                     where abs(new.{figure} - old.{figure}) > {_DRIFT} * old.{figure} and old.case_count >= 100"""
            for figure in figures
            if figure in self.tables["process_kpis"].columns
        ]
        return Check(
            "mining_drift",
            "warn",
            f"figures within {_DRIFT:.0%} of the last run's",
            "look whether the source is whole",
            "\nunion all\n".join(parts),
            dimension="drift",
        )
