"""`sluice run`: which night is it, whose sources are read, and the demo company where none is named."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg

from sluice.dbt_runner import prepare
from sluice.errors import BadInput, SluiceError
from sluice.roles import with_embedded_logins, with_reading_login
from sluice.settings import Settings
from sluice.turns import turn
from sluice.warehouse import embedded, migrate

DEMO_DATABASE = "demo_company"
DEMO_CASES, DEMO_SEED = 400, 1


def is_demo(settings: Settings) -> bool:
    """Whether no source is named, so that the demo company's are read."""
    return not settings.source_urls and settings.agent_drop is None


def _demo_folder(settings: Settings) -> Path:
    return settings.home / "demo"


def _demo_url(settings: Settings) -> str:
    """URL of the demo company's database on the embedded server, which is started and given that database."""
    embedded.start(settings)
    with psycopg.connect(embedded.url(settings, "postgres"), autocommit=True) as db:
        if not db.execute("select 1 from pg_database where datname = %s", (DEMO_DATABASE,)).fetchone():
            db.execute(f'create database "{DEMO_DATABASE}"')
    return embedded.url(settings, DEMO_DATABASE)


def with_sources(settings: Settings) -> Settings:
    """`settings` with the demo company as the source where none is named."""
    from sluice import demo

    if not is_demo(settings):
        return settings
    state = demo.state(_demo_folder(settings))
    if state is None:
        return settings
    return replace(
        settings,
        source_urls={"odoo": with_reading_login(settings, _demo_url(settings))},
        agent_drop=state.agent_drop,
        person_map=settings.person_map or state.person_map,
    )


@contextmanager
def running_warehouse(settings: Settings) -> Iterator[Settings]:
    """`settings` with a reachable, migrated warehouse; an embedded one that was started for this is stopped again."""
    if settings.warehouse_url is not None:
        migrate(settings.warehouse_url)
        yield settings
        return
    with embedded.in_use(settings):
        url = embedded.url(settings)
        migrate(url)
        yield with_embedded_logins(replace(settings, warehouse_url=url))


def _parse_ahead(settings: Settings) -> None:
    """Parse the dbt project while the demo company is made and Airflow starts: the first night needs it soon."""

    def parse() -> None:
        with suppress(SluiceError):  # the step that needs the project says what is wrong with it
            prepare(settings.warehouse_url, settings.project, settings.home)

    threading.Thread(target=parse, daemon=True).start()


def make_demo(settings: Settings, *, cases: int, seed: int, url: str | None, folder: str | None, replace: bool) -> int:
    """`sluice demo`: make the company and say where it is."""
    from sluice import demo

    if cases < 1:
        raise BadInput(f"--cases: expected at least 1, found {cases}")
    with embedded.in_use(settings) if url is None else nullcontext():
        target = Path(folder) if folder else _demo_folder(settings)
        made = demo.ensure(
            settings, url=url or _demo_url(settings), cases=cases, seed=seed, folder=target, replace=replace
        )
        print(
            f"demo company: {made.cases} purchase orders up to {made.day}; exports in {made.agent_drop}, "
            f"the truth in {made.truth}"
        )
        return 0


def run_nights(settings: Settings, *, day: date | None, full: bool) -> int:
    """Run one night, or, the first time with the demo company, two: the first load and a night with changes.

    Waits while another command of this installation runs nights.
    """
    with turn(settings, "sluice run"):
        return _run_nights(settings, day=day, full=full)


def _run_nights(settings: Settings, *, day: date | None, full: bool) -> int:
    from sluice.run_night import night_stack, run_night

    if not is_demo(settings):
        day = day or datetime.now(UTC).date()
        with running_warehouse(settings) as ready:
            _parse_ahead(ready)
            with night_stack(ready) as stack:
                return run_night(stack, ready, day, full=full)

    from sluice import demo

    if day is not None:
        raise BadInput("--day: the demo company has its own calendar; name a source (SLUICE_SOURCE_ODOO_URL) to use it")
    with embedded.in_use(settings), running_warehouse(settings) as ready:
        _parse_ahead(ready)
        folder, url = _demo_folder(settings), _demo_url(settings)
        state = demo.state(folder)
        first = state is None
        if first:
            print(f"making the demo company ({DEMO_CASES} purchase orders, seed {DEMO_SEED}) …", flush=True)
            state = demo.ensure(settings, url=url, cases=DEMO_CASES, seed=DEMO_SEED, folder=folder)
        else:
            state = demo.advance(settings, url=url, folder=folder)
        ready = replace(
            ready,
            source_urls={"odoo": with_reading_login(settings, url)},
            agent_drop=state.agent_drop,
            person_map=settings.person_map or state.person_map,
        )
        with night_stack(ready) as stack:
            code = run_night(stack, ready, state.day, full=full, title="first load" if first else "one more night")
            if first and code == 0:
                print("\nthe demo company works on for a day: new, late, changed and deleted rows …\n", flush=True)
                state = demo.advance(settings, url=url, folder=folder)
                code = run_night(stack, ready, state.day, title="second night")
            return code
