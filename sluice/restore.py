"""`sluice restore`: bring a backup back, in one transaction: the warehouse is what it was, or what the backup holds."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from psycopg import sql

from sluice.backup import Programs, clean_environment, key_id, programs
from sluice.errors import BadInput, SluiceError
from sluice.settings import Settings
from sluice.versions import sluice_version
from sluice.warehouse import connect, embedded
from sluice.warehouse.contents import sluice_schemas
from sluice.warehouse.releases import FOLDER

# pg_restore of 17 and later says it to every server
_UNKNOWN_BEFORE_17 = b"SET transaction_timeout = 0;"


@dataclass(frozen=True)
class Contents:
    """What a backup says of itself."""

    taken_at: str | None
    pseudonym_key_id: str | None
    migrations: tuple[str, ...]


def restore(
    settings: Settings,
    source: Path,
    *,
    is_replaced: bool,
    key_file: Path | None = None,
    yes: bool = False,
    is_other_key: bool = False,
) -> int:
    """Restore the backup `source` and bring it to this release; returns the exit code.

    Refuses, having changed nothing: a backup of a newer release, one whose pseudonym key this installation does not have
    (unless is_other_key), a warehouse that holds something (unless is_replaced), and while Airflow runs.
    """
    from sluice.stack import running
    from sluice.warehouse import migrate

    source = source.expanduser().resolve()
    if not source.exists():
        raise BadInput(f"{source}: there is no such backup")
    if running(settings) is not None:
        raise SluiceError("Airflow is running and may write into the warehouse: run `sluice down` first")
    with _started(settings) as url:
        with connect(url) as db:
            tools = programs(db.info.server_version)
        contents = read_contents(tools, source)
        _refuse_newer(contents)
        key = _checked_key(settings, contents, key_file, is_other_key)
        with connect(url) as db:
            there = sluice_schemas(db)
            held = _holds(db)
        if held and not is_replaced:
            raise SluiceError(f"the warehouse is not empty ({held}): add --replace to drop what it holds")
        if held and not yes and not _asked(f"Drop what the warehouse holds ({held}) and restore {source}?"):
            return 1
        _restore(tools, url, source, there)
        if key is not None:
            _install_key(settings, key)
        applied = migrate(url)
        with connect(url, autocommit=True) as db:
            db.execute("analyze")
    print(f"restored: {source} (taken {contents.taken_at or 'at an unknown time'} UTC)")
    if applied:
        print(f"brought to this release: {', '.join(applied)}")
    print("the next night goes on from there; everything that the sources have changed since is read again")
    return 0


@contextmanager
def _started(settings: Settings) -> Iterator[str]:
    """The URL of the warehouse, as it is: not migrated."""
    if settings.warehouse_url is not None:
        yield settings.warehouse_url
        return
    started = embedded.start(settings)
    try:
        yield embedded.url(settings)
    finally:
        if started:
            embedded.stop(settings)


def read_contents(tools: Programs, source: Path) -> Contents:
    """Read what a backup says of itself, without restoring it; BadInput when it is none."""
    backups = _rows(tools, source, "backups")
    last = max(backups, key=lambda row: int(row["backup_id"]), default={})
    names = tuple(sorted(row["name"] for row in _rows(tools, source, "migrations")))
    if not names:
        raise BadInput(f"{source}: is no backup of a warehouse (made by `sluice backup`)")
    return Contents(last.get("taken_at", "")[:16] or None, last.get("pseudonym_key_id"), names)


def _rows(tools: Programs, source: Path, table: str) -> list[dict[str, str]]:
    """The rows of ops.<table> in the backup, as text."""
    command = [tools["pg_restore"], "--data-only", "--schema=ops", f"--table={table}", "--file=-", str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        reason = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "pg_restore cannot read it"
        raise BadInput(f"{source}: is no backup, or is damaged ({reason.removeprefix('pg_restore: ')})")
    rows, columns = [], None
    for line in done.stdout.splitlines():
        if line.startswith("COPY "):
            columns = [name.strip().strip('"') for name in line.split("(", 1)[1].split(")", 1)[0].split(",")]
        elif line == "\\.":
            columns = None
        elif columns:
            rows.append(dict(zip(columns, line.split("\t"), strict=True)))
    return rows


def _refuse_newer(contents: Contents) -> None:
    have = {path.stem for path in FOLDER.glob("*.sql")}
    if newer := [name for name in contents.migrations if name not in have]:
        raise SluiceError(
            f"the backup is of a newer release of Sluice ({', '.join(newer)}) than this one ({sluice_version()}): "
            "update this checkout first"
        )


def _checked_key(settings: Settings, contents: Contents, key_file: Path | None, is_other_key: bool) -> bytes | None:
    """The key to install, or None; SluiceError when the key of the backup is not at hand."""
    given = None
    if key_file is not None:
        try:
            given = bytes.fromhex(key_file.read_text().strip())
        except (OSError, ValueError):
            raise BadInput(
                f"{key_file}: expected the file of hexadecimal digits that `sluice backup --with-key` made"
            ) from None
        if contents.pseudonym_key_id and key_id(given) != contents.pseudonym_key_id:
            raise BadInput(f"{key_file}: is not the pseudonym key that the backup was made with")
        if settings.pseudonym_key_hex and given != settings.pseudonym_key:
            raise BadInput(f"SLUICE_PSEUDONYM_KEY is another key than {key_file}: unset one of the two")
        return None if settings.pseudonym_key_hex else given
    has_own = settings.pseudonym_key_hex or (settings.home / "secrets" / "pseudonym_key").exists()
    is_known = contents.pseudonym_key_id is not None
    if is_other_key or not is_known or (has_own and key_id(settings.pseudonym_key) == contents.pseudonym_key_id):
        return None
    what = "this installation has another one" if has_own else "this installation has none"
    raise SluiceError(
        f"the backup was made with a pseudonym key and {what}: give it (--key FILE, or SLUICE_PSEUDONYM_KEY), or say "
        "--other-key, and the next night gives every person another pseudonym"
    )


def _install_key(settings: Settings, key: bytes) -> None:
    folder = settings.home / "secrets"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / "pseudonym_key"
    fresh = path.with_name(f"pseudonym_key.{os.getpid()}")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(key.hex())
    fresh.rename(path)


def _holds(db) -> str:
    """What the warehouse holds, in a few words; "" when nothing was ever loaded into it."""
    if db.execute("select to_regclass('ops.runs')").fetchone()[0] is None:
        return ""
    runs, events = db.execute(
        "select (select count(*) from ops.runs), (select count(*) from event_log.events limit 1)"
    ).fetchone()
    return f"{runs:,} runs, {events:,} events" if runs or events else ""


def _asked(question: str) -> bool:
    if not sys.stdin.isatty():
        raise BadInput("say --yes to do it without being asked")
    return input(f"{question} [y/N] ").strip().lower() == "y"


def _restore(tools: Programs, url: str, source: Path, there: list[str]) -> None:
    """Drop and restore in one transaction, which is committed only when all of the backup has come through."""
    drops = [sql.SQL("drop schema {} cascade;\n").format(sql.Identifier(name)) for name in there]
    with connect(url) as db:
        head = sql.SQL("").join(drops).as_string(db)
    command = [tools["pg_restore"], "--no-owner", "--no-privileges", "--file=-", str(source)]
    with tempfile.TemporaryFile() as complaints, tempfile.TemporaryFile() as errors:
        reader = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=complaints)
        writer = subprocess.Popen(
            [tools["psql"], "-X", "-q", "-w", "-v", "ON_ERROR_STOP=1"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env=clean_environment(url),
        )
        try:
            _pump(reader, writer, head)
        except BrokenPipeError:
            reader.kill()  # psql has stopped at an error, which is told below
        finally:
            if writer.poll() is None and writer.stdin and not writer.stdin.closed:
                try:
                    writer.stdin.close()
                except BrokenPipeError:
                    writer.stdin = None
            reader.wait()
            writer.wait()
        if writer.returncode != 0 or reader.returncode != 0:
            reason = _last_line(errors if writer.returncode != 0 else complaints)
            raise SluiceError(f"the backup could not be restored, the warehouse is as it was: {reason}")


def _pump(reader: subprocess.Popen, writer: subprocess.Popen, head: str) -> None:
    writer.stdin.write(f"begin;\nset client_min_messages = warning;\n{head}".encode())
    is_head = True
    for line in reader.stdout:
        if is_head and line.strip() == _UNKNOWN_BEFORE_17:
            continue
        is_head = is_head and not line.startswith(b"COPY ")
        writer.stdin.write(line)
    if reader.wait() == 0:
        writer.stdin.write(b"\ncommit;\n")
    writer.stdin.close()


def _last_line(file: IO[bytes]) -> str:
    file.seek(0)
    lines = [line for line in file.read().decode(errors="replace").splitlines() if line.strip()]
    wrong = [line for line in lines if "ERROR" in line or "error:" in line] or lines
    return wrong[0] if wrong else "it ended early"
