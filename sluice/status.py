"""`sluice status`: the last nights at a glance, and where to look further."""

import json
from collections import Counter

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sluice import backfill_records, owners
from sluice.night_board import MISSING, Board, Line, collect
from sluice.settings import Settings
from sluice.summary import duration, make_console
from sluice.warehouse import connect

_MARKS = {
    "published": "green",
    "landed": "green",
    "running": "cyan",
    "blocked": "yellow",
    "failed": "red",
    "interrupted": "red",
    "late": "red",
    MISSING: "yellow",
}


def status(settings: Settings, *, nights: int = 7, is_json: bool = False) -> int:
    """Print the newest run of each subject of the last `nights` days that ran, newest first; 1 when the newest night is red
    or one is late, else 0. is_json: the whole board as one JSON object."""
    from sluice.nights import running_warehouse
    from sluice.stack import running

    with running_warehouse(settings) as ready:
        with connect(ready.warehouse_url) as db:
            owners.close_dead(db)
            backfill_records.close_dead(db)
            board = collect(db, settings, nights=nights)
        stack = running(ready)
    if is_json:
        print(json.dumps(board.as_dict() | {"airflow": stack and stack.url}, default=str, ensure_ascii=False))
    else:
        _print(make_console(), board, stack and stack.url)
    return 1 if board.is_red else 0


def _print(console: Console, board: Board, airflow: str | None) -> None:
    console.print(f"Airflow is up at {airflow}" if airflow else "Airflow is not running (`sluice up` starts it)")
    if not board.nights and not board.imports and not board.backfills:
        console.print("nothing has run yet: `sluice run`")
        return
    if board.nights:
        console.print(_table(board.nights))
    for run in board.running:
        note = f" ({run['message']})" if run["message"] else ""
        console.print(
            f"running now: {run['subject']} {run['step']} since {duration(run['seconds'])}{note}", markup=False
        )
    for late in board.late:
        console.print(f"[red]late[/] {escape(late['subject'])}: {escape(late['reason'])}")
    for alert in board.alerts:
        console.print(
            f"told: {alert['subject']} {alert['kind']} at {alert['opened_at']:%Y-%m-%d %H:%M} UTC", markup=False
        )
    for one in board.backfills:
        tail = f"; {one['message']}" if one["message"] else ""
        console.print(
            f"backfill {one['backfill_id']}: {one['state']}, {one['days_done']} of {one['days_count']} days "
            f"({one['system']}, {one['first_day']} … {one['last_day']}) in {one['seconds']:.0f} s, "
            f"asked for by {one['asked_by']}: {one['reason']}{tail}",
            markup=False,
        )
    for line in board.imports:
        rows = "" if line.rows_in is None else f" {line.rows_in:,} rows in {duration(line.seconds)}"
        console.print(f"imported log {line.subject}: {line.state}{rows} {line.message or ''}".rstrip(), markup=False)
    _look_further(console, board)


def _table(lines: list[Line]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("day", "what", "subject", "state", "took", "in", "out", "held", "warn", "runs", "message"):
        is_number = name in ("took", "in", "out", "held", "warn", "runs")
        table.add_column(name, justify="right" if is_number else "left", overflow="fold", no_wrap=name != "message")
    shown = None
    for line in lines:
        state = f"[{_MARKS.get(line.state, 'white')}]{line.state}[/]"
        where = f" in {line.step}" if line.step and line.state != "running" else f" {line.step}" if line.step else ""
        message = line.message or ("its rows were read by the next night" if line.state == MISSING else "")
        table.add_row(
            "" if line.day == shown else str(line.day),
            line.kind,
            escape(line.subject),
            f"{state}{escape(where)}",
            duration(line.seconds),
            *(_number(value) for value in (line.rows_in, line.rows_out, line.quarantined_count)),
            str(line.warning_count or ""),
            str(line.run_count or ""),
            escape(message),
        )
        shown = line.day
    return table


def _number(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def _look_further(console: Console, board: Board) -> None:
    bad = Counter(line.state for line in board.nights if line.state in ("blocked", "failed", "interrupted"))
    if bad or board.late:
        console.print("look further: `sluice doctor`; what the checks said: `sluice psql -c 'table bi.check_results'`")
    elif any(line.warning_count for line in board.nights):
        console.print(
            'warnings: `sluice psql -c "select day, subject, message from bi.check_results join bi.runs using (run_id, subject) '
            'where not is_success order by day desc"`',
            markup=False,
        )
