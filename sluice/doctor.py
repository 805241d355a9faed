"""`sluice doctor`: looks at an installation from the outside and names what is wrong, one line each."""

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from sluice.errors import SluiceError
from sluice.pseudonyms import load_person_map
from sluice.settings import Settings
from sluice.warehouse import connect, embedded, redacted
from sluice.warehouse.migrations import FOLDER

WELL, NOTE, WRONG = "ok", "note", "WRONG"
Finding = tuple[str, str]
_MINIMUM_FREE_BYTES = 2 * 1024**3
_MINIMUM_POSTGRES = 160000


def _home(settings: Settings) -> Iterator[Finding]:
    home = settings.home
    if not home.exists():
        yield NOTE, f"{home}: nothing there yet; `sluice run` makes it"
        return
    if not os.access(home, os.W_OK):
        yield WRONG, f"{home}: cannot be written; set SLUICE_HOME to a folder of yours"
    free = shutil.disk_usage(home).free
    state = WELL if free > _MINIMUM_FREE_BYTES else WRONG
    yield state, f"{home}: {free / 1024**3:.1f} GiB free (2 GiB are needed at least)"
    secrets = home / "secrets"
    for path in [secrets, *sorted(secrets.glob("*"))] if secrets.exists() else []:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            yield WRONG, f"{path}: others can read it; chmod go= {path}"


def _warehouse(settings: Settings) -> Iterator[Finding]:
    if settings.warehouse_url is None:
        if embedded.running_port(settings) is None:
            yield NOTE, "warehouse: the embedded PostgreSQL is not running (`sluice up` starts it); not looked into"
            return
        url = embedded.url(settings)
    else:
        url = settings.warehouse_url
    with connect(url) as db:
        version = db.info.server_version
        state = WELL if version >= _MINIMUM_POSTGRES else WRONG
        yield state, f"warehouse: {redacted(url)}, PostgreSQL {version // 10000} (16 or newer is needed)"
        if db.execute("select to_regclass('ops.migrations')").fetchone()[0] is None:
            yield NOTE, "warehouse: empty; `sluice run` sets it up"
            return
        done = {name for (name,) in db.execute("select name from ops.migrations")}
        missing = sorted({path.stem for path in FOLDER.glob("*.sql")} - done)
        yield (
            (WRONG, f"warehouse: migrations {', '.join(missing)} are missing; `sluice run` applies them")
            if missing
            else (WELL, f"warehouse: all {len(done)} migrations are applied")
        )
        if extra := sorted(done - {path.stem for path in FOLDER.glob("*.sql")}):
            yield WRONG, f"warehouse: written by a newer release ({', '.join(extra)}); update this checkout"
        bad = db.execute(
            """select subject, state, coalesce(message, '') from (
                   select distinct on (subject) subject, state, message from ops.runs order by subject, started_at desc
               ) as latest where state in ('blocked', 'failed') order by subject"""
        ).fetchall()
        for subject, run_state, message in bad:
            yield WRONG, f"last run of {subject}: {run_state}: {message}"
        if not bad:
            yield WELL, "last runs: none blocked or failed"


def _sources(settings: Settings) -> Iterator[Finding]:
    for system, url in sorted(settings.source_urls.items()):
        if not (settings.project / "extractors" / system).is_dir():
            yield WRONG, f"SLUICE_SOURCE_{system.upper()}_URL: there is no extractor called {system} in extractors/"
            continue
        with connect(url) as db:
            yield WELL, f"source {system}: {redacted(url)} answers"
            if db.execute("select rolsuper from pg_roles where rolname = current_user").fetchone()[0]:
                yield NOTE, f"source {system}: the login is a superuser; a role that may only read is enough and safer"


def _people(settings: Settings) -> Iterator[Finding]:
    drop = settings.agent_drop
    if drop is not None:
        yield (
            (WELL, f"agent drop folder {drop}: {sum(1 for _ in drop.iterdir())} entries")
            if drop.is_dir()
            else (WRONG, f"SLUICE_AGENT_DROP: {drop} is not a folder")
        )
    if settings.person_map is not None:
        yield WELL, f"person map {settings.person_map}: {len(load_person_map(settings.person_map))} identities"
    elif settings.source_urls and drop is not None:
        yield NOTE, "no SLUICE_PERSON_MAP: only people whose ERP and desktop logins are the same text are one person"


_CHECKS: tuple[Callable[[Settings], Iterator[Finding]], ...] = (_home, _warehouse, _sources, _people)


def examine(settings: Settings) -> list[Finding]:
    """All findings, as (state, one line); state is ok, note or WRONG."""
    findings: list[Finding] = []
    for check in _CHECKS:
        try:
            findings.extend(check(settings))
        except SluiceError as error:
            findings.append((WRONG, str(error)))
        except OSError as error:
            findings.append((WRONG, f"{Path(error.filename or '?')}: {error.strerror}"))
    return findings


def doctor(settings: Settings) -> int:
    """Print the findings; 1 when something is wrong."""
    findings = examine(settings)
    for state, line in findings:
        print(f"{state:5}  {line}")
    return 1 if any(state == WRONG for state, _ in findings) else 0
