"""Agent exports from the drop folder into the warehouse: copy de-identifies into landing_agent, land moves it on.

Content lives in memory only. A file is read once, by content, and again only if what it is derived with has changed.
"""

import hashlib
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from extractors.agent import formats
from extractors.agent.deidentify import RULES_VERSION, Rules, declared_zone
from extractors.agent.records import FORMATS, BadRow, EmptyExport, Refused
from extractors.agent.tables import COLUMNS, make_landing, make_raw
from extractors.agent.vocabulary import load_vocabulary
from extractors.loads import begin_load, block_load, current_version, lock_raw
from sluice.errors import Blocked
from sluice.pseudonyms import Pseudonymiser, load_person_map
from sluice.runs import RunContext
from sluice.settings import Settings
from sluice.warehouse import connect

SYSTEM = "agent"
_LEFT_ALONE = (".part", ".tmp", ".crdownload")
_log = logging.getLogger(__name__)


def copy(settings: Settings, system: str, ctx: RunContext) -> int:
    """Read the new files of the drop folder into landing_agent, without content; returns the load's version.

    Raises Blocked if there is no such folder. A refused file is recorded with its reason and does not stop the others.
    """
    try:
        return _copy(settings, system, ctx)
    except Blocked as error:
        block_load(settings.warehouse_url, system, ctx, str(error))
        raise


def _copy(settings: Settings, system: str, ctx: RunContext) -> int:
    folder = settings.agent_drop
    if folder is None or not folder.is_dir():
        raise Blocked(
            "SLUICE_AGENT_DROP: the drop folder of agent exports is not there or not readable; "
            "make it or mend the setting"
        )
    reader = _Reader(settings, is_full=ctx.mode == "full")
    with connect(settings.warehouse_url) as db:
        db.execute("select pg_advisory_xact_lock(hashtext('sluice:landing:agent'))")
        make_raw(db)
        make_landing(db)
        for path in _exports(folder):
            reader.read(db, path)
        snapshot_at = db.execute("select clock_timestamp()").fetchone()[0]
        version = begin_load(db, system, ctx, mode=ctx.mode, snapshot_at=snapshot_at)
        db.execute("insert into landing_agent._load (version) values (%s)", (version,))
        db.execute(
            """update ops.loads set read_count = totals.rows, quarantined_count = totals.bad
               from (select coalesce(sum(row_count), 0) as rows, coalesce(sum(quarantined_count), 0) as bad
                     from landing_agent._files where is_new) as totals
               where version = %s""",
            (version,),
        )
    return version


def _exports(folder: Path) -> Iterator[Path]:
    """The files of the folder in the order of their names; hidden and unfinished ones are left alone."""
    try:
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
    except OSError as error:
        raise Blocked(
            f"SLUICE_AGENT_DROP: the drop folder cannot be read ({error.strerror}); mend its permissions"
        ) from None
    for path in paths:
        if (
            not any(part.startswith(".") for part in path.relative_to(folder).parts)
            and path.suffix.lower() not in _LEFT_ALONE
        ):
            yield path


