"""What `sluice status` shows, as data: the last nights by system and process, what runs now, what is late, missing or open."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import class_row, dict_row

from sluice.alerts.incidents import find_incidents
from sluice.settings import Settings

BAD = ("blocked", "failed", "interrupted", "late")
MISSING = "missing"


@dataclass(frozen=True)
class Line:
    """The newest run of one system or process for one day.

    rows_in, rows_out: rows read and changed (extract), cases touched and published (mine), events read and published
    (import). quarantined_count: rows or cases held back. run_count: how often that day was run.
    """

    day: date | None
    kind: str
    subject: str
    state: str
    step: str | None = None
    seconds: float | None = None
    rows_in: int | None = None
    rows_out: int | None = None
    quarantined_count: int | None = None
    warning_count: int = 0
    run_count: int = 0
    message: str | None = None
    run_id: str | None = None
    started_at: datetime | None = None
    sluice_version: str | None = None


@dataclass
class Board:
    """Everything at a glance. `is_red`: whether the newest night, or one that is late, needs somebody."""

    nights: list[Line] = field(default_factory=list)
    imports: list[Line] = field(default_factory=list)
    running: list[dict[str, Any]] = field(default_factory=list)
    late: list[dict[str, Any]] = field(default_factory=list)
    alerts: list[dict[str, Any]] = field(default_factory=list)
    backfills: list[dict[str, Any]] = field(default_factory=list)
    last_backup_at: datetime | None = None

    @property
    def is_red(self) -> bool:
        newest = max((line.day for line in self.nights), default=None)
        return bool(self.late) or any(line.day == newest and line.state in BAD for line in self.nights)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for --json."""
        return asdict(self) | {"is_red": self.is_red}


_LINES = """
with counted as (
    select r.run_id, row_number() over (partition by r.day, r.kind, r.subject order by r.started_at desc) as newest,
           count(*) over (partition by r.day, r.kind, r.subject) as run_count
    from ops.runs as r
    where (%(imports)s and r.kind = 'import')
       or (not %(imports)s and r.kind <> 'import' and r.day is not null and r.day >= %(since)s)
),

steps as (
    select s.run_id,
           sum(s.seconds) as seconds,
           max(s.rows_in) filter (where s.step in ('copy', 'build')) as rows_in,
           max(s.rows_out) filter (where s.step in ('land', 'publish')) as rows_out,
           (array_agg(s.step order by s.started_at desc, s.attempt desc) filter (where s.state <> 'done'))[1] as step
    from ops.steps as s inner join counted on counted.run_id = s.run_id
    where counted.newest = 1
    group by s.run_id
),

warnings as (
    select c.run_id, count(*) as warning_count
    from quality.check_results as c inner join counted on counted.run_id = c.run_id
    where counted.newest = 1 and not c.is_success and c.severity = 'warn'
    group by c.run_id
),

held as (
    select l.run_id, sum(l.quarantined_count)::bigint as quarantined_count
    from ops.loads as l inner join counted on counted.run_id = l.run_id
    where counted.newest = 1
    group by l.run_id
)

select r.day, r.kind, r.subject, r.state, case when r.state in ('landed', 'published') then null else s.step end as step,
       s.seconds, s.rows_in, s.rows_out,
       coalesce((r.parameters ->> 'quarantined_count')::bigint, held.quarantined_count) as quarantined_count,
       coalesce(w.warning_count, 0) as warning_count, counted.run_count, r.message, r.run_id, r.started_at,
       r.versions ->> 'sluice' as sluice_version
from counted
inner join ops.runs as r on r.run_id = counted.run_id
left join steps as s on s.run_id = r.run_id
left join warnings as w on w.run_id = r.run_id
left join held on held.run_id = r.run_id
where counted.newest = 1
order by r.day desc nulls last, r.kind, r.subject collate "C", r.started_at desc
limit %(most)s"""


def collect(db: psycopg.Connection, settings: Settings, *, nights: int, now: datetime | None = None) -> Board:
    """Read the board of the last `nights` days that ran."""
    now = now or datetime.now(UTC)
    days = [
        day
        for (day,) in db.execute(
            "select distinct day from ops.runs where day is not null and kind <> 'import' order by day desc limit %s",
            (nights,),
        )
    ]
    board = Board()
    since = days[-1] if days else date.min
    found = _lines(db, since=since, imports=False, most=100 * nights)
    board.nights = sorted([*found, *_missing(found)], key=lambda line: (-line.day.toordinal(), line.kind, line.subject))
    board.imports = _lines(db, since=date.min, imports=True, most=5)
    board.late = [
        {"day": one.day, "subject": one.subject, "reason": one.reason}
        for one in find_incidents(db, settings, now)
        if one.kind == "late"
    ]
    board.running = _dicts(
        db,
        """select r.subject, r.kind, s.step, s.run_id, s.started_at, s.message,
                  extract(epoch from clock_timestamp() - s.started_at)::double precision as seconds
           from ops.steps as s inner join ops.runs as r on r.run_id = s.run_id
           where s.state = 'running' order by s.started_at""",
    )
    board.alerts = _dicts(
        db,
        """select subject, kind, reason, command, opened_at from ops.alerts
           where recovered_at is null order by opened_at""",
    )
    board.backfills = _dicts(
        db,
        """select backfill_id, system, first_day, last_day, state, days_done, days_count, seconds, asked_by, reason, message
           from ops.backfills order by backfill_id desc limit 5""",
    )
    (board.last_backup_at,) = db.execute("select max(taken_at) from ops.backups").fetchone()
    return board


def _lines(db: psycopg.Connection, *, since: date, imports: bool, most: int) -> list[Line]:
    with db.cursor(row_factory=class_row(Line)) as cursor:
        return cursor.execute(_LINES, {"since": since, "imports": imports, "most": most}).fetchall()


def _dicts(db: psycopg.Connection, query: str) -> list[dict[str, Any]]:
    with db.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query).fetchall()


def _missing(found: list[Line]) -> Iterator[Line]:
    """Days between two nights of a subject on which it did not run; the night after has read them along."""
    days: dict[tuple[str, str], set[date]] = {}
    for line in found:
        days.setdefault((line.kind, line.subject), set()).add(line.day)
    for (kind, subject), ran in days.items():
        for number in range(1, (max(ran) - min(ran)).days):
            day = min(ran) + timedelta(days=number)
            if day not in ran:
                yield Line(day, kind, subject, MISSING)
