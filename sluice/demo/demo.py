"""Makes the demo company and moves it on by a day: Odoo's tables in a source database, agent exports, truth files.

The company is a function of (cases, seed, switches, day). Moving on goes by what it remembers (`memory`); that is
made again from the seed where it was lost, and a day that was interrupted is done again.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import psycopg

from sluice.demo.calendar import TODAY
from sluice.demo.company import Company, base_rows
from sluice.demo.making import divisions_of, histories, make_desks, make_world, write_files
from sluice.demo.memory import Memory, opened, remember
from sluice.demo.plants import CLEAN, Measures, switches
from sluice.demo.simulation import days
from sluice.demo.tables import FOLDER, Batch, Schema, copy_into, read_schema
from sluice.demo.truth import TruthFiles
from sluice.errors import BadInput, SluiceError
from sluice.settings import Settings
from sluice.warehouse import connect

VERSION = 1  # of what the simulation writes: another one cannot go on with an older company
MARK = "sluice_demo.company"
KEPT = ("version", "cases", "seed", "plant", "desktop_limit", "divisions")


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
    desktop_limit: for about how many orders desktop work is recorded; 0: no desktop exports.
    replace: a demo company that is there goes first.
    Raises BadInput where the database or the folder holds something else: other tables, or a demo company of other
    parameters.
    """
    folder = Path(folder or settings.home / "demo")
    if cases < 1:
        raise BadInput(f"demo: expected at least one case, found {cases}")
    wanted = {
        "version": VERSION,
        "cases": cases,
        "seed": seed,
        "plant": switches(plant),
        "desktop_limit": desktop_limit,
        "divisions": divisions_of(cases),
    }
    _refuse_others(folder)
    with connect(url) as db:
        there = _kept(db)
        if there is not None and replace:
            _drop(db)
            there = None
        if there is not None and _parameters(there) != wanted:
            raise BadInput(
                f"demo: the database already holds a demo company of cases={there['cases']} seed={there['seed']}; "
                "name another database, or replace this one (sluice demo --replace)"
            )
        found = state(folder) if there is not None else None
        if found is not None:
            return found
        made = _make(db, folder, wanted, is_new=there is None)
    until = TODAY if there is None else date.fromisoformat(there["day"])
    while made.day < until:  # the folder was lost, the database is further on
        made = advance(settings, url=url, folder=folder)
    return made


def _parameters(kept: Mapping) -> dict:
    """What a company was made of; what could not be planted yet when it was, is not planted."""
    return {name: kept.get(name) for name in KEPT} | {"plant": CLEAN | kept["plant"]}


def _make(db: psycopg.Connection, folder: Path, wanted: dict, *, is_new: bool) -> DemoState:
    """Work through the history: the rows into the database, if it is new to it; the rest into the folder."""
    company, schema, measures, files = Company(wanted["seed"]), Schema(), Measures(), []
    if is_new:
        _make_tables(db, company, schema)
    _prepare(folder, wanted)
    truth = TruthFiles(folder)
    truth.begin()
    with opened(folder, anew=True) as memory:
        for kind, *part in histories(wanted, folder):
            if kind == "rows" and is_new:
                table, lines = part
                copy_into(db, table, schema.columns[table], lines)
            elif kind == "kept":
                memory.keep(*part)
            elif kind == "files":
                (files,) = part
        if is_new:
            db.execute((FOLDER / "indexes.sql").read_text())
            db.execute("create schema sluice_demo")
            db.execute(f"create table {MARK} (parameters jsonb not null)")
            _mark(db, wanted, TODAY)
            db.commit()
            db.autocommit = True
            db.execute("analyze")
            db.autocommit = False
        for division in range(wanted["divisions"]):
            measures.absorb(memory.measures(division, make_world(wanted, division)))
        truth.finish(company, wanted["plant"], measures)
        memory.keep_day(TODAY, files)
    truth.show()
    return _save(folder, wanted, TODAY, files)


