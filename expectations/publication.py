"""What publishing takes over of the gate's own results, in publishing's transaction: findings, effects, counts per day."""

import psycopg
from psycopg import sql

from expectations.build import exists
from expectations.counts import COLUMNS


def publish_quality(db: psycopg.Connection, process: str, run_id: str, *, is_full_rebuild: bool) -> None:
    """Make quality.findings, finding_effects and daily_counts of a process what its gated candidate says.

    Expects the temporary table publish_touched (case_id). Findings keep their first_seen_at as long as they stay; equal
    rows are not written again, and repeating it changes nothing.
    """
    for table, replace in (("findings", _findings), ("daily_counts", _daily_counts), ("finding_effects", _effects)):
        candidate = sql.Identifier("candidate", f"{process}__{table}")
        if exists(db, "candidate", f"{process}__{table}"):
            replace(db, process, run_id, candidate, is_full_rebuild)


def _findings(
    db: psycopg.Connection, process: str, run_id: str, candidate: sql.Identifier, is_full_rebuild: bool
) -> None:
    """Those of touched cases, and all of the checks that look at the log as a whole."""
    checks = sql.Identifier("candidate", f"{process}__checks")
    db.execute(
        sql.SQL(
            """create temporary table publish_findings on commit drop as
               select f.check_name, f.finding_key, f.case_id, f.reason, c.severity, f.bad_row_count
               from {} as f inner join {} as c on c.check_name = f.check_name where c.severity <> 'block'"""
        ).format(candidate, checks)
    )
    db.execute("analyze publish_findings")
    db.execute(
        sql.SQL(
            """delete from quality.findings as old
               where old.process = %(process)s
                 and (%(everything)s or old.case_id in (select case_id from publish_touched)
                      or old.check_name in (select check_name from {checks} where scope = 'log')
                      or old.check_name not in (select check_name from {checks}))
                 and not exists (
                     select from publish_findings as new
                     where new.check_name = old.check_name and new.finding_key = old.finding_key)"""
        ).format(checks=checks),
        {"process": process, "everything": is_full_rebuild},
    )
    db.execute(
        """insert into quality.findings as old
               (process, check_name, finding_key, case_id, reason, severity, bad_row_count, run_id)
           select %s, check_name, finding_key, case_id, reason, severity, bad_row_count, %s from publish_findings
           on conflict (process, check_name, finding_key) do update
           set (case_id, reason, severity, bad_row_count, run_id) =
               (excluded.case_id, excluded.reason, excluded.severity, excluded.bad_row_count, excluded.run_id)
           where (old.reason, old.severity, old.bad_row_count)
               is distinct from (excluded.reason, excluded.severity, excluded.bad_row_count)""",
        (process, run_id),
    )


def _daily_counts(
    db: psycopg.Connection, process: str, run_id: str, candidate: sql.Identifier, is_full_rebuild: bool
) -> None:
    columns = sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
    gone = sql.SQL("event_count = 0") if not is_full_rebuild else sql.SQL("false")
    db.execute(
        sql.SQL(
            """delete from quality.daily_counts as old
               where old.process = %(process)s
                 and ((%(everything)s and not exists (
                           select from {candidate} as new where new.day = old.day and new.activity = old.activity))
                      or (old.day, old.activity) in (select day, activity from {candidate} where {gone}))"""
        ).format(candidate=candidate, gone=gone),
        {"process": process, "everything": is_full_rebuild},
    )
    db.execute(
        sql.SQL(
            """insert into quality.daily_counts as old (process, day, activity, {columns})
               select %s, day, activity, {columns} from {candidate} where event_count > 0
               on conflict (process, day, activity) do update set ({columns}) = ({excluded})
               where ({old}) is distinct from ({excluded})"""
        ).format(
            columns=columns,
            candidate=candidate,
            excluded=sql.SQL(", ").join(sql.Identifier("excluded", column) for column in COLUMNS),
            old=sql.SQL(", ").join(sql.Identifier("old", column) for column in COLUMNS),
        ),
        (process,),
    )


def _effects(
    db: psycopg.Connection, process: str, run_id: str, candidate: sql.Identifier, is_full_rebuild: bool
) -> None:
    db.execute(
        sql.SQL(
            """delete from quality.finding_effects as old where old.process = %s and not exists (
                   select from {} as new where new.check_name = old.check_name and new.kpi = old.kpi)"""
        ).format(candidate),
        (process,),
    )
    db.execute(
        sql.SQL(
            """insert into quality.finding_effects as old
                   (process, check_name, kpi, case_count, with_value, without_value, run_id)
               select %s, check_name, kpi, case_count, with_value, without_value, %s from {}
               on conflict (process, check_name, kpi) do update
               set (case_count, with_value, without_value, run_id) =
                   (excluded.case_count, excluded.with_value, excluded.without_value, excluded.run_id)
               where (old.case_count, old.with_value, old.without_value)
                   is distinct from (excluded.case_count, excluded.with_value, excluded.without_value)"""
        ).format(candidate),
        (process, run_id),
    )