class _Reader:
    """Reads files one by one into the landing tables."""

    def __init__(self, settings: Settings, *, is_full: bool):
        vocabulary = load_vocabulary()
        people = load_person_map(settings.person_map)
        self._pseudonymiser = Pseudonymiser(settings.pseudonym_key, people)
        self._rules = Rules(self._pseudonymiser, vocabulary, declared_zone(settings.agent_timezone))
        self._version = RULES_VERSION * 1000 + vocabulary.version
        what = (
            RULES_VERSION,
            vocabulary.version,
            sorted(vocabulary.applications.items()),
            sorted(vocabulary.actions.items()),
            sorted(vocabulary.label_words),
            vocabulary.document.pattern,
            settings.agent_timezone,
            sorted(people.items()),
        )
        self._derivation_key = self._pseudonymiser.opaque("derivation", repr(what))
        self._is_full = is_full
        self._seen: set[str] = set()

    def read(self, db: psycopg.Connection, path: Path) -> None:
        """Read one file: its rows into landing_agent.<format>, what became of it into landing_agent._files."""
        try:
            raw = path.read_bytes() if path.stat().st_size <= formats.LARGEST_BYTES else None
        except OSError as error:
            raise Blocked(
                f"SLUICE_AGENT_DROP: a file of the drop folder cannot be read ({error.strerror}); mend its permissions"
            ) from None
        content, refusal = b"", None
        if raw is None:
            raw, refusal = (
                str(path.stat().st_size).encode(),
                Refused(f"larger than {formats.LARGEST_BYTES // 2**20} MiB: split the export"),
            )
        else:
            try:
                content = formats.unpack(raw)
            except Refused as error:
                refusal = error
        file_id = hashlib.sha256(raw if refusal else content).hexdigest()[:16]
        if file_id in self._seen:
            return
        self._seen.add(file_id)
        name = os.fsencode(path.name).decode("utf-8", "backslashreplace")
        name_key = self._pseudonymiser.opaque("file name", name)
        if not self._is_full and self._is_known(db, file_id):
            return
        with db.transaction():
            self._derive(db, file_id, name_key, content, refusal)

    def _is_known(self, db: psycopg.Connection, file_id: str) -> bool:
        """Whether the file was read with the same rules; then only its state is taken over, for the gate to warn of."""
        return (
            db.execute(
                """insert into landing_agent._files (file_id, format, name_key, byte_count, state, row_count,
                   landed_count, quarantined_count, reason, derivation_version, derivation_key, is_new)
               select files.file_id, files.format, files.name_key, files.byte_count, files.state, files.row_count,
                      files.landed_count, files.quarantined_count, files.reason, files.derivation_version,
                      derived.derivation_key, false
               from ops.files as files
               inner join raw_agent._derivations as derived on files.file_id = derived.file_id
               where files.file_id = %s and derived.derivation_key = %s""",
                (file_id, self._derivation_key),
            ).rowcount
            > 0
        )

    def _derive(
        self, db: psycopg.Connection, file_id: str, name_key: str, content: bytes, refusal: Refused | None
    ) -> None:
        name = reason = None
        state, landed, bad = "landed", 0, []
        try:
            if refusal is not None:
                raise refusal
            text = formats.decode(content)
            name, delimiter = formats.tell(text)
            landed = self._copy_rows(db, file_id, name, formats.parse(text, name, delimiter, self._rules), bad)
            if landed == 0:
                raise Refused(f"none of its {len(bad)} rows can be used ({bad[0].reason}); export it again")
        except EmptyExport as error:
            state, reason = "empty", str(error)
        except Refused as error:
            state, reason, landed, bad = "refused", str(error), 0, []
        if state != "landed":
            _log.warning("agent file %s %s: %s", file_id, "is empty" if state == "empty" else "is refused", reason)
        db.execute(
            "insert into landing_agent._files values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, true)",
            (
                file_id,
                name,
                name_key,
                len(content),
                state,
                landed + len(bad),
                landed,
                len(bad),
                reason,
                self._version,
                self._derivation_key,
            ),
        )
        if bad:
            with db.cursor() as cursor, cursor.copy("copy landing_agent._quarantined_rows from stdin") as rows:
                for row in bad:
                    rows.write_row((name, file_id, row.line, row.check_name, row.reason))

    def _copy_rows(self, db: psycopg.Connection, file_id: str, name: str, parsed: Iterator, bad: list[BadRow]) -> int:
        landed = 0
        with db.cursor() as cursor, cursor.copy(f"copy landing_agent.{name} ({', '.join(COLUMNS)}) from stdin") as rows:
            for row in parsed:
                if isinstance(row, BadRow):
                    bad.append(row)
                else:
                    rows.write_row((file_id, *row.row(), self._version))
                    landed += 1
        return landed


def land(settings: Settings, system: str, version: int, ctx: RunContext) -> None:
    """Move the landing of `version` into raw_agent in one transaction; does nothing if it has landed already.

    Unchanged rows are not rewritten; rows that a file derived again no longer gives become tombstones.
    Raises Blocked if another copy has replaced the landing since.
    """
    with connect(settings.warehouse_url) as db:
        lock_raw(db, system)
        if _has_landed(db, system, version):
            return
        make_raw(db)
        stamp = current_version(db, version)
        for name in FORMATS:
            _land_format(db, name, stamp)
        _land_files(db, system, stamp)
        db.execute("update landing_agent._load set landed_version = %s", (stamp,))
        db.execute(
            """update ops.loads set state = 'landed', finished_at = clock_timestamp(),
                   inserted_count = totals.inserted, updated_count = totals.updated, deleted_count = totals.deleted,
                   message = (select format('%%s files read, %%s refused, %%s empty', count(*) filter (where is_new),
                                  count(*) filter (where state = 'refused'), count(*) filter (where state = 'empty'))
                              from landing_agent._files)
               from (select sum(inserted_count) as inserted, sum(updated_count) as updated,
                         sum(deleted_count) as deleted
                     from ops.load_tables where version = %(version)s) as totals
               where version = %(version)s""",
            {"version": stamp},
        )


