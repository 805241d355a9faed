"""`sluice status`: the last nights at a glance, from ops.runs and ops.steps."""

from datetime import timedelta

from rich.markup import escape
from rich.table import Table

from sluice.settings import Settings
from sluice.summary import make_console
from sluice.warehouse import connect

_MARKS = {"published": "green", "landed": "green", "running": "cyan", "blocked": "yellow", "failed": "red"}


def status(settings: Settings, *, nights: int = 7) -> int:
    """Print the last run of each subject of the last `nights` days that ran, newest first; 0 when none of the newest is red."""
    from sluice.nights import running_warehouse
    from sluice.stack import running

    console = make_console()
    with running_warehouse(settings) as ready:
        with connect(ready.warehouse_url) as db:
            rows = db.execute(
                """with last_days as (
                       select distinct day from ops.runs where day is not null order by day desc limit %s
                   ),
                   ranked as (
                       select r.day, r.kind, r.subject, r.state, r.message, r.started_at, r.finished_at,
                              row_number() over (partition by r.day, r.kind, r.subject order by r.started_at desc) as newest,
                              count(*) over (partition by r.day, r.kind, r.subject) as run_count
                       from ops.runs as r inner join last_days as d on r.day = d.day
                   )
                   select day, kind, subject, state, message, finished_at - started_at, run_count
                   from ranked where newest = 1 order by day desc, kind, subject collate "C" """,
                (nights,),
            ).fetchall()
            imports = db.execute(
                "select subject, state, message from ops.runs where kind = 'import' order by started_at desc limit 5"
            ).fetchall()
        stack = running(ready)
        console.print(f"Airflow is up at {stack.url}" if stack else "Airflow is not running (`sluice up` starts it)")
    if not rows and not imports:
        console.print("nothing has run yet: `sluice run`")
        return 0
    table = Table(box=None, pad_edge=False)
    for name in ("day", "what", "subject", "state", "took", "runs", "message"):
        table.add_column(name, overflow="fold")
    for day, kind, subject, state, message, took, count in rows:
        table.add_row(
            str(day),
            kind,
            escape(subject),
            f"[{_MARKS.get(state, 'white')}]{state}[/]",
            _took(took),
            str(count),
            escape(message or ""),
        )
    console.print(table)
    for subject, state, message in imports:
        console.print(f"imported log {escape(subject)}: {state} {escape(message or '')}")
    newest = rows[0][0] if rows else None
    return 1 if any(row[0] == newest and row[3] in ("blocked", "failed") for row in rows) else 0


def _took(took: timedelta | None) -> str:
    return "–" if took is None else f"{took.total_seconds():.0f} s"
