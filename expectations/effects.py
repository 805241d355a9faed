"""What the doubtful cases do to the figures: each figure of a process with and without the cases that a check names.

The figures of all cases are read once; each check then costs a pass over numbers in memory, not over the log.
"""

from collections.abc import Mapping

import numpy as np
import polars as pl
import psycopg

from expectations.build import exists
from expectations.declaration import GateDeclaration
from expectations.mining_checks import log_cases
from expectations.sql_text import literal

MICROSECONDS = 1_000_000
_SCHEMA = {
    "check_name": pl.String,
    "kpi": pl.String,
    "case_count": pl.Int64,
    "with_value": pl.Float64,
    "without_value": pl.Float64,
}
_NAMED = {"check_name": pl.String, "case_key": pl.Int64}
_NONE = -(2**63 - 1)
# a quarantined case may have times that no duration can be made of
_DURATION = """case when isfinite(c.started_at) and isfinite(c.ended_at)
                    then least(extract(epoch from c.ended_at - c.started_at) * 1000000, 9e18)::bigint end"""
_CASES = {
    "case_key": pl.Int64,
    "duration_us": pl.Int64,
    "event_count": pl.Int64,
    "variant": pl.String,
    "is_published": pl.Boolean,
    "is_rework": pl.Boolean,
}


def measure_effects(cases: pl.DataFrame, named: pl.DataFrame, *, is_case_level_public: bool) -> pl.DataFrame:
    """One row per check and figure: check_name, kpi, case_count, with_value, without_value.

    cases: `case_key` (once each), `is_published`, `duration_us`, `event_count`, `variant`, `is_rework` (null where not
    known). named: `check_name`, `case_key`. With: the published cases and those that the check names; without: the
    published ones but for those. Percentiles interpolate linearly, as in mining. Where single cases may not be shown,
    only cases are counted.
    """
    cases, made = cases.sort("duration_us"), []
    for (check,), keys in sorted(named.select("check_name", "case_key").group_by("check_name")):
        is_named = pl.col("case_key").is_in(keys["case_key"].implode())
        with_them = _figures(cases.filter(pl.col("is_published") | is_named))
        without = _figures(cases.filter(pl.col("is_published") & ~is_named))
        found = cases.select(is_named.sum()).item()
        for kpi in with_them if is_case_level_public else ["case_count"]:
            made.append((check, kpi, found, with_them[kpi], without[kpi]))
    return pl.DataFrame(made, schema=_SCHEMA, orient="row")


def _figures(cases: pl.DataFrame) -> dict[str, float | None]:
    seconds = cases["duration_us"] / MICROSECONDS
    rework = cases["is_rework"]
    return {
        "case_count": len(cases),
        "event_count": cases["event_count"].sum(),
        "variant_count": cases["variant"].n_unique(),
        "median_seconds": seconds.quantile(0.5, "linear"),
        "mean_seconds": seconds.mean(),
        "p90_seconds": seconds.quantile(0.9, "linear"),
        "rework_case_share": rework.mean() if len(rework) and not rework.null_count() else None,
    }


def write_effects(db: psycopg.Connection, declared: GateDeclaration) -> None:
    """Make candidate.<process>__finding_effects, of the log as it will be published and its findings; none where both
    are as they were published."""
    table, p = f"candidate.{declared.name}__finding_effects", f"candidate.{declared.name}__"
    db.execute(f"drop table if exists {table}")
    if _is_unchanged(db, declared):
        return
    db.execute(
        f"""create table {table} (check_name text, kpi text, case_count bigint, with_value double precision,
                                  without_value double precision)"""
    )
    if not exists(db, "candidate", f"{declared.name}__findings"):
        return
    named = _read(db, _named(declared), _NAMED)
    if named.is_empty():
        return
    cases = pl.concat([_published(db, declared), _read(db, _quarantined(declared), _CASES)])
    effects = measure_effects(cases, named, is_case_level_public=declared.is_case_level_public)
    with db.cursor().copy(f"copy {p}finding_effects from stdin") as copy:
        for row in effects.iter_rows():
            copy.write_row(row)


