"""Event logs for the tests of mining: from plain rows, from the hand-countable file, at random; on every engine."""

import csv
import shutil
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import polars as pl
from hypothesis import strategies as st

from mining_tasks import engines
from mining_tasks.io import Log
from sluice.keys import activity_key, case_key

FIXTURE = Path(__file__).resolve().parent.parent / "fixtures" / "hand_countable_log.csv"
SCHEMA = {
    "case_key": pl.Int64,
    "event_seq": pl.Int32,
    "activity_key": pl.Int32,
    "occurred_us": pl.Int64,
    "started_us": pl.Int64,
    "resource_key": pl.Int64,
}
NO_SPARK = None if find_spec("pyspark") and shutil.which("java") else "needs Java and the extra: uv sync --extra spark"
ENGINES = ("polars", "polars lazy", "pandas", "pyarrow", "duckdb")


@dataclass(frozen=True)
class Event:
    """An event in plain words; times are microseconds."""

    case: str
    activity: str
    at: int
    started: int | None = None
    person: str | None = None


def person_key(person: str | None) -> int | None:
    return None if person is None else int.from_bytes(sha256(person.encode()).digest()[:7], "big")


def frame_of(events: list[Event]) -> pl.DataFrame:
    """The events, in the order given within each case, as the algorithms take them."""
    seen: dict[str, int] = {}
    rows = []
    for event in events:
        seen[event.case] = seen.get(event.case, 0) + 1
        rows.append(
            (
                case_key("test", event.case),
                seen[event.case],
                activity_key(event.activity),
                event.at,
                event.started,
                person_key(event.person),
            )
        )
    return pl.DataFrame(rows, schema=SCHEMA, orient="row").sort("case_key", "event_seq")


def names_of(events: list[Event]) -> dict[int, str]:
    return {activity_key(event.activity): event.activity for event in events}


def log_of(events: list[Event], *, open_cases: set[str] = frozenset(), actions: pl.DataFrame | None = None) -> Log:
    cases = sorted({event.case for event in events})
    frame = pl.DataFrame(
        {
            "case_key": [case_key("test", case) for case in cases],
            "case_id": cases,
            "is_open": [case in open_cases for case in cases],
        },
        schema={"case_key": pl.Int64, "case_id": pl.String, "is_open": pl.Boolean},
    ).sort("case_key")
    return Log(events=frame_of(events), cases=frame, activities=names_of(events), actions=actions)


def hand_countable() -> list[Event]:
    with FIXTURE.open(newline="") as file:
        return [
            Event(
                row["case_id"],
                row["activity"],
                int(row["second"]) * 1_000_000,
                int(row["started"]) * 1_000_000 if row["started"] else None,
                row["person"],
            )
            for row in csv.DictReader(file)
        ]


def on_engine(frame: pl.DataFrame, engine: str):
    """The same rows in another engine: of `mining_tasks.engines`, or another that dataframe expressions run on."""
    if engine == "polars lazy":
        return frame.lazy()
    if engine == "pyarrow":
        return frame.to_arrow()
    return engines.on_engine(frame, engine)


def plain(frame) -> list[tuple]:
    """A result's rows with every kind of missing value as None."""
    return [tuple(None if str(value) in ("<NA>", "nan") else value for value in row) for row in frame.iter_rows()]


@st.composite
def random_events(draw: st.DrawFn) -> list[Event]:
    """Few activities and persons, many ties, times before 1970, times that run backwards, overlapping intervals."""
    cases = draw(st.integers(1, 6))
    events = []
    for case in range(cases):
        for _ in range(draw(st.integers(1, 7))):
            at = draw(st.integers(-3, 3)) * 400 * 86_400_000_000 + draw(st.integers(0, 5)) * 333_333
            lasts = draw(st.one_of(st.none(), st.integers(-2, 5)))
            events.append(
                Event(
                    f"case {case}",
                    draw(st.sampled_from(["a", "b", "c"])),
                    at,
                    None if lasts is None else at - lasts * 500_001,
                    draw(st.sampled_from([None, "p", "q", "r"])),
                )
            )
    return events
