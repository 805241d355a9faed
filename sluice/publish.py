"""Publishing: one transaction replaces what a process's touched cases were by what they are, mining results with them.

Readers see the state before or the state after, never a mixture, and never wait: rows are deleted and inserted, tables
are only created or attached.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import psycopg
from psycopg import sql

from expectations.build import Build, exists, read_build
from expectations.declaration import GateDeclaration, declaration_of
from expectations.publication import publish_quality
from sluice.candidate_tables import COLUMNS
from sluice.case_rows import read_former_rows, replace_few_case_rows
from sluice.dependent_views import replace_table
from sluice.errors import SluiceError
from sluice.mined import PER_CASE, TOUCHED, UNCHANGED, WHOLE, read_mined
from sluice.planning import AS_ON_SSDS, LITTLE_STATISTICS, are_few, in_order_of_storage, one_of
from sluice.published_state import set_state
from sluice.runs import RunContext
from sluice.settings import Settings
from sluice.vacuum import vacuum_filled
from sluice.warehouse import connect


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
    declared = declaration_of(process, settings.project)
    url = settings.warehouse_url
    with connect(url) as db:
        with ThreadPoolExecutor(1) as aside, db.transaction():
            db.execute("select pg_advisory_xact_lock(hashtext(%s))", (f"sluice:publish:{declared.name}",))
            done = _Publication(db, declared, ctx, partial(aside.submit, read_former_rows, url, declared.name)).run()
        if done.is_full:
            db.autocommit = True
            vacuum_filled(db, declared.name, ("attributes", *declared.extra_tables))
    return done


class _Publication:
    """The statements of one publish, in the transaction of `db`; read_former: begins `read_former_rows` beside it."""

    def __init__(
        self,
        db: psycopg.Connection,
        declared: GateDeclaration,
        ctx: RunContext,
        read_former: Callable[[], Future[None]],
    ) -> None:
        self.db, self.declared, self.ctx, self.process = db, declared, ctx, declared.name
        self.read_former = read_former
        self.swaps: list[tuple[str, str]] = []
        self.is_few = False  # of touched cases, so that their rows are looked up in the order of storage

    def run(self) -> Published:
        build = self._gated_build()
        if not build.is_full_rebuild:
            self._execute(f"set local {AS_ON_SSDS}")
            self._execute(f"set local {LITTLE_STATISTICS}")
        self._collect_cases(build)
        self.is_few = not build.is_full_rebuild and are_few(self.db, "publish_touched")
        former = self.read_former() if self.is_few else None
        self._collect_ties(build)
        self._replace_log()
        for table in ("attributes", *self.declared.extra_tables):
            self._replace_own(table, build)
        self._replace_case_rows(former)
        self._replace_quarantine()
        publish_quality(self.db, self.process, self.ctx.run_id, is_full_rebuild=build.is_full_rebuild)
        self._replace_activities()
        self._replace_ties()
        set_state(self.db, self.declared, build, self.ctx.run_id)
        self._replace_mining()
        done = self._counts(build)
        for fresh, published in self.swaps:  # last: this is the one thing that readers of the table wait for
            replace_table(self.db, "event_log", fresh, published)
        return done

    def _execute(self, text: str, **names: object) -> psycopg.Cursor:
        """Run SQL in which {name} is an identifier (a tuple: schema, table) or composed SQL; %(process)s is bound."""
        made = {key: sql.Identifier(*value) if isinstance(value, tuple) else value for key, value in names.items()}
        return self.db.execute(sql.SQL(text).format(**made), {"process": self.process, "run_id": self.ctx.run_id})

    def _candidate(self, table: str) -> tuple[str, str]:
        return "candidate", f"{self.process}__{table}"

    def _gated_build(self) -> Build:
        """The build of this run, which the gate must have let through."""
        build, who = read_build(self.db, self.process), f"{self.process} cannot be published"
        if build is None:
            raise SluiceError(f"{who}: there are no candidate tables; build it first")
        if build.run_id != self.ctx.run_id:
            raise SluiceError(
                f"{who} by run {self.ctx.run_id}: its candidate tables are of run {build.run_id}; "
                f"run the process again from its build"
            )
        layers = dict(
            self._execute(
                """select layer, bool_and(is_success or severity <> 'block') from quality.check_results
               where run_id = %(run_id)s and subject = %(process)s group by layer"""
            ).fetchall()
        )
        if (
            not layers.get("candidate")
            or not layers.get("mining")
            or not exists(self.db, *self._candidate("quarantined"))
        ):
            raise SluiceError(
                f"{who} by run {self.ctx.run_id}: the gate has not let both the candidate and its mining "
                f"results through; see quality.check_results"
            )
        return build

    def _collect_cases(self, build: Build) -> None:
        """Temporary tables: the touched cases, those of them that are published, and those that are to be."""
        everything = sql.SQL("true" if build.is_full_rebuild else "false")
        self._execute(
            """create temporary table publish_touched on commit drop as
                         select case_id from {touched} union
                         select case_id from event_log.cases where process = %(process)s and {everything}""",
            touched=self._candidate("touched_cases"),
            everything=everything,
        )
        self._execute("""create temporary table publish_known on commit drop as
                         select cases.case_id, cases.case_key from event_log.cases as cases
                         inner join publish_touched as touched on cases.case_id = touched.case_id
                         where cases.process = %(process)s""")
        self._execute(
            """create temporary table publish_coming on commit drop as
                         select cases.case_id, cases.case_key from {cases} as cases
                         where not exists (select from {quarantined} as q where q.case_id = cases.case_id)""",
            cases=self._candidate("cases"),
            quarantined=self._candidate("quarantined"),
        )
        for table in ("publish_touched", "publish_known", "publish_coming"):
            self._execute("analyze {table}", table=(table,))

    def _sync(
        self,
        published: tuple[str, str],
        new: sql.Composable,
        *,
        scope: sql.Composable,
        columns: Sequence[str],
        key: Sequence[str],
        stamp: str | None = None,
        by_case: bool = False,
    ) -> None:
        """Make the rows of `published` (as `old`) in `scope` those of the query `new`; equal rows are not rewritten.

        stamp: a column that is the transaction's time in rows that are written and is not compared. by_case: the scope is
        of the touched cases; what is there of them is read once for the deletion, and then in memory.
        """
        same_key = sql.SQL(" and ").join(sql.SQL("old.{0} = new.{0}").format(sql.Identifier(name)) for name in key)
        rest = [name for name in columns if name not in key]
        same = (
            sql.SQL(" and (").join(
                [same_key, sql.SQL("{}) is not distinct from ({})").format(_list(rest, "old"), _list(rest, "new"))]
            )
            if rest
            else same_key
        )
        with in_order_of_storage(self.db, is_few=self.is_few and by_case):
            self._execute(
                "delete from {published} as old where {scope} and not exists (select from ({new}) as new where {same})",
                published=published,
                scope=scope,
                new=new,
                same=same,
            )
        self._execute(
            """insert into {published} ({columns}{stamp}) select {values}{now} from ({new}) as new
                         where not exists (select from {published} as old where {scope} and {same_key})
                         order by {key}""",  # in the order of the index: many times cheaper than at random
            published=published,
            scope=scope,
            new=new,
            same_key=same_key,
            key=_list(key, "new"),
            columns=_list(columns),
            values=_list(columns, "new"),
            stamp=sql.SQL(f", {stamp}" if stamp else ""),
            now=sql.SQL(", now()" if stamp else ""),
        )

    def _coming(self, table: str, columns: Iterable[str], *, with_process: bool = True) -> sql.Composed:
        """The rows of a candidate table that belong to cases that are to be published."""
        process = sql.SQL("{} as process, ").format(sql.Literal(self.process)) if with_process else sql.SQL("")
        return sql.SQL(
            "select {}{} from {} as c inner join publish_coming as coming on c.case_id = coming.case_id"
        ).format(process, _list(columns, "c"), sql.Identifier(*self._candidate(table)))

    @property
    def _known(self) -> sql.Composed:
        return sql.SQL("old.process = {} and old.case_key {}").format(
            sql.Literal(self.process), self._among("select case_key from publish_known")
        )

    def _among(self, query: str) -> sql.SQL:
        """That a column is one of what a query on the touched cases finds."""
        return sql.SQL(one_of(query, is_few=self.is_few))

    @property
    def _own_rows(self) -> sql.Composed:
        return sql.SQL("old.process = {}").format(sql.Literal(self.process))

    def _replace_log(self) -> None:
        for table, columns, key, stamp in (
            ("events", COLUMNS["events"], ("process", "case_key", "event_seq"), "loaded_at"),
            ("cases", COLUMNS["cases"], ("process", "case_key"), None),
        ):
            if not exists(self.db, "event_log", f"{table}__{self.process}"):
                self._make_partition(table, columns, stamp)
                continue
            self._sync(
                ("event_log", table),
                self._coming(table, columns),
                scope=self._known,
                stamp=stamp,
                columns=("process", *columns),
                key=key,
                by_case=True,
            )

    def _make_partition(self, table: str, columns: Sequence[str], stamp: str | None) -> None:
        """A process's first rows: filled beside the others, then indexed and attached, which no reader waits for."""
        fresh = ("event_log", f"{table}__{self.process}")
        self._execute(
            "create table {fresh} (like {parent} including defaults including comments)",
            fresh=fresh,
            parent=("event_log", table),
        )
        self._execute(
            "insert into {fresh} (process, {columns}{stamp}) select process, {columns}{now} from ({new}) as new",
            fresh=fresh,
            columns=_list(columns),
            new=self._coming(table, columns),
            stamp=sql.SQL(f", {stamp}" if stamp else ""),
            now=sql.SQL(", now()" if stamp else ""),
        )
        self._execute(
            "alter table {fresh} add constraint own_process check (process = {process})",
            fresh=fresh,
            process=sql.Literal(self.process),
        )
        self._execute(
            "alter table {parent} attach partition {fresh} for values in ({process})",
            parent=("event_log", table),
            fresh=fresh,
            process=sql.Literal(self.process),
        )
        self._execute("alter table {fresh} drop constraint own_process", fresh=fresh)

    def _replace_own(self, table: str, build: Build) -> None:
        """A table of the process's own, event_log.<process>_<table>, with the columns of its candidate."""
        candidate, name = self._candidate(table), f"{self.process}_{table}"
        columns, present = self._columns(candidate), self._columns(("event_log", name))
        if not {"case_id", "case_key"} <= {column for column, _ in columns}:
            raise SluiceError(
                f"{self.process} cannot be published: expected a table candidate.{candidate[1]} with case_id "
                f"and case_key"
            )
        target = name
        if columns != present:
            if present and not build.is_full_rebuild:
                raise SluiceError(
                    f"{self.process} cannot be published: the columns of event_log.{name} changed since the last "
                    f"run; run the process in full (mode full)"
                )
            target = f"{name}__fresh" if present else name
            self._create_own(candidate, ("event_log", target), is_per_case=table == "attributes")
            if present:
                self.swaps.append((target, name))
        else:
            with in_order_of_storage(self.db, is_few=self.is_few):
                self._execute(
                    "delete from {published} as old where old.case_id {among}",
                    published=("event_log", target),
                    among=self._among("select case_id from publish_touched"),
                )
        names = [column for column, _ in columns]
        self._execute(
            "insert into {published} ({columns}) select {columns} from ({new}) as new",
            published=("event_log", target),
            columns=_list(names),
            new=self._coming(table, names, with_process=False),
        )

    def _create_own(self, candidate: tuple[str, str], published: tuple[str, str], *, is_per_case: bool) -> None:
        self._execute(
            "create table {published} (like {candidate} including comments)", published=published, candidate=candidate
        )
        self._execute(
            "alter table {published} add primary key (case_key)"
            if is_per_case
            else "create index on {published} (case_key)",
            published=published,
        )
        self._execute("create index on {published} (case_id)", published=published)

    def _columns(self, table: tuple[str, str]) -> list[tuple[str, str]]:
        return self.db.execute(
            """select attname::text, format_type(atttypid, atttypmod) from pg_attribute
               where attrelid = to_regclass(format('%%I.%%I', %s::text, %s::text)) and attnum > 0 and not attisdropped
               order by attnum""",
            table,
        ).fetchall()

    def _replace_case_rows(self, former: Future[None] | None) -> None:
        """Those of quarantined cases too: a changed row must find its case."""
        if former is not None:
            replace_few_case_rows(self.db, self.process, former)
            return
        columns = ("process", "source_table", "source_key", "case_id")
        new = sql.SQL("select distinct {} as process, source_table, source_key, case_id from {}").format(
            sql.Literal(self.process), sql.Identifier(*self._candidate("case_rows"))
        )
        scope = sql.SQL("{} and old.case_id {}").format(
            self._own_rows, self._among("select case_id from publish_touched")
        )
        self._sync(("ops", "case_rows"), new, scope=scope, columns=columns, key=columns)

    def _replace_quarantine(self) -> None:
        self._execute(
            """delete from quality.quarantined_cases as old
                         where old.process = %(process)s
                           and (old.case_id in (select case_id from publish_touched))
                           and not exists (select from {candidate} as new
                                           where new.case_id = old.case_id and new.check_name = old.check_name)""",
            candidate=self._candidate("quarantined"),
        )
        self._execute(
            """insert into quality.quarantined_cases as old (process, case_id, check_name, reason, run_id)
                         select %(process)s, case_id, check_name, reason, %(run_id)s from {candidate}
                         on conflict (process, case_id, check_name)
                         do update set reason = excluded.reason, run_id = excluded.run_id""",
            candidate=self._candidate("quarantined"),
        )

    def _replace_mining(self) -> None:
        """Every table of schema mining: the process's rows become those of candidate.<process>__mining_<table>."""
        note = read_mined(self.db, self.process, self.ctx.run_id)
        scope = WHOLE if note is None else note.scope
        tables = self.db.execute(
            """select relname::text,
                      array(select attname::text from pg_attribute
                            where attrelid = c.oid and attnum > 0 and not attisdropped order by attnum),
                      array(select attname::text from pg_attribute
                            where attrelid = c.oid and attnum = any(i.indkey) order by attnum),
                      to_regclass(format('candidate.%%I', %s || '__mining_' || relname)) is not null
               from pg_class as c inner join pg_index as i on i.indrelid = c.oid and i.indisprimary
               where c.relnamespace = 'mining'::regnamespace and c.relkind = 'r' order by relname""",
            (self.process,),
        ).fetchall()
        with self.db.pipeline():  # the server works while the next statements are written
            for table, columns, key, is_mined in tables:
                candidate = self._candidate(f"mining_{table}")
                if not is_mined:
                    if scope == UNCHANGED:
                        continue
                    self._execute(
                        "delete from {published} as old where {own}", published=("mining", table), own=self._own_rows
                    )
                    continue
                new = sql.SQL("select {} from {}").format(_list(columns), sql.Identifier(*candidate))
                by_case = scope == TOUCHED and table in PER_CASE
                rows = self._known if by_case else self._own_rows
                self._sync(("mining", table), new, scope=rows, columns=columns, key=key, by_case=by_case)
        self._execute(
            "update ops.process_state set (mining_fingerprint, kept_rows) = ({now}, {kept}) where process = %(process)s",
            now=sql.Literal(None if note is None else note.fingerprint),
            kept=sql.Literal(None if note is None else note.kept_rows),
        )

    def _replace_activities(self) -> None:
        """All but those that only quarantined cases have and nobody declared."""
        declared = sql.SQL("false")
        seed = self.declared.declared_activities
        if seed and exists(self.db, "intermediate", seed):
            declared = sql.SQL("a.activity in (select activity from {})").format(sql.Identifier("intermediate", seed))
        new = sql.SQL("""select {process} as process, {columns} from {activities} as a
            where {declared}
               or not exists (select from {events} as e inner join {quarantined} as q on e.case_id = q.case_id
                              where e.activity_key = a.activity_key)
               or exists (select from event_log.events as e where e.process = {process} and e.activity_key =
                   a.activity_key)
            """).format(
            process=sql.Literal(self.process),
            columns=_list(COLUMNS["activities"], "a"),
            declared=declared,
            activities=sql.Identifier(*self._candidate("activities")),
            events=sql.Identifier(*self._candidate("events")),
            quarantined=sql.Identifier(*self._candidate("quarantined")),
        )
        self._sync(
            ("event_log", "activities"),
            new,
            scope=self._own_rows,
            columns=("process", *COLUMNS["activities"]),
            key=("process", "activity_key"),
        )

    def _collect_ties(self, build: Build) -> None:
        """Temporary table of the new order_ties: events whose place the declared order's first element does not decide.

        The counts so far, less those of the touched cases as they are published, plus those of what comes.
        """
        kept = sql.SQL(
            """select order_basis, tied_event_count, tied_case_count from event_log.order_ties where process = {process}
               union all
               select old.order_basis, -count(*), -count(distinct old.case_key)
               from event_log.events as old where {known} and old.order_basis <> {first} group by old.order_basis
               union all"""
        ).format(process=sql.Literal(self.process), known=self._known, first=sql.Literal(self.declared.order[0]))
        with in_order_of_storage(self.db, is_few=self.is_few):
            self._execute(
                """create temporary table publish_ties on commit drop as
               select order_basis, sum(tied_event_count)::bigint as tied_event_count,
                      sum(tied_case_count)::bigint as tied_case_count
               from ({kept} select e.order_basis, count(*) as tied_event_count, count(distinct e.case_key) as tied_case_count
                     from {events} as e inner join publish_coming as coming on e.case_id = coming.case_id
                     where e.order_basis <> {first} group by e.order_basis) as parts
               group by order_basis having sum(tied_event_count) > 0""",
                kept=sql.SQL("") if build.is_full_rebuild else kept,
                events=self._candidate("events"),
                first=sql.Literal(self.declared.order[0]),
            )

    def _replace_ties(self) -> None:
        self._sync(
            ("event_log", "order_ties"),
            sql.SQL("select {} as process, order_basis, tied_event_count, tied_case_count from publish_ties").format(
                sql.Literal(self.process)
            ),
            scope=self._own_rows,
            key=("process", "order_basis"),
            columns=("process", "order_basis", "tied_event_count", "tied_case_count"),
        )

    def _counts(self, build: Build) -> Published:
        row = self._execute(
            """select (select count(*) from publish_touched), (select count(*) from publish_coming),
                                      (select count(distinct case_id) from {quarantined}),
                                      (select coalesce(sum(event_count), 0) from {cases} as cases
                                       inner join publish_coming as coming on cases.case_key = coming.case_key)""",
            quarantined=self._candidate("quarantined"),
            cases=self._candidate("cases"),
        ).fetchone()
        return Published(*(int(value) for value in row), is_full=build.is_full_rebuild)


def _list(columns: Iterable[str], table: str | None = None) -> sql.Composed:
    return sql.SQL(", ").join(sql.Identifier(table, column) if table else sql.Identifier(column) for column in columns)