def _has_landed(db: psycopg.Connection, system: str, version: int) -> bool:
    """Whether load `version` is in raw already; raises Blocked if its landing is gone."""
    there = db.execute("select to_regclass('landing_agent._load')").fetchone()[0] is not None
    load = db.execute("select version, landed_version from landing_agent._load").fetchone() if there else None
    state = db.execute("select state from ops.loads where version = %s and system = %s", (version, system)).fetchone()
    if (state and state[0] == "landed") or (load and load[0] == version and load[1] is not None):
        return True
    if not state or not load or load[0] != version:
        raise Blocked(
            f"load {version} of agent exports is no longer in landing_agent: another copy came after it, or the server "
            "was restarted; run the extraction again"
        )
    return False


def _land_format(db: psycopg.Connection, name: str, version: int) -> None:
    began = time.monotonic()
    columns = ", ".join(COLUMNS)
    values = [column for column in COLUMNS if column not in ("file_id", "source_seq")]
    raw_values, landing_values = (", ".join(f"{table}.{column}" for column in values) for table in ("raw", "excluded"))
    inserted, updated = db.execute(
        f"""with written as (
                insert into raw_agent.{name} as raw ({columns}, _version)
                select {columns}, %s from landing_agent.{name}
                on conflict (file_id, source_seq) do update
                set ({", ".join(values)}, _version, _is_deleted, _loaded_at)
                    = ({landing_values}, excluded._version, false, clock_timestamp())
                where raw._is_deleted or ({raw_values}) is distinct from ({landing_values})
                returning (xmax = 0) as is_inserted
            )
            select count(*) filter (where is_inserted), count(*) filter (where not is_inserted) from written""",
        (version,),
    ).fetchone()
    deleted = db.execute(
        f"""update raw_agent.{name} as raw
            set _is_deleted = true, _version = %s, _loaded_at = clock_timestamp()
            from landing_agent._files as files
            where raw.file_id = files.file_id and files.is_new and not raw._is_deleted
                and not exists (select 1 from landing_agent.{name} as landing
                                where landing.file_id = raw.file_id and landing.source_seq = raw.source_seq)""",
        (version,),
    ).rowcount
    if inserted + updated + deleted:
        db.execute(f"analyze raw_agent.{name}")
    db.execute(
        """insert into ops.load_tables (version, table_name, read_count, inserted_count, updated_count, deleted_count,
                                        seconds)
           values (%(version)s, %(name)s,
                   (select coalesce(sum(row_count), 0) from landing_agent._files where is_new and format = %(name)s),
                   %(inserted)s, %(updated)s, %(deleted)s, %(seconds)s)""",
        {
            "version": version,
            "name": name,
            "inserted": inserted,
            "updated": updated,
            "deleted": deleted,
            "seconds": time.monotonic() - began,
        },
    )


def _land_files(db: psycopg.Connection, system: str, version: int) -> None:
    db.execute(
        """insert into ops.files as files (file_id, system, format, name_key, byte_count, state, row_count,
               landed_count, quarantined_count, reason, derivation_version, version)
           select file_id, %s, format, name_key, byte_count, state, row_count, landed_count, quarantined_count, reason,
                  derivation_version, %s
           from landing_agent._files where is_new
           on conflict (file_id) do update
           set (format, state, row_count, landed_count, quarantined_count, reason, derivation_version, version)
               = (excluded.format, excluded.state, excluded.row_count, excluded.landed_count,
                  excluded.quarantined_count, excluded.reason, excluded.derivation_version, excluded.version)""",
        (system, version),
    )
    db.execute(
        """insert into raw_agent._derivations as derived (file_id, derivation_key, first_version, _version)
           select file_id, derivation_key, %(version)s, %(version)s from landing_agent._files where is_new
           on conflict (file_id) do update
           set derivation_key = excluded.derivation_key, _version = excluded._version
           where derived.derivation_key <> excluded.derivation_key""",
        {"version": version},
    )
    db.execute(
        """delete from quality.quarantined_rows as old using landing_agent._files as files
           where old.system = %s and files.is_new and split_part(old.source_key, ':', 1) = files.file_id
               and not exists (select 1 from landing_agent._quarantined_rows as new
                               where new.format = old.source_table and new.file_id || ':' || new.line = old.source_key
                                   and new.check_name = old.check_name)""",
        (system,),
    )
    db.execute(
        """insert into quality.quarantined_rows (system, source_table, source_key, check_name, reason, version)
           select %s, format, file_id || ':' || line, check_name, reason, %s from landing_agent._quarantined_rows
           on conflict (system, source_table, source_key, check_name) do update
           set reason = excluded.reason, version = excluded.version""",
        (system, version),
    )
