"""What really happened, for tests and benchmarks: every event by process, and the planted truths with their sizes."""

import json
import re
import shutil
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from sluice.demo.company import Company
from sluice.demo.plants import DESCRIPTIONS, Measures
from sluice.demo.world import World

COLUMNS = "process,case_id,document,activity,timestamp_utc,login\n"
_BLOCK = 1 << 24


class TruthFiles:
    """Writes truth/<process>.csv anew beside the old ones, and planted.json; `show` puts them in their place.

    division: of a large company; each division has files of its own until `finish` puts them behind one another.
    """

    def __init__(self, folder: Path, *, division: int = 0) -> None:
        self._place, self._new = folder / "truth", folder / "truth.new"
        self._ending = f".csv.{division}" if division else ".csv"

    def begin(self) -> None:
        """Forget what an interrupted day left."""
        shutil.rmtree(self._new, ignore_errors=True)
        self._new.mkdir()

    def begin_with(self, gone: set[tuple[str, str, str]]) -> None:
        """Begin with what is known, without the events of what is `gone`: (process, case_id, document or '*')."""
        self.begin()
        for path in sorted(self._place.glob("*.csv")):
            _copy_without(path, self._new / path.name, sorted(entry for entry in gone if entry[0] == path.stem))

    def add(self, world: World) -> None:
        """Add the day's events, in the order of time, without those of what is gone already, and forget them."""
        by_process: dict[str, list[str]] = defaultdict(list)
        gone = world.gone
        for time, process, case_id, document, activity, login in world.truth:
            if gone and {(process, case_id, "*"), (process, case_id, document)} & gone:
                continue
            by_process[process].append(f"{process},{case_id},{document},{activity},{world.stamp(time)},{login}\n")
        for process, lines in by_process.items():
            path = self._new / f"{process}{self._ending}"
            header = [] if self._ending != ".csv" or path.exists() else [COLUMNS]
            with open(path, "a", encoding="utf-8") as file:
                file.writelines(header + lines)
        world.truth.clear()

    def finish(self, company: Company, plant: Mapping[str, bool | int], measures: Measures) -> None:
        """Put the divisions' files together and write planted.json: each switch, what it stands for, the sizes
        measured so far."""
        for part in sorted(self._new.glob("*.csv.*"), key=lambda path: (path.stem, int(path.suffix[1:]))):
            whole = self._new / part.stem
            with open(part, "rb") as more, open(whole, "ab") as file:
                if not file.tell():
                    file.write(COLUMNS.encode())
                shutil.copyfileobj(more, file, _BLOCK)
            part.unlink()
        people = {
            "slow_approver": company.slow_approver.login,
            "late_supplier_partner_id": company.late_supplier.partner_id,
            "fast_clerk": company.fast_clerk.login,
        }
        planted = {name: {"planted": value, "what": DESCRIPTIONS[name]} for name, value in plant.items()}
        content = {"planted": planted, "people": people, "measured": measures.report()}
        (self._new / "planted.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")

    def show(self) -> None:
        """Put the finished files in the place of the old ones; nothing if that is done already."""
        if self._new.exists():
            shutil.rmtree(self._place, ignore_errors=True)
            self._new.rename(self._place)


def _copy_without(path: Path, new: Path, gone: list[tuple[str, str, str]]) -> None:
    """Copy a truth file block by block, all but the lines of what is gone."""
    starts = [f"{process},{case}," + ("" if document == "*" else f"{document},") for process, case, document in gone]
    with open(path, "rb") as old, open(new, "wb") as file:
        if not starts:
            shutil.copyfileobj(old, file, _BLOCK)
            return
        line = re.compile(b"\n(?:%s)[^\n]*(?=\n)" % b"|".join(re.escape(start.encode()) for start in starts))
        while block := old.read(_BLOCK) + old.readline():  # whole lines; the first of a block is looked at, too
            file.write(line.sub(b"", b"\n" + block)[1:])
