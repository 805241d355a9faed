"""`sluice backup`: the warehouse as one moment, by pg_dump, while it is in use; the pseudonym key stays outside."""

import hmac
import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from psycopg.types.json import Jsonb

from sluice.errors import BadInput, SluiceError
from sluice.psql import connection_environment
from sluice.settings import Settings
from sluice.versions import versions
from sluice.warehouse import connect, embedded
from sluice.warehouse.contents import sluice_schemas

JOBS = 2


@dataclass(frozen=True)
class Programs:
    """A set of PostgreSQL's client programs of one release."""

    folder: Path
    major: int

    def __getitem__(self, name: str) -> str:
        return str(self.folder / name)


def programs(server_version: int) -> Programs:
    """The client programs for a server: those on PATH of its own release, else any that are not older.

    Raises SluiceError when all are older: pg_dump refuses a newer server.
    """
    server, found = server_version // 10000, []
    on_path = shutil.which("pg_dump")
    for path in (on_path and Path(on_path), embedded.binary("pg_dump")):
        if path is None:
            continue
        said = subprocess.run([str(path), "--version"], capture_output=True, text=True).stdout
        number = re.search(r"\(PostgreSQL\) (\d+)", said)
        if number and all((path.parent / name).exists() for name in ("pg_restore", "psql")):
            found.append(Programs(path.parent, int(number[1])))
    able = [one for one in found if one.major >= server]
    if not able:
        have = ", ".join(str(one.major) for one in found) or "none"
        raise SluiceError(
            f"the warehouse is PostgreSQL {server}, the pg_dump at hand {have}: put pg_dump, pg_restore and psql of "
            f"PostgreSQL {server} on PATH"
        )
    return next((one for one in able if one.major == server), able[0])


def clean_environment(url: str) -> dict[str, str]:
    """Our environment without other PG* variables, with those of `url`: no password on a command line."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return kept | connection_environment(url)


def key_id(key: bytes) -> str:
    """Tells one pseudonym key from another, and nothing else."""
    return hmac.new(key, b"sluice: which pseudonym key is this", sha256).hexdigest()[:16]


def backup(settings: Settings, target: Path, *, key_file: Path | None = None) -> int:
    """Write the warehouse to `target` (NAME.dump: one file, else a new folder) and record it in ops.backups.

    All of it or nothing: an interrupted backup leaves TARGET.part, never a TARGET. Raises BadInput when TARGET exists,
    SluiceError when pg_dump failed.
    """
    from sluice.nights import running_warehouse

    target = target.expanduser().resolve()
    for path in (target, key_file):
        if path is not None and path.exists():
            raise BadInput(f"{path}: exists; name one that does not")
    if not target.parent.is_dir():
        raise BadInput(f"{target.parent}: is not a folder; make it first")
    with running_warehouse(settings) as ready:
        seconds, size = _dump(ready, target)
    print(f"backup of the warehouse: {target} ({size / 1024**2:.1f} MiB, {seconds:.0f} s)")
    if key_file is not None:
        _write_key(settings, key_file)
        print(f"pseudonym key:           {key_file} (keep it apart from the backup: together they tell who is who)")
    else:
        where = (
            "SLUICE_PSEUDONYM_KEY" if settings.pseudonym_key_hex else str(settings.home / "secrets" / "pseudonym_key")
        )
        print(f"not in it:               the pseudonym key ({where}); keep a copy of it somewhere else")
    print(f"bring it back with:      sluice restore {target}")
    return 0


def _dump(settings: Settings, target: Path) -> tuple[float, int]:
    is_file, part = target.suffix == ".dump", target.with_name(f"{target.name}.part")
    _remove(part)
    began = time.monotonic()
    with connect(settings.warehouse_url, autocommit=True) as db:
        tools = programs(db.info.server_version)
        # recorded first, so that the backup itself says what it is
        (number,) = db.execute(
            """insert into ops.backups (location, format, byte_count, seconds, pseudonym_key_id, versions)
               values (%s, %s, 0, 0, %s, %s) returning backup_id""",
            (str(target), "custom" if is_file else "directory", key_id(settings.pseudonym_key), Jsonb(versions(db))),
        ).fetchone()
        command = [tools["pg_dump"], "--no-password", "--no-unlogged-table-data", f"--file={part}"]
        command += ["--format=custom"] if is_file else ["--format=directory", f"--jobs={JOBS}"]
        command += [f"--schema={_quoted(schema)}" for schema in sluice_schemas(db)]
        try:
            done = subprocess.run(
                command, env=clean_environment(settings.warehouse_url), capture_output=True, text=True, umask=0o077
            )
            if done.returncode != 0:
                lines = [line for line in done.stderr.splitlines() if line.strip()]
                raise SluiceError(
                    f"the backup failed: {lines[-1] if lines else f'pg_dump ended with {done.returncode}'}"
                )
            part.rename(target)
        except BaseException:
            db.execute("delete from ops.backups where backup_id = %s", (number,))
            _remove(part)
            raise
        seconds, size = time.monotonic() - began, _size(target)
        db.execute("update ops.backups set byte_count = %s, seconds = %s where backup_id = %s", (size, seconds, number))
    return seconds, size


def _quoted(schema: str) -> str:
    """The name as pg_dump's pattern for exactly it."""
    return '"' + schema.replace('"', '""') + '"'


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _size(path: Path) -> int:
    return sum(one.stat().st_size for one in path.rglob("*")) if path.is_dir() else path.stat().st_size


def _write_key(settings: Settings, path: Path) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(settings.pseudonym_key.hex() + "\n")
