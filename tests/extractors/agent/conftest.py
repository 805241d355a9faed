"""Rules with a known key, and a drop folder with a warehouse behind it."""

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest

from extractors.agent import formats, pipeline
from extractors.agent.deidentify import Rules, declared_zone
from extractors.agent.records import Action
from extractors.agent.vocabulary import load_vocabulary
from sluice.pseudonyms import Pseudonymiser
from sluice.runs import RunContext, as_of_day
from sluice.settings import Settings
from sluice.warehouse import connect

KEY = b"k" * 32


@pytest.fixture
def rules():
    return Rules(Pseudonymiser(KEY, {}), load_vocabulary(), declared_zone("UTC"))


@pytest.fixture
def read(rules):
    """Parse a text: (actions, bad rows)."""

    def parse(text, rules=rules):
        found = list(formats.parse(text, *formats.tell(text), rules))
        return [one for one in found if isinstance(one, Action)], [one for one in found if not isinstance(one, Action)]

    return parse


@dataclass
class Drop:
    """A drop folder, and the nights that read it."""

    settings: Settings
    folder: Path
    night_number: int = 0

    def put(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def context(self, mode: str = "night") -> RunContext:
        self.night_number += 1
        day = date(2025, 3, 3)
        return RunContext(f"extract__agent/{day}/{self.night_number}", "agent", day, as_of_day(day), mode=mode)

    def night(self, mode: str = "night") -> int:
        ctx = self.context(mode)
        version = pipeline.copy(self.settings, "agent", ctx)
        pipeline.land(self.settings, "agent", version, ctx)
        return version

    def rows(self, query: str, *values) -> list[tuple]:
        with connect(self.settings.warehouse_url) as db:
            return db.execute(query, values).fetchall()

    def value(self, query: str, *values):
        return self.rows(query, *values)[0][0]

    def with_settings(self, **changes) -> None:
        self.settings = replace(self.settings, **changes)


@pytest.fixture
def drop(settings, tmp_path):
    folder = tmp_path / "drop"
    folder.mkdir()
    return Drop(replace(settings, agent_drop=folder, pseudonym_key_hex=KEY.hex()), folder)
