"""The doctor at the sources: they answer, are as declared, and may be read; who is who is known."""

from collections.abc import Iterator
from datetime import UTC, datetime

from extractors.catalog import describe
from extractors.source import open_source
from extractors.specs import load_spec
from extractors.systems import has_tables, list_systems
from sluice.doctor.findings import NOTE, WELL, WRONG, Finding
from sluice.errors import SluiceError
from sluice.pseudonyms import load_person_map
from sluice.settings import Settings
from sluice.warehouse import connect, redacted

_SKEW_SECONDS = 300


def databases(settings: Settings) -> Iterator[Finding]:
    """Every source that is named: its catalog against tables.yml, its rights, its clock, its long transactions."""
    for system, url in sorted(settings.source_urls.items()):
        if system not in list_systems():
            yield WRONG, f"SLUICE_SOURCE_{system.upper()}_URL: there is no extractor called {system} in extractors/"
            continue
        try:
            yield from _database(settings, system, url)
        except SluiceError as error:
            yield WRONG, str(error)


def _database(settings: Settings, system: str, url: str) -> Iterator[Finding]:
    with connect(url, autocommit=True) as db:
        yield WELL, f"source {system}: {redacted(url)} answers"
        if db.execute("select rolsuper from pg_roles where rolname = current_user").fetchone()[0]:
            yield NOTE, f"source {system}: the login is a superuser; a role that may only read is enough and safer"
        (moment,) = db.execute("select clock_timestamp()").fetchone()
        skew = abs((moment - datetime.now(UTC)).total_seconds())
        if skew > _SKEW_SECONDS:
            yield WRONG, f"source {system}: its clock and ours differ by {skew:.0f} s: set both by NTP"
        if not has_tables(system):
            return
        spec = load_spec(system)
        for pid, minutes in db.execute(
            """select pid, extract(epoch from clock_timestamp() - xact_start) / 60 from pg_stat_activity
               where datname = current_database() and xact_start < clock_timestamp() - %s and pid <> pg_backend_pid()
               order by xact_start""",
            (spec.overlap,),
        ).fetchall():
            yield (
                WRONG,
                f"source {system}: session {pid} has a transaction open since {minutes:.0f} minutes, longer than the overlap; "
                f"the watermark waits for it: end it there (select pg_terminate_backend({pid}))",
            )
    try:
        with open_source(settings, spec) as source:
            describe(source)
    except SluiceError as error:
        is_right = "may not" in str(error)
        yield (
            WRONG,
            f"{error}" + (f"; `python -m extractors.grants {system} ROLE` prints all grants" if is_right else ""),
        )
        return
    yield WELL, f"source {system}: all {len(spec.tables)} tables are as declared and may be read"


def people(settings: Settings) -> Iterator[Finding]:
    """The drop folder of desktop exports, and the person map."""
    drop = settings.agent_drop
    if drop is not None:
        yield (
            (WELL, f"agent drop folder {drop}: {sum(1 for _ in drop.iterdir())} entries")
            if drop.is_dir()
            else (WRONG, f"SLUICE_AGENT_DROP: {drop} is not a folder; make it, or correct the variable")
        )
    if settings.person_map is not None:
        yield WELL, f"person map {settings.person_map}: {len(load_person_map(settings.person_map))} identities"
    elif settings.source_urls and drop is not None:
        yield NOTE, "no SLUICE_PERSON_MAP: only people whose ERP and desktop logins are the same text are one person"
