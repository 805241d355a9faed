"""From raw tables to candidate event logs: dbt, one invocation per layer, told by variables what to make.

A build makes the touched cases only: those whose raw rows are newer than what the process was last gated at.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import psycopg
from psycopg import sql

from extractors.specs import load_spec
from extractors.systems import has_tables
from sluice.dbt_runner import Outcome, run_dbt
from sluice.dbt_statements import is_plain
from sluice.errors import SluiceError
from sluice.processes import Process, load_process
from sluice.runs import RunContext
from sluice.settings import Settings
from sluice.warehouse import connect

_OF_A_NIGHT = ("run_id", "as_of", "gated_version", "upto_version")  # the variables that differ from night to night
_REF = re.compile(r"\bref\(\s*['\"](\w+)['\"]\s*\)")
_ASKS_TIME = re.compile(r"\bvar\(\s*['\"]as_of['\"]")
_SOURCE = re.compile(r"\bsource\(\s*['\"]raw_(\w+)['\"]\s*,\s*['\"](\w+)['\"]\s*\)")


@dataclass(frozen=True)
class Build:
    """What a build made; also the one row of candidate.<process>__build, for whoever gates and publishes it.

    gated_version: what was looked at before. upto_version: what this build sees, the gated version once published.
    """

    process: str
    run_id: str
    as_of: datetime
    gated_version: int
    upto_version: int
    is_full_rebuild: bool
    fingerprint: str
    touched_case_count: int
    event_count: int


def stage(settings: Settings, system: str) -> bool:
    """Make the staging views (and look-up seeds) of a source system; False when they are there and current already."""
    url = _url(settings)
    folder = settings.project / "dbt_project"
    files = [*folder.glob(f"models/staging/{system}/*"), *folder.glob(f"seeds/{system}__*"), *_macros(settings)]
    views = [path.stem for path in folder.glob(f"models/staging/{system}/*.sql")]
    seeds = [path.stem for path in folder.glob(f"seeds/{system}__*.csv")]
    if not views:
        raise SluiceError(f"no staging models for {system}: expected {folder / 'models' / 'staging' / system}/*.sql")
    with connect(url, autocommit=True) as db, _lock(db, _raw_lock(system)):
        return _make_unless_current(
            settings, db, f"stage-{system}", "staging", [*views, *seeds], files, [f"staging.{system}", *seeds]
        )


def build_bi(settings: Settings) -> bool:
    """Make the views of schema bi; False when they are there and current already."""
    url = _url(settings)
    folder = settings.project / "dbt_project" / "models" / "bi"
    views = [path.stem for path in folder.rglob("*.sql")]
    if not views:
        return False
    with connect(url, autocommit=True) as db, _lock(db, "sluice:bi"):
        return _make_unless_current(settings, db, "bi", "bi", views, [*folder.rglob("*"), *_macros(settings)], ["bi"])


def build(settings: Settings, process: str, ctx: RunContext) -> Build:
    """Make candidate.<process>__* of the touched cases, under a shared lock on the raw tables that it reads.

    Full rebuild when the run's mode is `full`, nothing was published yet or the fingerprint changed. as_of never goes
    back behind what was published. Raises SluiceError with one line when a model fails.
    """
    url = _url(settings)
    declared = load_process(process, settings.project)
    with connect(url, autocommit=True) as db, _lock(db, *map(_raw_lock, declared.sources), shared=True):
        fingerprint_now = _fingerprint(settings, declared, db)
        state = db.execute(
            "select gated_version, fingerprint, as_of from ops.process_state where process = %s", (process,)
        ).fetchone()
        is_full = ctx.mode == "full" or state is None or state[1] != fingerprint_now
        gated_version = 0 if is_full else state[0]
        as_of = ctx.as_of if state is None else max(ctx.as_of, state[2])
        upto_version = db.execute(
            "select coalesce(max(version), 0) from ops.loads where state = 'landed' and system = any(%s)",
            (list(declared.sources),),
        ).fetchone()[0]
        build_table = sql.Identifier("candidate", f"{process}__build")
        is_idle = not is_full and (
            _is_empty_night(settings, db, declared, gated_version, is_same_horizon=as_of == state[2])
            and _was_made_with(settings, db, process, fingerprint_now)
        )
        db.execute(sql.SQL("drop table if exists {}").format(build_table))
        variables = {
            "process": process,
            "run_id": ctx.run_id,
            "as_of": as_of.isoformat(),
            "gated_version": gated_version,
            "upto_version": max(upto_version, gated_version),
            "full_rebuild": is_full,
            "event_order": list(declared.order),
        }
        if is_idle:
            _empty_candidate(settings, db, process)
        else:
            _build_models(settings, db, declared, variables)
        counts = db.execute(
            sql.SQL("select (select count(*) from {}), (select count(*) from {})").format(
                sql.Identifier("candidate", f"{process}__touched_cases"),
                sql.Identifier("candidate", f"{process}__events"),
            )
        ).fetchone()
        made = Build(
            process,
            ctx.run_id,
            as_of,
            gated_version,
            max(upto_version, gated_version),
            is_full,
            fingerprint_now,
            *counts,
        )
        _record(db, build_table, made)
    return made


def fingerprint(settings: Settings, process: str) -> str:
    """Hash of all that decides a case besides its own raw rows: declaration, models, macros, seeds, look-up tables, the
    pseudonyms of users, the rules by which files were derived again, and the checks. Another one than at the last publication
    means a full rebuild."""
    with connect(_url(settings), autocommit=True) as db:
        return _fingerprint(settings, load_process(process, settings.project), db)


def _url(settings: Settings) -> str:
    if settings.warehouse_url is None:
        raise SluiceError("SLUICE_WAREHOUSE_URL is not set: expected the warehouse's URL")
    return settings.warehouse_url


def _macros(settings: Settings) -> list[Path]:
    folder = settings.project / "dbt_project"
    return [*(folder / "macros").rglob("*.sql"), folder / "dbt_project.yml"]


def _raw_lock(system: str) -> str:
    return f"sluice:raw:{system}"


@contextmanager
def _lock(db: psycopg.Connection, *names: str, shared: bool = False) -> Iterator[None]:
    """Hold advisory locks (in the order of their names) while the block runs; the connection must autocommit."""
    suffix = "_shared" if shared else ""
    for name in sorted(names):
        db.execute(f"select pg_advisory_lock{suffix}(hashtext(%s))", (name,))
    try:
        yield
    finally:
        if not db.closed:
            for name in sorted(names):
                db.execute(f"select pg_advisory_unlock{suffix}(hashtext(%s))", (name,))


def _dbt(
    settings: Settings,
    subject: str,
    selected: Sequence[str],
    variables: dict | None = None,
    *,
    excluded: Sequence[str] = (),
    needed: Iterable[str] | None = None,
    changing: Iterable[str] = (),
    is_rehearsal: bool = False,
) -> Outcome:
    arguments = ["build", "--resource-type", "model", "--resource-type", "seed", "--select", *selected]
    if excluded:
        arguments += ["--exclude", *excluded]
    return run_dbt(
        _url(settings),
        settings.project,
        settings.home,
        subject,
        arguments,
        variables,
        needed=needed,
        changing=changing,
        is_rehearsal=is_rehearsal,
    )


def _build_models(settings: Settings, db: psycopg.Connection, process: Process, variables: dict) -> None:
    """All models of a process; its views and seed only where they are not there yet as the files say."""
    subject = f"build-{process.name}"
    files, _ = _read_by(settings, process)
    lasting = [process.activities, *_lasting_views(files)]
    excluded = lasting if _is_current(settings, db, subject, "intermediate", lasting, files) else []
    models = [path.stem for path in files if path.suffix in (".sql", ".csv")]
    selected, is_full = _selected(settings, process), variables["full_rebuild"]
    # a night sends what the night before did, with other values
    changing = _OF_A_NIGHT if all(is_plain(name, files) for name in _OF_A_NIGHT) else ()
    _dbt(
        settings,
        subject,
        selected,
        variables,
        excluded=excluded,
        needed=models,
        changing=changing if excluded and not is_full else (),
    )
    if not excluded:
        _set_current(settings, db, subject, files)
    if is_full and changing:  # what the nights to come will send, from the tables that are there now
        of_a_night = variables | {"full_rebuild": False}
        with suppress(SluiceError):  # else the first night asks dbt, which says what is wrong
            _dbt(
                settings,
                subject,
                selected,
                of_a_night,
                excluded=lasting,
                needed=models,
                changing=changing,
                is_rehearsal=True,
            )


def _is_empty_night(
    settings: Settings, db: psycopg.Connection, process: Process, gated_version: int, *, is_same_horizon: bool
) -> bool:
    """Whether dbt would find no case to make: no newer raw row, no quarantined case, and no model that asks the time."""
    if not is_same_horizon and any(
        _ASKS_TIME.search(path.read_text(encoding="utf-8")) for path in _read_by(settings, process)[0]
    ):
        return False
    if db.execute(
        "select exists (select from quality.quarantined_cases where process = %s)", (process.name,)
    ).fetchone()[0]:
        return False
    versioned = db.execute(
        """select nspname, relname from pg_attribute inner join pg_class as c on attrelid = c.oid
           inner join pg_namespace as n on relnamespace = n.oid
           where attname = '_version' and not attisdropped and relkind in ('r', 'p') and nspname = any(%s)""",
        ([f"raw_{system}" for system in process.sources],),
    ).fetchall()
    newer = sql.SQL("select exists (select from {} where _version > {})")
    return not any(
        db.execute(newer.format(sql.Identifier(*table), sql.Literal(gated_version))).fetchone()[0]
        for table in versioned
    )


def _candidates(settings: Settings, process: str) -> list[str]:
    """The candidate tables that dbt makes of the cases of a process."""
    marts = (settings.project / "dbt_project" / "models" / "marts" / process).glob("*.sql")
    return [f"{process}__touched_cases", *sorted(path.stem for path in marts if path.stem != f"{process}__activities")]


def _was_made_with(settings: Settings, db: psycopg.Connection, process: str, fingerprint: str) -> bool:
    """Whether all candidate tables are there, whole, as a build with this fingerprint made them."""
    wanted = [*_candidates(settings, process), f"{process}__activities", f"{process}__build"]
    there = db.execute(
        """select count(*) from pg_class
           where relnamespace = 'candidate'::regnamespace and relkind = 'r' and relname = any(%s)""",
        (wanted,),
    ).fetchone()[0]
    if there < len(wanted):
        return False
    build = sql.Identifier("candidate", f"{process}__build")
    return db.execute(sql.SQL("select fingerprint from {}").format(build)).fetchone() == (fingerprint,)


def _empty_candidate(settings: Settings, db: psycopg.Connection, process: str) -> None:
    """What dbt would make where no case is touched, without the seconds that it takes to start."""
    with db.transaction():
        for table in _candidates(settings, process):
            db.execute(sql.SQL("truncate {}").format(sql.Identifier("candidate", table)))
        activities = sql.Identifier("candidate", f"{process}__activities")
        db.execute(sql.SQL("truncate {}").format(activities))
        db.execute(
            sql.SQL(
                """insert into {} (activity_key, activity, rank, category, is_automated)
                   select activity_key, activity, rank, category, is_automated from event_log.activities
                   where process = %s"""
            ).format(activities),
            (process,),
        )


def _lasting_views(files: Iterable[Path]) -> list[str]:
    """The views among `files` that stay from night to night, sorted: a view over a table that dbt makes anew goes with it."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in files if path.suffix == ".sql"}

    def is_made_anew(name: str) -> bool:
        text = texts.get(name, "")
        own = "materialized='table'" in text
        return own or any(is_made_anew(other) for other in _REF.findall(text) if other != name)

    return sorted(name for name, text in texts.items() if "materialized='view'" in text and not is_made_anew(name))


