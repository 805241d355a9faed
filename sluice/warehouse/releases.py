"""What a warehouse remembers of the releases that migrated it, and what is refused: a newer warehouse, an edited migration."""

from hashlib import sha256
from pathlib import Path

import psycopg

from sluice.errors import SluiceError
from sluice.versions import sluice_version

FOLDER = Path(__file__).resolve().parent.parent / "migrations"
MINIMUM_POSTGRES = 16
# release 0.1.0 recorded names alone; its files are known by these
_FIRST_RELEASE = "0.1.0"
_FIRST_CHECKSUMS = {
    "0001_core": "905b1160caace18c42f47dcfe2a95a6e3da2abbb5887243496d20a6eb8aed282",
    "0002_mining": "fdcd999ddf16c3ebee862f9720db7c660091877ec94c904faef0c495232002af",
    "0003_transform_state": "d799af4039803dce6144e832ae3ad8d83e8391378f909dc8d313fc8d8556a3e5",
}


def checksum(path: Path) -> str:
    """SHA-256 of a migration's text; how its lines end does not matter."""
    return sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()


def prepare_migrations(db: psycopg.Connection, folder: Path = FOLDER) -> set[str]:
    """Make or widen ops.migrations, and return the names of the migrations that are applied.

    Raises SluiceError with one line when the server is too old, the warehouse was migrated by a newer release, or an
    applied migration has been edited since.
    """
    if db.info.server_version < MINIMUM_POSTGRES * 10000:
        raise SluiceError(
            f"the warehouse is PostgreSQL {db.info.server_version // 10000}: {MINIMUM_POSTGRES} or newer is needed"
        )
    db.execute("create schema if not exists ops")
    db.execute(
        """create table if not exists ops.migrations (
               name text primary key, applied_at timestamptz not null default clock_timestamp(),
               checksum text, sluice_version text)"""
    )
    widths = "select count(*) from pg_attribute where attrelid = 'ops.migrations'::regclass and attname = any(%s)"
    if db.execute(widths, (["checksum", "sluice_version"],)).fetchone()[0] < 2:
        db.execute("alter table ops.migrations add column if not exists checksum text")
        db.execute("alter table ops.migrations add column if not exists sluice_version text")
    _adopt(db, folder)
    problems = migration_problems(db, folder)
    if problems:
        raise SluiceError(problems[0])
    return {name for (name,) in db.execute("select name from ops.migrations")}


def record_migration(db: psycopg.Connection, path: Path) -> None:
    """Write down that the migration `path` has been applied: its checksum, and by which release."""
    db.execute(
        "insert into ops.migrations (name, checksum, sluice_version) values (%s, %s, %s)",
        (path.stem, checksum(path), sluice_version()),
    )


def _adopt(db: psycopg.Connection, folder: Path) -> None:
    """Fill in what release 0.1.0 did not record."""
    for (name,) in db.execute("select name from ops.migrations where checksum is null order by name").fetchall():
        first, path = _FIRST_CHECKSUMS.get(name), folder / f"{name}.sql"
        if first or path.exists():
            db.execute(
                "update ops.migrations set checksum = %s, sluice_version = %s where name = %s",
                (first or checksum(path), _FIRST_RELEASE if first else None, name),
            )


def migration_problems(db: psycopg.Connection, folder: Path = FOLDER) -> list[str]:
    """One line each: migrations that this code does not have, and applied ones whose file has another content now.

    Reads only; ops.migrations must exist. Columns that release 0.1.0 did not have count as empty.
    """
    has_checksums = db.execute(
        "select count(*) > 1 from pg_attribute where attrelid = 'ops.migrations'::regclass and attname in "
        "('checksum', 'sluice_version')"
    ).fetchone()[0]
    query = "select name, {}, {} from ops.migrations order by name"
    rows = db.execute(
        query.format("checksum", "sluice_version") if has_checksums else query.format("null", "null")
    ).fetchall()
    files, problems = {path.stem: path for path in folder.glob("*.sql")}, []
    newer = [(name, version) for name, _, version in rows if name not in files]
    if newer:
        by = next((version for _, version in reversed(newer) if version), None)
        problems.append(
            f"the warehouse was migrated by a newer release of Sluice ({by or 'unknown'}: {', '.join(n for n, _ in newer)}) "
            f"than this one ({sluice_version()}): update this checkout, or restore a backup of before the upgrade"
        )
    for name, recorded, version in rows:
        expected = recorded or _FIRST_CHECKSUMS.get(name)
        if expected and name in files and checksum(files[name]) != expected:
            problems.append(
                f"sluice/migrations/{name}.sql was edited after it had been applied (by release {version or _FIRST_RELEASE}): "
                "bring the file back as it was (git checkout), and put the change into a new migration"
            )
    return problems


def missing_migrations(db: psycopg.Connection, folder: Path = FOLDER) -> list[str]:
    """The migrations that the warehouse lacks, in order; ops.migrations must exist."""
    done = {name for (name,) in db.execute("select name from ops.migrations")}
    return sorted({path.stem for path in folder.glob("*.sql")} - done)