def advance(settings: Settings, *, url: str, folder: Path | None = None) -> DemoState:
    """Move the demo company on by one calendar day: new, late, changed and deleted rows, and new agent files.

    Deterministic, whatever the process and however often it was interrupted. What it costs follows what happens on the
    day. Raises SluiceError where `ensure` has made nothing yet, or another company.
    """
    folder = Path(folder or settings.home / "demo")
    found = state(folder)
    if found is None:
        raise SluiceError(f"demo: there is no demo company in {folder}; make it first (sluice demo)")
    target = found.day + timedelta(days=1)
    kept = {"divisions": 1} | json.loads((folder / "state.json").read_text(encoding="utf-8"))
    wanted = {name: kept[name] for name in KEPT}
    with connect(url) as db:
        there = _kept(db)
        if there is None or any(there[name] != wanted[name] for name in KEPT) or there["day"] < found.day.isoformat():
            raise SluiceError(
                f"demo: the database holds no demo company, or another one than {folder}; make it anew "
                "(sluice demo --replace)"
            )
        if there.get("touched"):
            raise SluiceError("demo: a benchmark has touched this company's rows, so it cannot move on: make it anew")
        with opened(folder) as memory:
            day = memory.day
            if day == found.day:
                _work_day(db, folder, wanted, memory, target, is_there=there["day"] >= target.isoformat())
            files = memory.files
        is_lost = day not in (found.day, target)
        made = _make(db, folder, wanted, is_new=False) if is_lost else found
    if is_lost:
        while made.day < target:
            made = advance(settings, url=url, folder=folder)
        return made
    TruthFiles(folder).show()
    return _save(folder, wanted, target, files)


def _work_day(db: psycopg.Connection, folder: Path, wanted: dict, memory: Memory, day: date, *, is_there: bool) -> None:
    """Work one day in every division; is_there: the database has it already. The memory, as the last, has it then, too."""
    company, batch, gone, files = Company(wanted["seed"]), Batch(Schema()), set(), []
    measures, worlds = Measures(), []
    for division in range(wanted["divisions"]):
        world = make_world(wanted, division)
        windows = memory.recall(world, day)
        desks = make_desks(world, wanted, windows)
        for _ in days(world, day, first=day):
            if desks:
                desks.day(day)
        for case in (world.touched or {}).values():
            world.write(case)
        batch.add(world.batch)
        gone |= world.gone
        measures.absorb(world.measures.kept())
        memory.keep(division, *remember(world, desks.cumulative_windows if desks else {}))
        world.let_go()
        worlds.append(world)
        if desks:
            desks_of_day = desks
    if not is_there:
        batch.upsert_into(db)
        _mark(db, wanted, day)
        db.commit()
    if wanted["desktop_limit"]:
        files = write_files(folder, desks_of_day, day, is_first=False)
    truth = TruthFiles(folder)
    truth.begin_with(gone)
    for world in worlds:
        truth.add(world)
    truth.finish(company, wanted["plant"], measures)
    memory.keep_day(day, files)


# parts -------------------------------------------------------------------------------------------------------------


def _kept(db: psycopg.Connection) -> dict | None:
    exists = db.execute("select to_regclass(%s) is not null", (MARK,)).fetchone()[0]
    return {"divisions": 1} | db.execute(f"select parameters from {MARK}").fetchone()[0] if exists else None


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
    (folder / "person_map.csv").write_text(Company(wanted["seed"]).person_map(), encoding="utf-8")


def _make_tables(db: psycopg.Connection, company: Company, schema: Schema) -> None:
    if db.execute("select to_regclass('public.purchase_order') is not null").fetchone()[0]:
        raise BadInput(
            "demo: the database holds Odoo tables that are not the demo's; name an empty database "
            "(the demo company never writes into a real Odoo)"
        )
    db.execute((FOLDER / "schema.sql").read_text())
    batch = Batch(schema)
    for table, row in base_rows(company, schema):
        batch.lines[table].append("\t".join(row))
    for table, lines in batch.take():
        copy_into(db, table, schema.columns[table], lines)


def _save(folder: Path, wanted: dict, day: date, files: list[str]) -> DemoState:
    kept = {name: wanted[name] for name in KEPT}
    fresh = folder / "state.json.new"
    fresh.write_text(json.dumps(kept | {"day": day.isoformat(), "files": files}, indent=2) + "\n", encoding="utf-8")
    fresh.replace(folder / "state.json")
    found = state(folder)
    assert found is not None
    return found