def _selected(settings: Settings, process: Process) -> list[str]:
    folder = settings.project / "dbt_project" / "models"
    layers = [layer for layer in ("intermediate", "marts") if (folder / layer / process.name).is_dir()]
    if len(layers) < 2:
        raise SluiceError(
            f"process {process.name} has no models: expected {folder}/intermediate/{process.name} "
            f"and {folder}/marts/{process.name}"
        )
    return [*(f"{layer}.{process.name}" for layer in layers), process.activities]


def _make_unless_current(
    settings: Settings,
    db: psycopg.Connection,
    subject: str,
    schema: str,
    relations: Sequence[str],
    files: Iterable[Path],
    selected: Sequence[str],
) -> bool:
    """Run dbt unless all relations exist and were made from the same files: replacing a view disturbs its readers."""
    files = list(files)
    if _is_current(settings, db, subject, schema, relations, files):
        return False
    _dbt(settings, subject, selected)
    _set_current(settings, db, subject, files)
    return True


def _is_current(
    settings: Settings,
    db: psycopg.Connection,
    subject: str,
    schema: str,
    relations: Sequence[str],
    files: Iterable[Path],
) -> bool:
    made = db.execute("select fingerprint from ops.transform_state where subject = %s", (subject,)).fetchone()
    present = db.execute(
        "select count(*) from pg_class where relnamespace = to_regnamespace(%s) and relname = any(%s)",
        (schema, list(relations)),
    ).fetchone()[0]
    return made == (_hash_of_files(settings, files),) and present == len(relations)


