"""`sluice compare`: two segments or periods of a published process side by side, its graph and its figures."""

import argparse
import csv
import io
import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from psycopg import sql

from sluice.errors import BadInput
from sluice.export.output import refuse_existing, whole_file

if TYPE_CHECKING:
    import polars as pl
    import psycopg

    from sluice.settings import Settings

_PERIOD = re.compile(r"(\d{4}-\d\d-\d\d)?\.\.(\d{4}-\d\d-\d\d)?").fullmatch
_SEGMENT = re.compile(r"([a-z_][a-z0-9_]*)=(.*)", re.DOTALL).fullmatch
_COLUMNS = ("case_key", "event_seq", "activity_key", "occurred_us", "started_us", "resource_key")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `sluice compare` to `parser`."""
    parser.description = (
        "Compare two parts of the published log of PROCESS: which transitions are more frequent or slower, and how the "
        "figures differ. A part is a period of the days on which cases started, such as 2025-01-01..2025-03-31 (either end "
        "may be left out), or an attribute of the cases, such as currency=EUR; repeated, all must hold. See "
        "docs/organisation.md."
    )
    parser.add_argument("process", metavar="PROCESS", help="a published process")
    parser.add_argument("--a", metavar="PART", action="append", required=True, help="the one part; may be repeated")
    parser.add_argument(
        "--b", metavar="PART", action="append", default=[], help="the other (default: all other cases); may be repeated"
    )
    parser.add_argument("--rows", type=int, default=15, metavar="N", help="transitions to print (default 15)")
    parser.add_argument("--output", metavar="FILE", type=Path, help="also write all transitions to a CSV file")
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there already")


def run(args: argparse.Namespace, settings: "Settings") -> int:
    """Compare and print; returns the exit code. Raises BadInput for a part that cannot be, or that has no case."""
    from mining_tasks.comparison import compare_parts
    from sluice.export.command import warehouse_url
    from sluice.export.published import open_published

    if args.output:
        refuse_existing(args.output, may_overwrite=args.overwrite)
    with warehouse_url(settings) as url, open_published(url, args.process) as log:
        first = _condition(args.process, args.a)
        second = _condition(args.process, args.b) if args.b else sql.SQL("not ({})").format(first)
        parts = [_read(log.db, args.process, condition) for condition in (first, second)]
        names = _names(log.db, args.process)
    for option, part in zip(("--a", "--b"), parts, strict=True):
        if part.is_empty():
            raise BadInput(f"compare {args.process}: {option}: no case is in this part")
    compared = compare_parts(*parts)
    for name, (before, after) in compared.kpis.items():
        print(f"{name:24} {_shown(before):>16} {_shown(after):>16}")
    print(f"{'transition':60} {'cases a':>8} {'cases b':>8} {'effect':>7} {'median a':>12} {'median b':>12}")
    for arc in compared.arcs[: args.rows]:
        arrow = f"{names[arc.source_activity_key]} -> {names[arc.target_activity_key]}"
        print(
            f"{arrow[:60]:60} {arc.a_case_share:8.1%} {arc.b_case_share:8.1%} {arc.effect_size:7.2f} "
            f"{_shown(arc.a_median_seconds):>12} {_shown(arc.b_median_seconds):>12}"
        )
    if args.output:
        text = io.StringIO(newline="")
        rows = [asdict(arc) for arc in compared.arcs]
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow(["source_activity", "target_activity", *list(rows[0])[2:]] if rows else [])
        writer.writerows([names[row[0]], names[row[1]], *row[2:]] for row in (list(one.values()) for one in rows))
        with whole_file(args.output, may_overwrite=args.overwrite) as out:
            out.write(text.getvalue().encode())
        print(f"{args.output}: {len(rows)} transitions")
    return 0


def _condition(process: str, said: Sequence[str]) -> sql.Composed:
    """A part as an SQL condition on `cases`."""
    return sql.SQL(" and ").join(_one(process, text) for text in said)


def _one(process: str, text: str) -> sql.Composable:
    if period := _PERIOD(text):
        try:
            begin, end = (date.fromisoformat(day) if day else None for day in period.groups())
        except ValueError:
            raise BadInput(
                f"compare {process}: {text!r}: expected days that exist, as YYYY-MM-DD..YYYY-MM-DD"
            ) from None
        since, before = begin or date.min, end + timedelta(days=1) if end and end < date.max else date.max
        return sql.SQL(
            "(cases.started_at at time zone 'UTC') >= {} and (cases.started_at at time zone 'UTC') < {}"
        ).format(sql.Literal(since), sql.Literal(before))
    if segment := _SEGMENT(text):
        column, value = segment.groups()
        return sql.SQL(
            "exists (select from {} as facts where facts.case_key = cases.case_key and facts.{}::text = {})"
        ).format(sql.Identifier("event_log", f"{process}_attributes"), sql.Identifier(column), sql.Literal(value))
    raise BadInput(
        f"compare {process}: {text!r}: expected a period such as 2025-01-01..2025-03-31, or an attribute such as currency=EUR"
    )


def _read(db: "psycopg.Connection", process: str, condition: sql.Composable) -> "pl.DataFrame":
    """The events of the cases that meet `condition`, under the rights of the login where it asks for attributes."""
    import polars as pl
    import psycopg

    query = sql.SQL(
        """select events.case_key, events.event_seq, events.activity_key,
               (extract(epoch from events.occurred_at) * 1000000)::bigint,
               (extract(epoch from events.started_at) * 1000000)::bigint, null::bigint
           from bi.events as events inner join bi.cases as cases using (process, case_key)
           where events.process = {process} and cases.process = {process} and {condition}
           order by events.case_key, events.event_seq"""
    ).format(process=sql.Literal(process), condition=condition)
    db.execute("reset role")
    try:
        rows = db.execute(query).fetchall()
    except (psycopg.errors.UndefinedColumn, psycopg.errors.UndefinedTable):
        raise BadInput(f"compare {process}: its cases have no such attribute") from None
    except psycopg.errors.InsufficientPrivilege:
        raise BadInput(
            f"compare {process}: this login may not read the attributes of the cases: compare periods"
        ) from None
    return pl.DataFrame(rows, schema=dict.fromkeys(_COLUMNS, pl.Int64), orient="row")


def _names(db: "psycopg.Connection", process: str) -> dict[int, str]:
    return dict(
        db.execute("select activity_key, activity from bi.activities where process = %s", (process,)).fetchall()
    )


def _shown(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else f"{value:,}"
