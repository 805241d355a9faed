"""Makes the demo company and moves it on by a day: Odoo's tables in a source database, agent exports, truth files.

The simulation is a function of (cases, seed, switches, day). Moving on works the days through again in memory and
writes the last one only, so nothing but these four values is kept, and a crash is repaired by doing it again.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import psycopg

from sluice.demo.calendar import TODAY
from sluice.demo.company import base_rows
from sluice.demo.desktop import Desks
from sluice.demo.simulation import days, quick
from sluice.demo.tables import FOLDER, Batch, read_schema
from sluice.demo.truth import TruthFiles
from sluice.demo.world import World
from sluice.errors import BadInput, SluiceError
from sluice.settings import Settings
from sluice.warehouse import connect

VERSION = 1  # of what the simulation writes: another one cannot go on with an older company
MARK = "sluice_demo.company"
KEPT = ("version", "cases", "seed", "plant", "desktop_limit")


@dataclass(frozen=True)
class DemoState:
    """Where the demo company stands. `day`: its today; `agent_drop`, `person_map`, `truth`: where its files lie."""

    folder: Path
    day: date
    cases: int
    seed: int
    plant: Mapping[str, bool | int]
    files: tuple[str, ...] = ()  # the agent exports of `day`, by name

    @property
    def agent_drop(self) -> Path:
        """The folder of agent exports."""
        return self.folder / "agent_drop"

    @property
    def person_map(self) -> Path:
        """The CSV `person,kind,value`."""
        return self.folder / "person_map.csv"

    @property
    def truth(self) -> Path:
        """The folder of truth files."""
        return self.folder / "truth"

    @property
    def planted(self) -> dict:
        """The sizes of the planted truths so far, as in truth/planted.json."""
        return json.loads((self.truth / "planted.json").read_text(encoding="utf-8"))["measured"]


def state(folder: Path) -> DemoState | None:
    """The state of the demo company in `folder`; None where there is none."""
    path = Path(folder) / "state.json"
    if not path.exists():
        return None
    kept = json.loads(path.read_text(encoding="utf-8"))
    if kept["version"] != VERSION:
        raise SluiceError(
            f"{folder}: the demo company was made by another release of Sluice; remove the folder and its database"
        )
    return DemoState(
        Path(folder), date.fromisoformat(kept["day"]), kept["cases"], kept["seed"], kept["plant"], tuple(kept["files"])
    )


def ensure(
    settings: Settings,
    *,
    url: str,
    cases: int = 400,
    seed: int = 7,
    folder: Path | None = None,
    plant: Mapping[str, bool | int] | None = None,
    desktop_limit: int = 2000,
    replace: bool = False,
) -> DemoState:
    """Make the demo company's history (2025-01-02 to 2025-06-30) in the database `url` and in `folder`, if not there.

    cases: purchase orders; sales orders and leads come in proportion. plant: switches over `plants.DEFAULTS`.
    desktop_limit: for about how many orders desktop work is recorded. replace: a demo company that is there goes first.
    Raises BadInput where the database or the folder holds something else: other tables, or a demo company of other
    parameters.
    """
    folder = Path(folder or settings.home / "demo")
    if cases < 1:
        raise BadInput(f"demo: expected at least one case, found {cases}")
    world = World(cases=cases, seed=seed, plant=plant, desktop_limit=desktop_limit)
    wanted = {"version": VERSION, "cases": cases, "seed": seed, "plant": world.plant, "desktop_limit": desktop_limit}
    _refuse_others(folder)
    with connect(url) as db, quick():
        there = _kept(db)
        if there is not None and replace:
            _drop(db)
            there = None
        if there is not None and {name: there.get(name) for name in wanted} != wanted:
            raise BadInput(
                f"demo: the database already holds a demo company of cases={there['cases']} seed={there['seed']}; "
                "name another database, or replace this one (sluice demo --replace)"
            )
        found = state(folder) if there is not None else None
        if found is not None:
            return found
        is_new = there is None
        if is_new:
            _make_tables(db, world)
        _prepare(folder, wanted)
        until = TODAY if is_new else date.fromisoformat(there["day"])
        desks, truth = Desks(world), TruthFiles(folder)
        for day in days(world, TODAY):
            if world.batch.is_full():
                _load(db, world.batch, is_new)
            truth.add(world)
            desks.day(day)
        for case in world.open_cases():
            world.write(case)
        _load(db, world.batch, is_new)
        if is_new:
            db.execute((FOLDER / "indexes.sql").read_text())
            db.execute("create schema sluice_demo")
            db.execute(f"create table {MARK} (parameters jsonb not null)")
            _mark(db, wanted, TODAY)
            db.commit()
            db.autocommit = True
            db.execute("analyze")
            db.autocommit = False
    files = _write_files(folder, desks, TODAY, is_first=True)
    truth.finish(world)
    made = _save(folder, wanted, TODAY, files)
    while made.day < until:  # the folder was lost, the database is further on
        made = advance(settings, url=url, folder=folder)
    return made


def advance(settings: Settings, *, url: str, folder: Path | None = None) -> DemoState:
    """Move the demo company on by one calendar day: new, late, changed and deleted rows, and new agent files.

    Deterministic, whatever the process and however often it was interrupted. Raises SluiceError where `ensure` has made
    nothing yet, or another company.
    """
    folder = Path(folder or settings.home / "demo")
    found = state(folder)
    if found is None:
        raise SluiceError(f"demo: there is no demo company in {folder}; make it first (sluice demo)")
    target = found.day + timedelta(days=1)
    wanted = json.loads((folder / "state.json").read_text(encoding="utf-8"))
    world = World(cases=found.cases, seed=found.seed, plant=found.plant, desktop_limit=wanted["desktop_limit"])
    with connect(url) as db, quick():
        there = _kept(db)
        if there is None or any(there[name] != wanted[name] for name in KEPT) or there["day"] < found.day.isoformat():
            raise SluiceError(
                f"demo: the database holds no demo company, or another one than {folder}; make it anew "
                "(sluice demo --replace)"
            )
        desks, truth = Desks(world), TruthFiles(folder)
        for day in days(world, target):
            truth.add(world)
            desks.day(day)
            if day < target:  # known already
                world.batch.clear()
                desks.forget(but_host=desks.cumulative_host)
            if day == found.day:
                world.touched = {}
        for case in (world.touched or {}).values():
            world.write(case)
        if there["day"] < target.isoformat():
            world.batch.upsert_into(db)
            _mark(db, wanted, target)
            db.commit()
    files = _write_files(folder, desks, target, is_first=False)
    truth.finish(world)
    return _save(folder, wanted, target, files)


# parts -------------------------------------------------------------------------------------------------------------


def _kept(db: psycopg.Connection) -> dict | None:
    exists = db.execute("select to_regclass(%s) is not null", (MARK,)).fetchone()[0]
    return db.execute(f"select parameters from {MARK}").fetchone()[0] if exists else None


def _mark(db: psycopg.Connection, wanted: dict, day: date) -> None:
    kept = {name: wanted[name] for name in KEPT} | {"day": day.isoformat()}
    db.execute(f"delete from {MARK}")
    db.execute(f"insert into {MARK} values (%s)", (json.dumps(kept),))


def _drop(db: psycopg.Connection) -> None:
    """Drop the demo company's own tables."""
    for table in read_schema():
        db.execute(f"drop table if exists {table}")
    db.execute("drop schema sluice_demo cascade")