def _set_current(settings: Settings, db: psycopg.Connection, subject: str, files: Iterable[Path]) -> None:
    db.execute(
        """insert into ops.transform_state values (%s, %s)
                  on conflict (subject) do update set fingerprint = excluded.fingerprint""",
        (subject, _hash_of_files(settings, files)),
    )


def _hash_of_files(settings: Settings, files: Iterable[Path]) -> str:
    digest = sha256()
    for path in sorted({path for path in files if path.is_file()}):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(settings.project)}\x1f{len(content)}\x1f".encode() + content)
    return digest.hexdigest()


def _read_by(settings: Settings, process: Process) -> tuple[set[Path], set[str]]:
    """The process's own files with all models and seeds that they refer to, and the names of the staging models."""
    folder = settings.project / "dbt_project"
    by_name = {path.stem: path for kind in ("models/**/*.sql", "seeds/**/*.csv") for path in folder.glob(kind)}
    own = [path for layer in ("intermediate", "marts") for path in (folder / "models" / layer / process.name).glob("*")]
    found: set[Path] = {settings.project / "processes" / f"{process.name}.yml"}
    waiting = [*own, by_name.get(process.activities), *_macros(settings)]
    while waiting:
        path = waiting.pop()
        if path is None or path in found or not path.is_file():
            continue
        found.add(path)
        if path.suffix == ".sql":
            waiting += [by_name.get(name) for name in _REF.findall(path.read_text(encoding="utf-8"))]
    return found, {path.stem for path in found if path.stem.startswith("stg_")}


