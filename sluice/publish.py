"""Publishing: one transaction replaces what a process's touched cases were by what they are, mining results with them.

Readers see the state before or the state after, never a mixture, and never wait: rows are deleted and inserted, tables
are only created or attached.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import psycopg
from psycopg import sql

from expectations.build import Build, exists, read_build
from expectations.declaration import GateDeclaration, declaration_of
from sluice.errors import SluiceError
from sluice.runs import RunContext
from sluice.settings import Settings
from sluice.warehouse import connect

_EVENTS = ("event_id", "case_id", "case_key", "event_seq", "activity", "activity_key", "occurred_at", "started_at", "lifecycle",
           "resource", "source_system", "source_table", "source_key", "source_seq", "order_basis")
_CASES = ("case_id", "case_key", "started_at", "ended_at", "event_count", "variant_id", "is_open")
_ACTIVITIES = ("activity_key", "activity", "rank", "category", "is_automated")


@dataclass(frozen=True)
class Published:
    """What a publish did: counts of touched, published and quarantined cases, and of events written."""

    touched_count: int
    published_count: int
    quarantined_count: int
    event_count: int
    is_full: bool


def publish(settings: Settings, process: object, ctx: RunContext) -> Published:
    """Publish the candidate of a process (its name or its declaration), minus the quarantined cases.

    Idempotent: repeating it changes nothing but loaded_at. Raises SluiceError when the candidate tables are not the
    gated ones of this run.
    """
    declared = declaration_of(process)
    with connect(settings.warehouse_url) as db:
        with db.transaction():
            _make_partitions(db, declared.name)
        with db.transaction():
            db.execute("select pg_advisory_xact_lock(hashtext(%s))", (f"sluice:publish:{declared.name}",))
            done = _Publication(db, declared, ctx).run()
        for table in ("events", "cases"):
            if done.is_full:
                db.execute(sql.SQL("analyze {}").format(sql.Identifier("event_log", f"{table}__{declared.name}")))
    return done


def _make_partitions(db: psycopg.Connection, process: str) -> None:
    """The partitions of a process, once. CREATE and ATTACH take no lock that a reader would wait for."""
    for table in ("events", "cases"):
        partition = f"{table}__{process}"
        if exists(db, "event_log", partition):
            continue
        db.execute("select pg_advisory_xact_lock(hashtext('sluice:partitions'))")
        if exists(db, "event_log", partition):  # another run made it meanwhile
            continue
        db.execute(sql.SQL("create table {} (like {} including all)").format(
            sql.Identifier("event_log", partition), sql.Identifier("event_log", table)))
        db.execute(sql.SQL("alter table {} attach partition {} for values in ({})").format(
            sql.Identifier("event_log", table), sql.Identifier("event_log", partition), sql.Literal(process)))


class _Publication:
    """The statements of one publish, in the transaction of `db`."""

    def __init__(self, db: psycopg.Connection, declared: GateDeclaration, ctx: RunContext) -> None:
        self.db, self.declared, self.ctx, self.process = db, declared, ctx, declared.name

    def run(self) -> Published:
        build = self._gated_build()
        self._collect_touched(build)
        self._replace_log()
        for table in ("attributes", *self.declared.extra_tables):
            self._replace_own(table, build)
        self._replace_case_rows()
        self._replace_quarantine()
        self._replace_mining()
        self._replace_activities()
        self._count_ties()
        self._set_state(build)
        return self._counts(build)

    def _execute(self, text: str, **names: object) -> psycopg.Cursor:
        """Run SQL in which {name} is an identifier (a tuple: schema, table) or what `sql` composed; %(process)s is bound."""
        made = {key: sql.Identifier(*value) if isinstance(value, tuple) else value for key, value in names.items()}
        return self.db.execute(sql.SQL(text).format(**made),
                               {"process": self.process, "run_id": self.ctx.run_id})

    def _candidate(self, table: str) -> tuple[str, str]:
        return "candidate", f"{self.process}__{table}"

    def _gated_build(self) -> Build:
        build = read_build(self.db, self.process)
        if build is None:
            raise SluiceError(f"{self.process} cannot be published: there are no candidate tables; build it first")
        if build.run_id != self.ctx.run_id:
            raise SluiceError(f"{self.process} cannot be published by run {self.ctx.run_id}: its candidate tables are of run "
                              f"{build.run_id}; run the process again from its build")
        layers = dict(self._execute(
            """select layer, bool_and(is_success or severity <> 'block') from quality.check_results
               where run_id = %(run_id)s and subject = %(process)s group by layer"""))
        if not layers.get("candidate") or not layers.get("mining", True) or not exists(self.db, *self._candidate("quarantined")):
            raise SluiceError(f"{self.process} cannot be published by run {self.ctx.run_id}: the gate has not let it through; "
                              f"see quality.check_results")
        return build

    def _collect_touched(self, build: Build) -> None:
        """Temporary tables: which published cases go, which candidate cases come."""
        everything = sql.SQL("true") if build.is_full_rebuild else sql.SQL("false")
        self._execute("""create temporary table publish_touched on commit drop as
                         select case_id from {touched} union
                         select case_id from event_log.cases where process = %(process)s and {everything}""",
                      touched=self._candidate("touched_cases"), everything=everything)
        self._execute("""create temporary table publish_gone on commit drop as
                         select cases.case_key from event_log.cases as cases
                         inner join publish_touched as touched on cases.case_id = touched.case_id
                         where cases.process = %(process)s""")
        self._execute("""create temporary table publish_coming on commit drop as
                         select cases.case_id, cases.case_key from {cases} as cases
                         where not exists (select 1 from {quarantined} as q where q.case_id = cases.case_id)""",
                      cases=self._candidate("cases"), quarantined=self._candidate("quarantined"))
        for table in ("publish_touched", "publish_gone", "publish_coming"):
            self._execute("analyze {table}", table=(table,))

    def _replace_log(self) -> None:
        for table, columns in (("events", _EVENTS), ("cases", _CASES)):
            self._execute("""delete from {published} as old using publish_gone as gone
                             where old.process = %(process)s and old.case_key = gone.case_key""", published=("event_log", table))
            loaded = sql.SQL(", loaded_at") if table == "events" else sql.SQL("")
            stamp = sql.SQL(", now()") if table == "events" else sql.SQL("")
            self._execute("""insert into {published} (process, {columns}{loaded})
                             select %(process)s, {values}{stamp} from {candidate} as new
                             inner join publish_coming as coming on new.case_key = coming.case_key""",
                          published=("event_log", table), candidate=self._candidate(table), loaded=loaded, stamp=stamp,
                          columns=_list(columns), values=_list(columns, "new"))

    def _replace_own(self, table: str, build: Build) -> None:
        """A table of the process's own, event_log.<process>_<table>, with the columns of its candidate."""
        candidate, published = self._candidate(table), ("event_log", f"{self.process}_{table}")
        columns = self._columns(candidate)
        if not columns:
            raise SluiceError(f"{self.process} cannot be published: there is no table candidate.{candidate[1]}")
        if columns != self._columns(published):
            self._recreate(table, candidate, published, build)
        else:
            self._execute("delete from {published} as old using publish_touched as touched where old.case_id = touched.case_id",
                          published=published)
        names = [name for name, _ in columns]
        self._execute("""insert into {published} ({columns}) select {values} from {candidate} as new
                         inner join publish_coming as coming on new.case_id = coming.case_id""",
                      published=published, candidate=candidate, columns=_list(names), values=_list(names, "new"))

    def _recreate(self, table: str, candidate: tuple[str, str], published: tuple[str, str], build: Build) -> None:
        if self._columns(published) and not build.is_full_rebuild:
            raise SluiceError(f"{self.process} cannot be published: the columns of {'.'.join(published)} changed; "
                              f"build the process in full")
        self._execute("drop table if exists {published} cascade", published=published)
        self._execute("create table {published} (like {candidate})", published=published, candidate=candidate)
        key = sql.SQL("alter table {published} add primary key (case_key)" if table == "attributes"
                      else "create index on {published} (case_key)")
        self.db.execute(key.format(published=sql.Identifier(*published)))
        self._execute("create index on {published} (case_id)", published=published)

    def _columns(self, table: tuple[str, str]) -> list[tuple[str, str]]:
        return self.db.execute(
            """select attname, format_type(atttypid, atttypmod) from pg_attribute
               where attrelid = to_regclass(format('%%I.%%I', %s::text, %s::text)) and attnum > 0 and not attisdropped
               order by attnum""", table).fetchall()

    def _replace_case_rows(self) -> None:
        self._execute("""delete from ops.case_rows as old using publish_touched as touched
                         where old.process = %(process)s and old.case_id = touched.case_id""")
        self._execute("""insert into ops.case_rows (process, source_table, source_key, case_id)
                         select distinct %(process)s, source_table, source_key, case_id from {candidate}""",
                      candidate=self._candidate("case_rows"))

    def _replace_quarantine(self) -> None:
        self._execute("""delete from quality.quarantined_cases as old using publish_touched as touched
                         where old.process = %(process)s and old.case_id = touched.case_id
                           and not exists (select 1 from {candidate} as new
                                           where new.case_id = old.case_id and new.check_name = old.check_name)""",
                      candidate=self._candidate("quarantined"))
        self._execute("""insert into quality.quarantined_cases (process, case_id, check_name, reason, run_id)
                         select %(process)s, case_id, check_name, reason, %(run_id)s from {candidate}
                         on conflict (process, case_id, check_name)
                         do update set reason = excluded.reason, run_id = excluded.run_id""",
                      candidate=self._candidate("quarantined"))

    def _replace_mining(self) -> None:
        """Every table of schema mining: the process's rows become those of candidate.<process>__mining_<table>."""
        tables = [name for (name,) in self.db.execute(
            "select tablename from pg_tables where schemaname = 'mining' order by tablename")]
        for table in tables:
            self._execute("delete from {published} where process = %(process)s", published=("mining", table))
            candidate = self._candidate(f"mining_{table}")
            if exists(self.db, *candidate):
                names = [name for name, _ in self._columns(("mining", table))]
                self._execute("insert into {published} ({columns}) select {columns} from {candidate}",
                              published=("mining", table), candidate=candidate, columns=_list(names))

    def _replace_activities(self) -> None:
        self._execute("delete from event_log.activities where process = %(process)s")
        self._execute("insert into event_log.activities (process, {columns}) select %(process)s, {columns} from {candidate}",
                      candidate=self._candidate("activities"), columns=_list(_ACTIVITIES))

    def _count_ties(self) -> None:
        self._execute("delete from event_log.order_ties where process = %(process)s")
        self._execute("""insert into event_log.order_ties (process, order_basis, tied_event_count, tied_case_count)
                         select process, order_basis, count(*), count(distinct case_key) from event_log.events
                         where process = %(process)s and order_basis <> {first} group by process, order_basis""",
                      first=sql.Literal(self.declared.order[0]))

    def _set_state(self, build: Build) -> None:
        d = self.declared
        self.db.execute(
            """insert into event_log.processes (process, title, kind, order_declared, is_case_level_public, k_anonymity, as_of,
                                                run_id, loaded_at)
               values (%s, %s, %s, %s, %s, %s, %s, %s, now())
               on conflict (process) do update set (title, kind, order_declared, is_case_level_public, k_anonymity, as_of,
                   run_id, loaded_at) = (excluded.title, excluded.kind, excluded.order_declared,
                   excluded.is_case_level_public, excluded.k_anonymity, excluded.as_of, excluded.run_id, excluded.loaded_at)""",
            (d.name, d.title, "imported" if d.is_imported else "declared", ", ".join(d.order), d.is_case_level_public,
             d.k_anonymity, build.as_of, self.ctx.run_id))
        self.db.execute(
            """insert into ops.process_state (process, gated_version, fingerprint, as_of, run_id, published_at)
               values (%s, %s, %s, %s, %s, clock_timestamp())
               on conflict (process) do update set (gated_version, fingerprint, as_of, run_id, published_at) =
                   (excluded.gated_version, excluded.fingerprint, excluded.as_of, excluded.run_id, excluded.published_at)""",
            (d.name, build.upto_version, build.fingerprint, build.as_of, self.ctx.run_id))

    def _counts(self, build: Build) -> Published:
        row = self._execute("""select (select count(*) from publish_touched), (select count(*) from publish_coming),
                                      (select count(distinct case_id) from {quarantined}),
                                      (select coalesce(sum(event_count), 0) from {cases} as cases
                                       inner join publish_coming as coming on cases.case_key = coming.case_key)""",
                            quarantined=self._candidate("quarantined"), cases=self._candidate("cases")).fetchone()
        return Published(*(int(value) for value in row), is_full=build.is_full_rebuild)


def _list(columns: Iterable[str], table: str | None = None) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(table, column) if table else sql.Identifier(column) for column in columns)