def _refuse_others(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()) and not (folder / "demo.json").exists():
        raise BadInput(f"demo: {folder} is not empty and not a demo company's; name another folder")


def _prepare(folder: Path, wanted: dict) -> None:
    """Empty the folder of what an earlier or unfinished demo company left; the mark that says whose it is stays."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "demo.json").write_text(json.dumps(wanted) + "\n", encoding="utf-8")
    for child in folder.iterdir():
        if child.is_dir():
            shutil.rmtree(child)
        elif child.name != "demo.json":
            child.unlink()
    (folder / "agent_drop").mkdir()


def _make_tables(db: psycopg.Connection, world: World) -> None:
    if db.execute("select to_regclass('public.purchase_order') is not null").fetchone()[0]:
        raise BadInput(
            "demo: the database holds Odoo tables that are not the demo's; name an empty database "
            "(the demo company never writes into a real Odoo)"
        )
    db.execute((FOLDER / "schema.sql").read_text())
    for table, row in base_rows(world.company, world.schema):
        world.batch.lines[table].append("\t".join(row))


def _load(db: psycopg.Connection, batch: Batch, is_wanted: bool) -> None:
    if is_wanted:
        batch.copy_into(db)
    else:
        batch.clear()


def _write_files(folder: Path, desks: Desks, day: date, *, is_first: bool) -> list[str]:
    people = folder / "person_map.csv"
    if not people.exists():
        people.write_text(desks.world.company.person_map(), encoding="utf-8")
    scratch = folder / "unfinished"  # a file appears in the drop folder whole or not at all
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    names = desks.write(folder / "agent_drop", scratch, day, is_first=is_first)
    scratch.rmdir()
    return names


def _save(folder: Path, wanted: dict, day: date, files: list[str]) -> DemoState:
    kept = {name: wanted[name] for name in KEPT}
    fresh = folder / "state.json.new"
    fresh.write_text(json.dumps(kept | {"day": day.isoformat(), "files": files}, indent=2) + "\n", encoding="utf-8")
    fresh.replace(folder / "state.json")
    found = state(folder)
    assert found is not None
    return found
