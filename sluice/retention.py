"""How long raw rows are kept, as declared per source system: what is older goes, and with it what was published of it.

A mirror of a source (tables.yml) follows the source: only rows that are gone there for longer than the retention are erased.
Rows that a source only ever adds (agent exports) are taken out by their age: they are marked as gone under a new version, so
that the next run of each process drops their cases in the ordinary way, and are erased once all processes have seen that.
The cutoff is the run's as_of minus the retention and never moves back, so that any sequence of runs ends in the same state.
"""

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from extractors.systems import has_tables, list_systems
from sluice.errors import BadInput, SluiceError
from sluice.processes import list_processes, load_process
from sluice.settings import Settings
from sluice.warehouse import connect

OPS = "ops"
SHORTEST_DAYS = {OPS: 90}
_PREFIX = "SLUICE_RETENTION_"
_SPAN = re.compile(r"(\d{1,5})(?:\s+days?)?")
# history of the runs: table -> the column that says when; what decides a later run is not among them
_HISTORY = {
    ("ops", "steps"): "started_at",
    ("ops", "alerts"): "recovered_at",
    ("quality", "check_results"): "checked_at",
}


@dataclass
class Retained:
    """What a retention takes out of one system. expired: rows marked as gone; purged: rows erased; both by table."""

    system: str
    keep_days: int
    cutoff_at: datetime
    expired: dict[str, int] = field(default_factory=dict)
    purged: dict[str, int] = field(default_factory=dict)
    case_count: int = 0
    version: int | None = None

    @property
    def is_empty(self) -> bool:
        return not any(self.expired.values()) and not any(self.purged.values())


def declared(settings: Settings) -> dict[str, int]:
    """System (or `ops`) -> days, from SLUICE_RETENTION_<SYSTEM>; BadInput names a variable that is wrong."""
    found, known = {}, [*list_systems(), OPS]
    for name, value in sorted(settings.operations.items()):
        if not name.startswith(_PREFIX):
            continue
        system, span = name[len(_PREFIX) :].lower(), _SPAN.fullmatch(value.strip().lower())
        if system not in known:
            raise BadInput(f"{name}: there is no {system!r} to retain: expected one of {', '.join(known)}")
        shortest = SHORTEST_DAYS.get(system, 1)
        if not span or int(span[1]) < shortest:
            raise BadInput(
                f"{name}: expected a number of days such as '400 days', at least {shortest}, found {value!r}"
            )
        found[system] = int(span[1])
    return found


def keep(settings: Settings, system: str, as_of: datetime, run_id: str, *, is_dry_run: bool = False) -> Retained | None:
    """Apply the declared retention of `system` in one transaction, under the lock that builds share; None without one.

    Recorded in ops.retention when anything went. Repeating it changes nothing. is_dry_run: count alone.
    """
    days = declared(settings).get(system)
    if days is None:
        return None
    with connect(settings.warehouse_url) as db:
        if not is_dry_run:
            db.execute("select pg_advisory_xact_lock(hashtext(%s))", (f"sluice:raw:{system}",))
        cutoff = db.execute(
            "select greatest(%s::timestamptz, max(cutoff_at)) from ops.retention where system = %s",
            (as_of - timedelta(days=days), system),
        ).fetchone()[0]
        made = _Keeping(db, system, Retained(system, days, cutoff), run_id, is_dry_run=is_dry_run).run()
        if not is_dry_run and not made.is_empty:
            db.execute(
                """insert into ops.retention
                   (system, run_id, as_of, keep_days, cutoff_at, version, expired_count, purged_count, details)
                   values (%s, %s, %s, %s, %s, %s, %s, %s, %s)""",
                (
                    system,
                    run_id,
                    as_of,
                    days,
                    cutoff,
                    made.version,
                    sum(made.expired.values()),
                    sum(made.purged.values()),
                    Jsonb({"expired": made.expired, "purged": made.purged, "cases": made.case_count}),
                ),
            )
    return made


