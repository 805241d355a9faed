"""Activities and persons as small numbers: their keys are hashes, by which grouping takes longer than by places in a list."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from mining_tasks.groups import place_among
from mining_tasks.io import Log
from mining_tasks.terms import Further

Places = Mapping[int, int]  # key -> its place among the different ones, rising with them


@dataclass(frozen=True)
class SmallKeys:
    """The places that stand for the keys of a log. Nothing that is mined tells a key, and everything is the same of any keys
    that lie in the same order.
    """

    activities: Places
    persons: Places

    @classmethod
    def of(cls, log: Log) -> "SmallKeys":
        persons = log.events["resource_key"].unique().drop_nulls().sort()
        return cls(_places(sorted(log.activities)), _places(persons.to_list()))

    def in_log(self, log: Log) -> Log:
        """The log, with places for keys."""
        return replace(
            log,
            events=self._in_rows(log.events),
            activities={self.activities[key]: name for key, name in log.activities.items()},
            ranks={self.activities[key]: rank for key, rank in log.ranks.items() if key in self.activities},
            actions=None if log.actions is None else self._in_rows(log.actions),
        )

    def in_further(self, further: Further) -> Further:
        """What was read beside the log, of the activities and persons that it has."""
        facts = further.facts
        resources = {self.persons[key]: name for key, name in facts.resources.items() if key in self.persons}
        automated = {self.activities[key]: one for key, one in facts.automated.items() if key in self.activities}
        return replace(further, facts=replace(facts, resources=resources, automated=automated))

    def _in_rows(self, rows: pl.DataFrame) -> pl.DataFrame:
        return rows.with_columns(
            _placed(rows["activity_key"], self.activities), _placed(rows["resource_key"], self.persons)
        )


def _places(keys: list[int]) -> Places:
    return dict(zip(keys, range(len(keys)), strict=True))


def _placed(keys: pl.Series, places: Places) -> pl.Series:
    if not places:
        return keys
    different = pl.Series(list(places), dtype=pl.Int64)
    found = place_among(different.to_numpy(), keys.cast(pl.Int64).fill_null(different[0]).to_numpy()) - 1
    placed = pl.Series(keys.name, found, dtype=pl.Int64).cast(keys.dtype)
    return placed.set(keys.is_null(), None) if keys.null_count() else placed
