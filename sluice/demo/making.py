"""Makes the history of the company's divisions: in the background, so that the database loads while it is simulated.

A small company is one division, simulated in a thread. The divisions of a large one are simulated by other processes,
one per core, so that neither time nor memory grows with the whole.
"""

import json
import os
import pickle
import queue
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from datetime import date
from pathlib import Path

from sluice.demo.calendar import TODAY
from sluice.demo.desktop import Desks
from sluice.demo.memory import remember
from sluice.demo.simulation import days, quick
from sluice.demo.truth import TruthFiles
from sluice.demo.world import World
from sluice.errors import SluiceError

DIVISION = 20_000  # purchase orders of a division, at most
_WAITING = 6  # parts that wait for the database, at most
# ("rows", table, COPY lines), then ("kept", division, cases, rest) and, of the first division, ("files", names)
Part = tuple


def divisions_of(cases: int) -> int:
    """Into how many divisions a company of `cases` purchase orders is split: an even number, or one."""
    return 1 if cases <= DIVISION else 2 * -(-cases // (2 * DIVISION))


def make_world(wanted: Mapping, division: int) -> World:
    """The world of one division at its beginning."""
    return World(
        cases=wanted["cases"],
        seed=wanted["seed"],
        plant=wanted["plant"],
        desktop_limit=wanted["desktop_limit"],
        division=division,
        divisions=wanted["divisions"],
    )


def make_desks(world: World, wanted: Mapping, windows: Mapping | None = None) -> Desks | None:
    """The desks of the first division, if desktop work is recorded at all."""
    return Desks(world, windows) if world.division == 0 and wanted["desktop_limit"] else None


def history(wanted: Mapping, division: int, folder: Path) -> Iterator[Part]:
    """Work through a division's history, up to and including TODAY; its truth and agent files are written meanwhile."""
    with quick():
        world = make_world(wanted, division)
        desks, truth = make_desks(world, wanted), TruthFiles(folder, division=division)
        for day in days(world, TODAY):
            if world.batch.is_full():
                yield from _rows(world)
            truth.add(world)
            if desks:
                desks.day(day)
        for case in world.open_cases():
            world.write(case)
        yield from _rows(world)
        rows, content = remember(world, desks.cumulative_windows if desks else {})
        yield "kept", division, rows, content
        if desks:
            yield "files", write_files(folder, desks, TODAY, is_first=True)


def _rows(world: World) -> Iterator[Part]:
    for table, lines in world.batch.take():
        yield "rows", table, lines


def write_files(folder: Path, desks: Desks, day: date, *, is_first: bool) -> list[str]:
    """Write the agent exports of `day`, each appearing in the drop folder whole or not at all; returns their names."""
    scratch = folder / "unfinished"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    names = desks.write(folder / "agent_drop", scratch, day, is_first=is_first)
    scratch.rmdir()
    return names


def histories(wanted: Mapping, folder: Path) -> Iterator[Part]:
    """The histories of all divisions, as their parts come."""
    if wanted["divisions"] == 1:
        return _together([lambda: history(wanted, 0, folder)], 1)
    sources = [lambda division=n: _elsewhere(wanted, division, folder) for n in range(wanted["divisions"])]
    return _together(sources, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2)


def _together(sources: list[Callable[[], Iterator[Part]]], width: int) -> Iterator[Part]:
    """What the sources give, `width` of them at a time, each in a thread of its own."""
    parts: queue.Queue = queue.Queue(_WAITING)
    ahead, stop = iter(sources), threading.Event()

    def put(part: object) -> None:
        while not stop.is_set():
            try:
                return parts.put(part, timeout=0.2)
            except queue.Full:
                continue

    def work() -> None:
        while not stop.is_set() and (source := next(ahead, None)) is not None:
            with closing(source()) as found:
                for part in found:
                    put(part)
                    if stop.is_set():
                        break

    with ThreadPoolExecutor(width, thread_name_prefix="demo") as pool:
        running = [pool.submit(work) for _ in range(width)]
        for future in running:
            future.add_done_callback(put)
        try:
            while running:
                part = parts.get()
                if isinstance(part, Future):
                    part.result()  # raises what it raised
                    running.remove(part)
                else:
                    yield part
        finally:
            stop.set()


def _elsewhere(wanted: Mapping, division: int, folder: Path) -> Iterator[Part]:
    """A division's history, simulated by another process."""
    task = json.dumps({"wanted": dict(wanted), "division": division, "folder": str(folder)})
    project = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(part for part in (project, os.environ.get("PYTHONPATH")) if part)
    process = subprocess.Popen(
        [sys.executable, "-c", f"from {__name__} import main; main()", task],
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": path},
    )
    try:
        while (part := pickle.load(process.stdout)) is not None:
            yield part
    except EOFError:
        raise SluiceError(f"demo: the process that made division {division} ended early: make it again") from None
    finally:
        process.stdout.close()
        process.kill()
        process.wait()


def main() -> None:
    """Write a division's history to standard output; the process ends when nobody reads it any more."""
    asked = json.loads(sys.argv[1])
    out = sys.stdout.buffer
    try:
        for part in history(asked["wanted"], asked["division"], Path(asked["folder"])):
            pickle.dump(part, out, protocol=5)
        pickle.dump(None, out)
        out.flush()
    except BrokenPipeError:
        os._exit(1)  # the reader has gone