def _fingerprint(settings: Settings, process: Process, db: psycopg.Connection) -> str:
    files, staging_models = _read_by(settings, process)
    gate = (settings.project / "expectations").rglob("*.py")  # another check judges all cases, not the touched alone
    parts = [_hash_of_files(settings, [*files, *gate])]
    for system in process.sources:
        if not has_tables(system):
            parts.append(_rules_hash(db, system))
            continue
        tables = load_spec(system).tables
        for model in sorted(staging_models):
            path = settings.project / "dbt_project" / "models" / "staging" / system / f"{model}.sql"
            read = set(_SOURCE.findall(path.read_text(encoding="utf-8"))) if path.is_file() else set()
            names = {table for _, table in read if not table.startswith("_")}
            if names and all(name in tables and tables[name].reference for name in names):
                parts.append(_content_hash(db, sql.Identifier("staging", model), "true"))
        parts.append(
            _content_hash(
                db,
                sql.Identifier(f"raw_{system}", "_pseudonyms"),
                "pseudonym like 'p\\_%'",
                "entity, source_id, pseudonym",
            )
        )
    return sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def _rules_hash(db: psycopg.Connection, system: str) -> str:
    """Hash of which files were derived again, and by what: new rules change rows where they are, and with them, maybe,
    whose they are."""
    derived = sql.Identifier(f"raw_{system}", "_derivations")
    return _content_hash(db, derived, "_version > first_version", "file_id, derivation_key")


def _content_hash(db: psycopg.Connection, relation: sql.Identifier, condition: str, columns: str = "*") -> str:
    query = sql.SQL("""select md5(coalesce(string_agg(rows::text, e'\\n' order by rows::text collate "C"), ''))
                       from (select {} from {} where {}) as rows""")
    try:
        return db.execute(query.format(sql.SQL(columns), relation, sql.SQL(condition))).fetchone()[0]
    except psycopg.errors.UndefinedTable:
        raise SluiceError(
            f"{relation.as_string(db)} does not exist: extract and stage the source system first"
        ) from None


def _record(db: psycopg.Connection, table: sql.Identifier, made: Build) -> None:
    with db.transaction():
        db.execute(
            sql.SQL("""create table {} (process text, run_id text, as_of timestamptz, gated_version bigint,
            upto_version bigint, is_full_rebuild boolean, fingerprint text, touched_case_count bigint,
            event_count bigint)""").format(table)
        )
        db.execute(
            sql.SQL("insert into {} values (%s, %s, %s, %s, %s, %s, %s, %s, %s)").format(table),
            (
                made.process,
                made.run_id,
                made.as_of,
                made.gated_version,
                made.upto_version,
                made.is_full_rebuild,
                made.fingerprint,
                made.touched_case_count,
                made.event_count,
            ),
        )


def test(settings: Settings, process: str) -> Outcome:
    """Run the data tests and dbt unit tests of a built process; raises SluiceError naming the first that fails."""
    declared = load_process(process, settings.project)
    return run_dbt(
        _url(settings),
        settings.project,
        settings.home,
        f"test-{process}",
        ["test", "--select", *_selected(settings, declared)],
        {"process": process, "event_order": list(declared.order)},
    )