def _read(db: psycopg.Connection, query: str, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """A query's rows, as CSV: a connection that reads Arrow would first read the whole catalog of types. Truth values must
    be texts, as PostgreSQL's t and f are not Polars's true and false.
    """
    with db.cursor().copy(f"copy ({query}) to stdout (format csv)") as copy:
        lines = b"".join(copy)
    return pl.read_csv(lines, has_header=False, schema=schema) if lines else pl.DataFrame(schema=schema)


def _is_unchanged(db: psycopg.Connection, declared: GateDeclaration) -> bool:
    """Whether mining saw no change, no case was built (so none in quarantine either), and the log is found as before."""
    p, process = f"candidate.{declared.name}__", literal(declared.name)
    if not all(exists(db, "candidate", f"{declared.name}__{table}") for table in ("mined", "findings", "checks")):
        return False
    found = f"""select f.check_name, f.finding_key from {p}findings as f
        inner join {p}checks as c on c.check_name = f.check_name where c.severity <> 'block' and c.scope = 'log'
        and f.case_id is not null"""
    known = f"""select f.check_name, f.finding_key from quality.findings as f
        inner join {p}checks as c on c.check_name = f.check_name where f.process = {process} and c.scope = 'log'
        and f.case_id is not null"""
    return db.execute(
        f"""select exists (select from {p}mined where scope = 'unchanged')
               and not exists (select from {p}cases) and not exists (select from {p}findings as f
                   inner join {p}checks as c on c.check_name = f.check_name where c.scope = 'case')
               and not exists (({found}) except ({known})) and not exists (({known}) except ({found}))"""
    ).fetchone()[0]


def _named(declared: GateDeclaration) -> str:
    """Check and key of every case that is named: by this run, and of the cases that it did not touch by the last ones."""
    p, process = f"candidate.{declared.name}__", literal(declared.name)
    return f"""
        select findings.check_name, cases.case_key
        from {p}findings as findings inner join {p}checks as checks
            on checks.check_name = findings.check_name and checks.severity <> 'block'
        inner join (
            select case_id, case_key from {p}cases
            union all
            select case_id, case_key from event_log.cases as c where process = {process}
              and not exists (select from {p}touched_cases as t where t.case_id = c.case_id)) as cases
            on cases.case_id = findings.case_id
        union
        select findings.check_name, cases.case_key
        from quality.findings as findings
        inner join {p}checks as checks on checks.check_name = findings.check_name and checks.scope = 'case'
        inner join event_log.cases as cases on cases.process = {process} and cases.case_id = findings.case_id
        where findings.process = {process}
          and not exists (select from {p}touched_cases as t where t.case_id = findings.case_id)"""


def _published(db: psycopg.Connection, declared: GateDeclaration) -> pl.DataFrame:
    """The cases as they will be published, with the columns of `_CASES`; variant and rework null where mining has none."""
    variants = f"candidate.{declared.name}__mining_variants"
    if not exists(db, "candidate", f"{declared.name}__mining_variants"):  # they are as they were
        variants = f"(select * from mining.variants where process = {literal(declared.name)})"
    known = pl.DataFrame(
        db.execute(
            f"""select variant_id, cardinality(activities) > (select count(distinct step) from unnest(activities) as step)
                from {variants} as v order by variant_id collate "C" """
        ).fetchall(),
        schema={"variant": pl.String, "is_rework": pl.Boolean},
        orient="row",
    )
    numbered = f"""select variant_id, row_number() over (order by variant_id collate "C") - 1 as number
                   from {variants} as v"""
    columns = f"c.case_key, {_DURATION} as duration_us, c.event_count, c.variant_id"
    with db.cursor(binary=True) as cursor:  # a column as one array: as rows they would take several times as long
        cursor.adapters.register_loader(psycopg.postgres.types["int8"].array_oid, _Numbers)
        found = cursor.execute(
            f"""select array_agg(c.case_key), array_agg(coalesce(c.duration_us, {_NONE})),
                       array_agg(c.event_count::bigint), array_agg(coalesce(v.number, {_NONE}))
                from ({log_cases(declared.name, columns)}) as c left join ({numbered}) as v on v.variant_id = c.variant_id"""
        ).fetchone()
    if found[0] is None:
        return pl.DataFrame(schema=_CASES)
    names = ("case_key", "duration_us", "event_count", "number")
    cases = pl.DataFrame(dict(zip(names, found, strict=True))).with_columns(
        (pl.when(pl.col(name) != _NONE).then(name).alias(name) for name in ("duration_us", "number")),
        is_published=pl.lit(True),
    )
    of_variant = known[cases["number"]] if len(known) else pl.DataFrame(schema=known.schema).clear(len(cases))
    if not declared.is_case_level_public:
        of_variant = of_variant.with_columns(is_rework=pl.lit(None, pl.Boolean))
    return cases.hstack(of_variant.get_columns()).select(*_CASES)


class _Numbers(psycopg.adapt.Loader):
    """An array of bigint, none of which is null, as integers of NumPy."""

    format = psycopg.pq.Format.BINARY

    def load(self, data: bytes) -> np.ndarray:
        return np.frombuffer(bytes(data)[20:], [("length", ">i4"), ("value", ">i8")])["value"].astype(np.int64)


def _quarantined(declared: GateDeclaration) -> str:
    """The cases in quarantine: what mining has not seen."""
    p = f"candidate.{declared.name}__"
    rework = "null::boolean"
    if declared.is_case_level_public:
        rework = f"""(select count(*) > count(distinct e.activity) from {p}events as e where e.case_key = c.case_key)"""
    return f"""
        select c.case_key, {_DURATION} as duration_us, c.event_count::bigint as event_count, c.variant_id as variant,
               'false' as is_published, ({rework})::text as is_rework
        from {p}cases as c where exists (select from {p}quarantined as q where q.case_id = c.case_id)"""