class _Keeping:
    def __init__(self, db: psycopg.Connection, system: str, made: Retained, run_id: str, *, is_dry_run: bool) -> None:
        self.db, self.system, self.made, self.run_id, self.is_dry_run = db, system, made, run_id, is_dry_run
        self.values = {"cutoff": made.cutoff_at}
        self.aged, self.old = ({}, "") if has_tables(system) else _aged_tables(system)

    def run(self) -> Retained:
        tables = [
            name
            for (name,) in self.db.execute(
                r"""select c.relname::text from pg_class as c
                    inner join pg_attribute as a on a.attrelid = c.oid and a.attname = '_is_deleted'
                    where c.relnamespace = to_regnamespace(%s) and c.relkind = 'r' order by c.relname""",
                (f"raw_{self.system}",),
            )
        ]
        for table in tables:
            self._expire(table)
        gated, seen = self._gated_version(), self._versions_before_cutoff()
        for table in tables:
            self._purge(table, gated, seen)
        if self.aged and not self.is_dry_run:
            self._empty_landing()
        return self.made

    def _expire(self, table: str) -> None:
        """Mark the rows of a table that only grows as gone, under a version of the retention's own."""
        if table not in self.aged:
            return
        where = sql.SQL("not _is_deleted and ") + sql.SQL(self.aged[table])
        raw = sql.Identifier(f"raw_{self.system}", table)
        count = self.db.execute(sql.SQL("select count(*) from {} where {}").format(raw, where), self.values).fetchone()[
            0
        ]
        if not count:
            return
        self.made.expired[table] = count
        self.made.case_count += self.db.execute(
            sql.SQL(
                """select count(distinct (rows.process, rows.case_id)) from ops.case_rows as rows
                   inner join {} as raw on rows.source_table = {} and rows.source_key = raw.file_id || ':' || raw.source_seq
                   where {}"""
            ).format(raw, sql.Literal(table), where),
            self.values,
        ).fetchone()[0]
        if self.is_dry_run:
            return
        self.db.execute(
            sql.SQL("update {} set _is_deleted = true, _version = {}, _loaded_at = clock_timestamp() where {}").format(
                raw, sql.Literal(self._version()), where
            ),
            self.values,
        )

    def _version(self) -> int:
        """The retention's own load, made at its first use."""
        if self.made.version is None:
            (self.made.version,) = self.db.execute(
                """insert into ops.loads (run_id, system, mode, window_end, state, finished_at, message)
                   values (%s, %s, 'window', %s, 'landed', clock_timestamp(), %s) returning version""",
                (
                    f"{self.run_id}/retention",
                    self.system,
                    self.made.cutoff_at,
                    f"retention of {self.made.keep_days} days: rows before {self.made.cutoff_at:%Y-%m-%d} are taken out",
                ),
            ).fetchone()
        return self.made.version

    def _gated_version(self) -> int | None:
        """Up to where every process that reads the system has looked; None: nobody has published anything of it yet."""
        readers = [name for name in list_processes() if self.system in load_process(name).sources]
        return self.db.execute(
            "select min(gated_version) from ops.process_state where process = any(%s)", (readers,)
        ).fetchone()[0]

    def _versions_before_cutoff(self) -> int:
        """The last version before the first load whose horizon lies after the cutoff."""
        return self.db.execute(
            """select coalesce(min(loads.version) - 1, 0) from ops.loads as loads
               inner join ops.runs as runs on runs.run_id = loads.run_id
               where loads.system = %s and runs.as_of > %s""",
            (self.system, self.made.cutoff_at),
        ).fetchone()[0]

    def _purge(self, table: str, gated: int | None, seen: int) -> None:
        """Erase rows that are marked as gone, that every process has seen to be gone, and that are old enough."""
        age = sql.SQL("_version <= {}").format(sql.Literal(seen))
        if table in self.aged:
            age = sql.SQL("({} or {})").format(age, sql.SQL(self.old))
        where = sql.SQL("_is_deleted and {}").format(age)
        if gated is not None:
            where += sql.SQL(" and _version <= {}").format(sql.Literal(gated))
        raw = sql.Identifier(f"raw_{self.system}", table)
        query = "select count(*) from {} where {}" if self.is_dry_run else "delete from {} where {}"
        done = self.db.execute(sql.SQL(query).format(raw, where), self.values)
        count = done.fetchone()[0] if self.is_dry_run else done.rowcount
        if count:
            self.made.purged[table] = count

    def _empty_landing(self) -> None:
        """What has landed waits for nobody; a full reading had left expired rows there, too."""
        schema = f"landing_{self.system}"
        for table in self.aged:
            name = sql.Identifier(schema, table)
            if self.db.execute("select to_regclass(%s)", (f"{schema}.{table}",)).fetchone()[0] is not None:
                self.db.execute(sql.SQL("delete from {}").format(name))


