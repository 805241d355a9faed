"""What really happened, for tests and benchmarks: every event by process, and the planted truths with their sizes."""

import json
import shutil
from collections import defaultdict
from pathlib import Path

from sluice.demo.plants import DESCRIPTIONS
from sluice.demo.world import World

COLUMNS = "process,case_id,document,activity,timestamp_utc,login\n"


class TruthFiles:
    """Writes truth/<process>.csv anew, day by day, beside the old ones; `finish` puts them in their place."""

    def __init__(self, folder: Path) -> None:
        self._place, self._new = folder / "truth", folder / "truth.new"
        shutil.rmtree(self._new, ignore_errors=True)
        self._new.mkdir()

    def add(self, world: World) -> None:
        """Add the day's events, take out what was deleted, and forget both."""
        by_process: dict[str, list[str]] = defaultdict(list)
        for time, process, case_id, document, activity, login in world.truth:
            by_process[process].append(f"{process},{case_id},{document},{activity},{world.stamp(time)},{login}\n")
        for process, lines in by_process.items():
            path = self._new / f"{process}.csv"
            header = [] if path.exists() else [COLUMNS]
            with open(path, "a", encoding="utf-8") as file:
                file.writelines(header + lines)
        world.truth.clear()
        for process in {process for process, _, _ in world.gone}:
            gone = {(case_id, document) for name, case_id, document in world.gone if name == process}
            _take_out(self._new / f"{process}.csv", gone)
        world.gone.clear()

    def finish(self, world: World) -> None:
        """Write planted.json: each switch, what it stands for, the sizes measured so far; then show all files."""
        people = {
            "slow_approver": world.company.slow_approver.login,
            "late_supplier_partner_id": world.company.late_supplier.partner_id,
            "fast_clerk": world.company.fast_clerk.login,
        }
        planted = {name: {"planted": value, "what": DESCRIPTIONS[name]} for name, value in world.plant.items()}
        content = {"planted": planted, "people": people, "measured": world.measures.report()}
        (self._new / "planted.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        shutil.rmtree(self._place, ignore_errors=True)
        self._new.rename(self._place)


def _take_out(path: Path, gone: set[tuple[str, str]]) -> None:
    kept = path.with_suffix(".kept")
    with open(path, encoding="utf-8") as old, open(kept, "w", encoding="utf-8") as new:
        for line in old:
            _, case_id, document, _ = line.split(",", 3)
            if (case_id, document) not in gone and (case_id, "*") not in gone:
                new.write(line)
    kept.replace(path)
