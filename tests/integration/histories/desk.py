"""A drop folder of desktop recordings whose files come late, grow, are replaced, removed, doubled and spoilt."""

import gzip
import hashlib
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.extractors.agent.exports import aw_text, bucket, event, rpa_row, rpa_text

START = datetime(2025, 3, 3, 6, tzinfo=UTC)
APPS = ("chrome", "excel", "outlook", "LockApp.exe")
PEOPLE = ("anna", "ben", "carl", "dora", "emil", "fay", "")


def stamp(minutes: float) -> str:
    """A time, in minutes since the start."""
    return (START + timedelta(minutes=minutes)).isoformat()


class Watcher:
    """One host's ActivityWatch: grows, forgets nothing, is exported with gaps, late buckets and growing durations."""

    def __init__(self, chance: random.Random, host: str):
        self.chance, self.host, self.now = chance, host, 0
        self.windows: list = []
        self.pages: list = []
        self.away: list = []

    def work(self) -> None:
        chance = self.chance
        for _ in range(chance.randrange(1, 12)):
            length = chance.choice([0, 1, 5, 20, 45, 300])
            kind = chance.choice([self.windows, self.windows, self.pages, self.away])
            kind.append([self.now, length])
            self.now += chance.choice([length, length, length + 10, length + 40, 3])

    def export(self) -> str:
        def events(kind, data):
            kept = [one for one in kind if self.chance.random() > 0.15]
            grown = [(at, length if self.chance.random() > 0.1 else length // 2) for at, length in kept]
            return [event(stamp(at), 60 * length, **data(at)) for at, length in reversed(grown)]

        return aw_text(
            bucket(*events(self.windows, lambda at: {"app": APPS[at % 4]}), host=self.host),
            bucket(
                *events(self.pages, lambda at: {"url": f"https://x.example/P{at:05}"}),
                kind="web.tab.current",
                client="aw-watcher-web-chrome",
                host=self.host,
            ),
            bucket(
                *events(self.away, lambda at: {"status": "afk"}),
                kind="afkstatus",
                client="aw-watcher-afk",
                host=self.host,
            ),
            as_array=self.chance.random() < 0.5,
        )


def recording(chance: random.Random, begin: int = 0) -> str:
    """A recording of one or more people whose times jump."""
    at, lines = begin + chance.randrange(2000), []
    for _ in range(chance.randrange(1, 15)):
        at += chance.choice([0, 1, 5, 29, 31, -3, -40])
        lines.append(
            rpa_row(
                time=stamp(at).replace("+00:00", ""),
                user=chance.choice(PEOPLE),
                app=chance.choice(["Excel", "Chrome"]),
                event=chance.choice(["copyCell", "paste", "editField", "clickButton"]),
            )
        )
    return rpa_text(*lines)


class Drop:
    """The drop folder, its clock, and the edits that can happen to it. One edit: `edit(kind, seed)`."""

    def __init__(self, folder: Path):
        self.folder, self.now = folder, START.replace(tzinfo=None)
        folder.mkdir(parents=True)
        self.files: dict[str, bytes] = {}
        self.written: dict[str, bytes] = {}
        self.ever: dict[str, bytes] = {}
        self.chance = random.Random()
        self.watchers = [Watcher(self.chance, f"pc-{number}") for number in range(1, 7)]
        self.number = 0

    def horizon(self) -> datetime:
        return self.now

    def flush(self) -> None:
        """Bring the folder to the state in memory."""
        for name in self.written.keys() - self.files.keys():
            (self.folder / name).unlink()
        for name, content in self.files.items():
            if self.written.get(name) != content:
                (self.folder / name).write_bytes(content)
            plain = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
            self.ever[hashlib.sha256(plain).hexdigest()[:16]] = plain
        self.written = dict(self.files)

    def restore(self, folder: Path, file_ids: set[str]) -> None:
        """All files that were ever read, in a folder of their own and under other names."""
        folder.mkdir(parents=True)
        for file_id in sorted(file_ids, reverse=True):
            (folder / f"z{file_id}").write_bytes(self.ever[file_id])

    def edit(self, kind: str, seed: str) -> None:
        self.chance.seed(f"{kind} {seed}")
        self.now += timedelta(minutes=self.chance.choice((1, 60)))
        EDITS[kind](self)

    def wait(self, days: int) -> None:
        self.now += timedelta(days=days)

    def _add(self, content: str, suffix: str) -> None:
        self.number += 1
        self.files[f"{self.chance.randrange(100):02}-{self.number}.{suffix}"] = content.encode()

    def _minutes(self) -> int:
        return int((self.now - START.replace(tzinfo=None)).total_seconds() // 60)

    def _work(self) -> None:
        watcher = self.chance.choice(self.watchers)
        watcher.now = max(watcher.now, self._minutes() - 2000)
        watcher.work()
        self._add(watcher.export(), "json")

    def _record(self) -> None:
        for _ in range(self.chance.randint(1, 3)):
            self._add(recording(self.chance, self._minutes()), "csv")

    def _late(self) -> None:
        """What was recorded months ago is handed in now; a window of long ago joins two sessions."""
        if self.chance.random() < 0.5:
            self._add(recording(self.chance, -100_000), "csv")
        else:
            watcher = self.chance.choice(self.watchers)
            watcher.windows.append([self.chance.randrange(0, max(1, watcher.now)), self.chance.choice([5, 60, 300])])
            self._add(watcher.export(), "json")

    def _grow(self) -> None:
        """Exports are made again, with some events longer."""
        for watcher in self.chance.sample(self.watchers, 3):
            for kind in (watcher.windows, watcher.pages, watcher.away):
                for one in self.chance.sample(kind, min(len(kind), 3)):
                    one[1] += self.chance.choice([1, 30])
            self._add(watcher.export(), "json")

    def _replace(self) -> None:
        """Another content under a name that was there."""
        if self.files:
            self.files[self.chance.choice(sorted(self.files))] = recording(self.chance, self._minutes()).encode()

    def _remove(self) -> None:
        if self.files:
            del self.files[self.chance.choice(sorted(self.files))]

    def _again(self) -> None:
        """The same content once more, under another name or packed."""
        if self.files:
            name = self.chance.choice(sorted(self.files))
            content = self.files[name]
            if name.endswith(".gz"):
                self.files[f"copy-{name}"] = content
            else:
                self.files[f"{name}.gz"] = gzip.compress(content, mtime=0)

    def _spoil(self) -> None:
        """A file that is cut, empty, or has lines that cannot be used."""
        text = recording(self.chance, self._minutes())
        self._add(
            self.chance.choice(
                (
                    text[: len(text) // 2],
                    text.splitlines()[0] + "\n",
                    text + text.splitlines()[-1].replace("2025", "20x5") + "\n",
                )
            ),
            "csv",
        )

    def _future(self) -> None:
        """A clock that is ahead: the session is in the future until the horizon has come by, or for ever."""
        self._add(recording(self.chance, self._minutes() + self.chance.choice((4000, 9000, 10_000_000))), "csv")


EDITS: dict[str, Callable[[Drop], None]] = {
    "work": Drop._work,
    "record": Drop._record,
    "late": Drop._late,
    "grow": Drop._grow,
    "replace": Drop._replace,
    "remove": Drop._remove,
    "again": Drop._again,
    "spoil": Drop._spoil,
    "future": Drop._future,
}