def _aged_tables(system: str) -> tuple[Mapping[str, str], str]:
    """Of a system with a pipeline of its own: table -> condition of a row that is to go, and what is true of all these."""
    try:
        module = importlib.import_module(f"extractors.{system}.retention")
        return module.AGED, module.OLD
    except ModuleNotFoundError:
        raise BadInput(
            f"{_PREFIX}{system.upper()}: {system} does not say which of its rows are old (extractors/{system}/retention.py)"
        ) from None


def keep_history(settings: Settings, *, is_dry_run: bool = False) -> dict[str, int] | None:
    """Apply SLUICE_RETENTION_OPS to the history of runs: rows by table; None where it is not declared.

    Runs, loads and watermarks stay: they decide what later runs do. Open alerts stay.
    """
    days = declared(settings).get(OPS)
    if days is None:
        return None
    found = {}
    with connect(settings.warehouse_url) as db:
        cutoff = db.execute("select clock_timestamp() - make_interval(days => %s)", (days,)).fetchone()[0]
        for table, column in _HISTORY.items():
            query = "select count(*) from {} where {} < %s" if is_dry_run else "delete from {} where {} < %s"
            done = db.execute(sql.SQL(query).format(sql.Identifier(*table), sql.Identifier(column)), (cutoff,))
            count = done.fetchone()[0] if is_dry_run else done.rowcount
            if count:
                found[".".join(table)] = count
        if found and not is_dry_run:
            db.execute(
                """insert into ops.retention (system, as_of, keep_days, cutoff_at, purged_count, details)
                   values (%s, clock_timestamp(), %s, %s, %s, %s)""",
                (OPS, days, cutoff, sum(found.values()), Jsonb({"purged": found})),
            )
    return found


def retain(settings: Settings, *, is_dry_run: bool) -> int:
    """`sluice retain`: apply every declared retention as of the system's last run, or say what it would take out."""
    from sluice.nights import running_warehouse

    spans = declared(settings)
    if not spans:
        raise SluiceError(f"no retention is declared: set {_PREFIX}<SYSTEM>, such as {_PREFIX}AGENT='400 days'")
    verb = "would be" if is_dry_run else "were"
    with running_warehouse(settings) as ready:
        for system in spans:
            if system == OPS:
                _tell_history(keep_history(ready, is_dry_run=is_dry_run) or {}, spans[OPS], verb)
                continue
            with connect(ready.warehouse_url) as db:
                (as_of,) = db.execute(
                    "select max(as_of) from ops.runs where subject = %s and kind = 'extract' and state = 'landed'",
                    (system,),
                ).fetchone()
            if as_of is None:
                print(f"{system}: kept {spans[system]} days; nothing has landed yet")
                continue
            made = keep(ready, system, as_of, f"retain/{system}/{as_of:%Y-%m-%d}", is_dry_run=is_dry_run)
            _tell(made, verb)
    return 0


def _tell(made: Retained, verb: str) -> None:
    print(f"{made.system}: kept {made.keep_days} days, before {made.cutoff_at:%Y-%m-%d %H:%M} UTC goes")
    for what, counts in (("marked as gone", made.expired), ("erased", made.purged)):
        for table, count in counts.items():
            print(f"  raw_{made.system}.{table}: {count:,} rows {verb} {what}")
    if made.case_count:
        print(
            f"  {made.case_count:,} cases {verb if verb == 'would be' else 'will be'} taken out or made anew by the next run"
        )
    if made.is_empty:
        print("  nothing is that old")


def _tell_history(found: dict[str, int], days: int, verb: str) -> None:
    print(f"ops: kept {days} days")
    for table, count in found.items():
        print(f"  {table}: {count:,} rows {verb} erased")
    if not found:
        print("  nothing is that old")
