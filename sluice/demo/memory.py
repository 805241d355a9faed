"""What the demo company remembers from one day to the next: its open cases with the steps ahead of them, its counters.

One SQLite file in the company's folder. A day reads the cases that have a step on it, and no others, so that moving on
costs what happens on the day, not what ever happened.
"""

import io
import json
import pickle
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from sluice.demo import invoices, purchasing, selling, stock
from sluice.demo.calendar import day_number
from sluice.demo.company import Partner, Person
from sluice.demo.forms import Form
from sluice.demo.world import Case, World
from sluice.errors import SluiceError

# all that a remembered case is made of, people, partners, forms and steps aside: those are written by name
_CLASSES = {(kind.__module__, kind.__qualname__): kind for kind in (Case, stock.Line, stock.Picking, invoices.Invoice)}
_STEPS = {"purchasing": purchasing, "selling": selling}
CaseRow = tuple[
    int, int | None, bytes | None
]  # its place, the day of its next step, it with its steps (None: it is over)
_TABLES = """
create table if not exists state (day text not null, files text not null);
create table if not exists worlds (division integer primary key, content blob not null);
create table if not exists cases (division integer not null, place integer not null, next_day integer,
                                  content blob not null, primary key (division, place)) without rowid;
create index if not exists cases_next_day on cases (division, next_day);
"""


class _Writer(pickle.Pickler):
    def persistent_id(self, value: object) -> tuple | None:
        if isinstance(value, Person):
            return "person", value.user_id
        if isinstance(value, Partner):
            return "partner", value.partner_id
        if isinstance(value, Form):
            return "form", value.called
        if callable(value) and not isinstance(value, type):
            return "step", value.__module__.rsplit(".", 1)[-1], value.__name__
        return None


class _Reader(pickle.Unpickler):
    """Reads what `_Writer` has written, and nothing else: no other class, no function can be named."""

    def __init__(self, blob: bytes, world: World) -> None:
        super().__init__(io.BytesIO(blob))
        self._world = world

    def find_class(self, module: str, name: str) -> type:
        kind = _CLASSES.get((module, name))
        if kind is None:
            raise pickle.UnpicklingError(f"{module}.{name} is no part of a case")
        return kind

    def persistent_load(self, key: tuple) -> object:
        kind, name = key[:2]
        if kind == "person":
            return self._world.company.by_id[name]
        if kind == "partner":
            return self._world.company.partners[name]
        if kind == "form":
            return getattr(self._world.forms, name)
        return getattr(_STEPS[name], key[2])


def _written(value: object) -> bytes:
    buffer = io.BytesIO()
    _Writer(buffer, protocol=5).dump(value)
    return buffer.getvalue()


def remember(world: World, windows: Mapping) -> tuple[list[CaseRow], bytes]:
    """What is to be remembered of `world`: rows of its cases, and the rest.

    A case is remembered while it has steps ahead or may be deleted yet. The rest: counters, the planted truths' figures,
    and `windows`, the desktop windows with which an export begins every day.
    """
    ahead: dict[int, list] = {}
    cases: dict[int, Case] = {id(case): case for case in world.recalled} | (world.touched or {})
    for day, bucket in sorted(world.buckets.items()):
        for time, order, step, case, person, argument in bucket:
            cases[id(case)] = case
            ahead.setdefault(id(case), []).append((day, time, order, step, person, argument))
    recent = [*world.recent_cancelled, *(case for case, _ in world.recent_dropped_bills)]
    cases |= {id(case): case for case in recent}
    is_recent = {id(case) for case in recent}
    rows: list[CaseRow] = []
    for number, case in cases.items():
        steps = ahead.get(number, [])
        if case.place is None:
            world.places += 1
            case.place = world.places
        content = _written((case, steps)) if steps or number in is_recent else None
        rows.append((case.place, steps[0][0] if steps else None, content))
    content = _written(
        {
            "begun": dict(world.begun),
            "ids": dict(world.ids),
            "numbers": dict(world.numbers),
            "order": world.order,
            "places": world.places,
            "bad_left": world.bad_left,
            "cancelled": [case.place for case in world.recent_cancelled],
            "dropped": [(case.place, key) for case, key in world.recent_dropped_bills],
            "measures": world.measures.kept(),
            "windows": windows,
        }
    )
    return rows, content


class Memory:
    """The company's memory, a file that is open. `day` and `files`: the evening it stands at, and its new exports."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    @property
    def day(self) -> date | None:
        """None: nothing is remembered, or the company was never finished."""
        row = self._db.execute("select day from state").fetchone()
        return date.fromisoformat(row[0]) if row else None

    @property
    def files(self) -> list[str]:
        row = self._db.execute("select files from state").fetchone()
        return json.loads(row[0]) if row else []

    def keep(self, division: int, rows: Iterable[CaseRow], content: bytes) -> None:
        """Remember what `remember` gave of a division; it counts from `keep_day` on."""
        kept = [(division, place, next_day, case) for place, next_day, case in rows if case is not None]
        over = [(division, place) for place, _, case in rows if case is None]
        self._db.executemany("insert or replace into cases values (?, ?, ?, ?)", kept)
        self._db.executemany("delete from cases where division = ? and place = ?", over)
        self._db.execute("insert or replace into worlds values (?, ?)", (division, content))

    def keep_day(self, day: date, files: list[str]) -> None:
        """The company has got to the evening of `day`."""
        self._db.execute("delete from state")
        self._db.execute("insert into state values (?, ?)", (day.isoformat(), json.dumps(files)))
        self._db.commit()

    def measures(self, division: int, world: World) -> Mapping:
        """The planted truths' figures of a division."""
        return self._content(division, world)["measures"]

    def _content(self, division: int, world: World) -> dict:
        row = self._db.execute("select content from worlds where division = ?", (division,)).fetchone()
        return _Reader(row[0], world).load()

    def recall(self, world: World, day: date) -> Mapping:
        """Bring `world` to the evening before `day`, with the cases that `day` may touch; returns its windows."""
        content = self._content(world.division, world)
        world.begun.update(content["begun"])
        world.ids.update(content["ids"])
        world.numbers.update(content["numbers"])
        world.order, world.places, world.bad_left = content["order"], content["places"], content["bad_left"]
        world.measures.absorb(content["measures"])
        recent = [*content["cancelled"], *(place for place, _ in content["dropped"])]
        marks = ", ".join("?" * len(recent))
        rows = self._db.execute(
            f"select content from cases where division = ? and (next_day <= ? or place in ({marks})) order by place",
            (world.division, day_number(day), *recent),
        ).fetchall()
        cases: dict[int, Case] = {}
        for (blob,) in rows:
            case, steps = _Reader(blob, world).load()
            cases[case.place] = case
            for step_day, time, order, step, person, argument in steps:
                world.buckets[step_day].append((time, order, step, case, person, argument))
        world.recent_cancelled.extend(cases[place] for place in content["cancelled"])
        world.recent_dropped_bills.extend((cases[place], key) for place, key in content["dropped"])
        world.touched, world.recalled = {}, list(cases.values())
        return content["windows"]


@contextmanager
def opened(folder: Path, *, anew: bool = False) -> Iterator[Memory]:
    """The memory of the company in `folder`, made where it is not there; anew: whatever it held is forgotten."""
    path = folder / "company.sqlite"
    if anew:
        path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    db = sqlite3.connect(path)
    try:
        db.executescript(_TABLES)
        yield Memory(db)
    except (sqlite3.DatabaseError, pickle.UnpicklingError) as error:
        raise SluiceError(f"{path}: the demo company's memory cannot be read ({error}): remove the file") from None
    finally:
        db.close()
