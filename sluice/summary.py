"""The readable end of a night: what was extracted, gated, quarantined, published and found, and where to look next."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sluice.settings import Settings
from sluice.warehouse import connect

if TYPE_CHECKING:
    from sluice.run_night import DagRun, Night

EXIT_OK, EXIT_FAILED, EXIT_BLOCKED = 0, 1, 3


def print_summary(console: Console, settings: Settings, night: "Night", *, seconds: float, logs: Path) -> int:
    """Print the summary of a night; returns its exit code: 0 well, 1 failed, 3 blocked."""
    console.print()
    with connect(settings.warehouse_url) as db:
        _extracted(console, db, night)
        _published(console, db, night)
        published = [process for process, run in night.mines.items() if run.outcome == "published"]
        _found(console, db, published)
    code = _verdict(console, night, logs)
    console.print(
        f"{seconds:.0f} s. Look next: [bold]sluice psql[/] (\\dv bi.*), [bold]sluice status[/], "
        f"[bold]sluice up[/] for Airflow's UI; logs in {logs}"
    )
    return code


def make_console() -> Console:
    """A console that colours for a terminal and gives a file lines that are wide enough for the tables."""
    return Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 160)


def duration(seconds: float | None) -> str:
    """Seconds as people say them.

    >>> duration(93784), duration(59.4), duration(None)
    ('1.1 d', '59 s', '–')
    """
    if seconds is None:
        return "–"
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, show_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right", no_wrap=number > 0)
    return table


def _row(table: Table, *values: Any) -> None:
    table.add_row(
        *(escape(f"{value:,}" if isinstance(value, int) else "–" if value is None else str(value)) for value in values)
    )


def _extracted(console: Console, db: psycopg.Connection, night: "Night") -> None:
    table = _table("Extracted", "system", "rows read", "new", "changed", "deleted", "quarantined")
    for system, run in night.extracts.items():
        load = db.execute(
            """select read_count, inserted_count, updated_count, deleted_count, quarantined_count
               from ops.loads where run_id = %s and state = 'landed' order by version desc limit 1""",
            (run.ops_id(night.day),),
        ).fetchone()
        _row(table, system, *(load or (run.outcome or run.state, None, None, None, None)))
    console.print(table, "")


def _published(console: Console, db: psycopg.Connection, night: "Night") -> None:
    if not night.mines:
        return
    table = _table(
        "Published", "process", "", "cases", "open", "events", "variants", "median", "quarantined", "checks", "warnings"
    )
    for process, run in night.mines.items():
        kpis = (
            db.execute(
                "select case_count, open_case_count, event_count, variant_count, median_seconds "
                "from mining.process_kpis where process = %s",
                (process,),
            ).fetchone()
            or (None,) * 5
        )
        checks, warnings = db.execute(
            """select count(*), count(*) filter (where not is_success and severity = 'warn')
               from quality.check_results where run_id = %s""",
            (run.ops_id(night.day),),
        ).fetchone()
        quarantined = db.execute(
            "select count(distinct case_id) from quality.quarantined_cases where process = %s", (process,)
        ).fetchone()[0]
        state = run.outcome or ("not run" if run.run_id is None else run.state)
        _row(table, process, state, *kpis[:4], duration(kpis[4]), quarantined, checks, warnings)
    console.print(table, "")
    _warnings(console, db, night)


def _warnings(console: Console, db: psycopg.Connection, night: "Night") -> None:
    rows = db.execute(
        """select subject, message from quality.check_results
           where run_id = any(%s) and not is_success and severity <> 'block' order by subject, check_name limit 8""",
        ([run.ops_id(night.day) for run in night.runs if run.run_id],),
    ).fetchall()
    for subject, message in rows:
        console.print(f"  [yellow]note[/] {escape(subject)}: {escape(message)}")
    if rows:
        console.print()


def _found(console: Console, db: psycopg.Connection, processes: list[str]) -> None:
    for process in processes:
        lines = [line for found in (_slow, _variant, _ties, _rework, _sequence) for line in found(db, process)]
        if lines:
            console.print(f"[bold]{escape(process)}[/]")
            for label, text in lines:
                console.print(f"  {label:<18} {escape(text)}")
            console.print()


def _slow(db: psycopg.Connection, process: str) -> list[tuple[str, str]]:
    rows = db.execute(
        """select source_activity, target_activity, median_seconds, edge_count, total_share from mining.slow_transitions
           where process = %s order by rank limit 3""",
        (process,),
    ).fetchall()
    return [
        (
            "slowest step" if number == 0 else "",
            f"{source} → {target}: median {duration(median)}, {count:,} times, {share:.0%} of all waiting",
        )
        for number, (source, target, median, count, share) in enumerate(rows)
    ]


def _variant(db: psycopg.Connection, process: str) -> list[tuple[str, str]]:
    rows = db.execute(
        "select activities, case_count, case_share from mining.variants where process = %s order by rank limit 1",
        (process,),
    ).fetchall()
    return [
        ("commonest variant", f"{_sequence_text(activities)}: {count:,} cases, {share:.0%}")
        for activities, count, share in rows
    ]


def _ties(db: psycopg.Connection, process: str) -> list[tuple[str, str]]:
    rows = db.execute(
        """select value, lowest, highest from mining.order_bounds
           where process = %s and trusted_order = 'occurred_at' and result = 'process_kpis' and kpi = 'variant_count'""",
        (process,),
    ).fetchall()
    return [
        ("variants", f"{value:,.0f}; {lowest:,.0f} to {highest:,.0f} if tied events stood in another order")
        for value, lowest, highest in rows
    ]


def _rework(db: psycopg.Connection, process: str) -> list[tuple[str, str]]:
    rows = db.execute(
        """select activity, repeat_case_count, repeat_case_share from mining.rework
           where process = %s and repeat_count > 0 order by repeat_count desc, activity collate "C" limit 1""",
        (process,),
    ).fetchall()
    return [
        ("most rework", f"{activity}: more than once in {count:,} cases, {share:.0%} of those that have it")
        for activity, count, share in rows
    ]


def _sequence(db: psycopg.Connection, process: str) -> list[tuple[str, str]]:
    rows = db.execute(
        """select steps, occurrence_count, person_count, total_seconds from mining.repeated_sequences
           where process = %s order by total_seconds desc, sequence_id collate "C" limit 1""",
        (process,),
    ).fetchall()
    return [
        ("most repeated", f"{_sequence_text(steps)}: {count:,} times by {people} people, {duration(total)} in all")
        for steps, count, people, total in rows
    ]


def _sequence_text(steps: list[str], longest: int = 7) -> str:
    shown = (
        steps if len(steps) <= longest else [*steps[: longest - 2], f"… {len(steps) - longest + 1} more …", steps[-1]]
    )
    return " → ".join(shown)


def _verdict(console: Console, night: "Night", logs: Path) -> int:
    code = EXIT_OK
    for run in night.runs:
        if run.state == "success":
            continue
        if run.run_id is None:
            console.print(
                f"[yellow]not run[/] {run.subject}: waits for {_culprits(night, run)}; its last good state stays published"
            )
            continue
        is_blocked = run.outcome == "blocked"
        code = EXIT_FAILED if not is_blocked or code == EXIT_FAILED else EXIT_BLOCKED
        label = "[yellow]blocked[/]" if is_blocked else "[red]failed[/] "
        where = logs / f"dag_id={run.dag_id}" / f"run_id={run.run_id}"
        console.print(f"{label} {run.subject}: {escape(run.message or f'the task died: see {where}')}")
    if code == EXIT_OK:
        console.print(f"[bold green]all is well[/]: the night of {night.day} is published")
    return code


def _culprits(night: "Night", run: "DagRun") -> str:
    return ", ".join(source for source in night.sources[run.subject] if night.extracts[source].state != "success")
