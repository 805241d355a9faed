"""What really happened, for tests and benchmarks: every event by process, and the planted truths with their sizes."""

import csv
import json
from pathlib import Path

from sluice.demo.plants import DESCRIPTIONS
from sluice.demo.world import World

COLUMNS = ("process", "case_id", "document", "activity", "timestamp_utc", "login")


def append(folder: Path, world: World) -> None:
    """Append the day's events to truth/<process>.csv, take out what was deleted, and forget them."""
    by_process: dict[str, list[tuple]] = {}
    for event in world.truth:
        by_process.setdefault(event[1], []).append(event)
    for process, events in by_process.items():
        path = folder / f"{process}.csv"
        lines = [",".join(COLUMNS) + "\n"] if not path.exists() else []
        lines += [
            f"{process},{case_id},{document},{activity},{world.stamp(time)},{login}\n"
            for time, _, case_id, document, activity, login in events
        ]
        with open(path, "a", encoding="utf-8") as file:
            file.writelines(lines)
    world.truth.clear()
    for process in {process for process, _, _ in world.gone}:
        _take_out(
            folder / f"{process}.csv", {(case, document) for name, case, document in world.gone if name == process}
        )
    world.gone.clear()


def _take_out(path: Path, gone: set[tuple[str, str]]) -> None:
    kept = path.with_suffix(".new")
    with open(path, newline="", encoding="utf-8") as old, open(kept, "w", newline="", encoding="utf-8") as new:
        writer = csv.writer(new, lineterminator="\n")
        for row in csv.reader(old):
            if (row[1], row[2]) not in gone and (row[1], "*") not in gone:
                writer.writerow(row)
    kept.replace(path)


def write_planted(folder: Path, world: World) -> None:
    """Write truth/planted.json: each switch, what it stands for, and the sizes measured while the company was made."""
    planted = {name: {"planted": value, "what": DESCRIPTIONS[name]} for name, value in world.plant.items()}
    people = {
        "slow_approver": world.company.slow_approver.login,
        "late_supplier": world.company.late_supplier.partner_id,
        "fast_clerk": world.company.fast_clerk.login,
    }
    content = {"planted": planted, "people": people, "measured": world.measures.report()}
    (folder / "planted.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
