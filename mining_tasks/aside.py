"""The half of the results that needs nothing of the other half: performance, organisation, predictions."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, partial

import narwhals as nw
import polars as pl
import pyarrow as pa

from mining_tasks.beside import Beside, Claims, Told, beside
from mining_tasks.frames import in_order
from mining_tasks.io import Log
from mining_tasks.made import Made
from mining_tasks.organisation import add_organisation
from mining_tasks.prediction_results import Predicted, due_targets, end_of_case, predict_target
from mining_tasks.results import Results, Suppression
from mining_tasks.terms import Further
from mining_tasks.waiting_results import add_performance, measure_performance


@dataclass(frozen=True)
class Asked:
    """A log in small keys, what was read beside it, in small keys as well; cases: waits for its figures per case (of
    `figures_of_cases`); k and shown_cases: as `mine_log` has them.
    """

    log: Log
    cases: Callable[[], nw.DataFrame]
    further: Further
    k: int
    shown_cases: pl.Series | None


@dataclass(frozen=True)
class Found:
    """Results of a part. tables: name, the rows that are shown, how many rows it has, as `Made` hands them on."""

    tables: list[tuple[str, pa.Table, int]] = field(default_factory=list)
    suppressions: Mapping[str, Suppression] = field(default_factory=dict)
    end_of_case: Predicted | None = None
    due: tuple[Predicted | None, ...] = ()


class Aside:
    """The parts of this half, each on its own; `due` needs what `performance` found."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._tables: list[tuple[str, pa.Table, int]] = []
        self._made = Made(asked.log.activities, lambda *table: self._tables.append(table), asked.shown_cases)

    @cached_property
    def _results(self) -> Results:
        return Results.of_cases(self._asked.cases())

    def performance(self) -> Found:
        """How long cases take and why."""
        asked = self._asked
        measured = measure_performance(asked.log, asked.further.facts, k=asked.k)  # which needs no figures per case
        add_performance(self._results, measured)
        return self._found()

    def organisation(self) -> Found:
        """Who works with whom."""
        add_organisation(self._results, self._asked.log, k=self._asked.k)
        return self._found()

    def due(self) -> Found:
        """When open cases will do what is due."""
        log, further = self._asked.log, self._asked.further
        targets = due_targets(self._results, log, further.facts.declared.due)
        return Found(due=tuple(predict_target(target, log, further.suspected) for target in targets))

    def end_of_case(self) -> Found:
        """When open cases will end."""
        target = end_of_case(self._results)
        return Found(end_of_case=predict_target(target, self._asked.log, self._asked.further.suspected))

    def _found(self) -> Found:
        self._made.take(self._results)
        tables, self._tables = self._tables, []
        return Found(tables, self._results.suppressions.copy())


# parts that whoever does the other half does as well, once that is done; the longest first, or one waits for it alone
SHARED: Mapping[str, Callable[[Aside], Found]] = {
    "organisation": Aside.organisation,
    "end of case": Aside.end_of_case,
}


class Halves:
    """Whoever computes this half, beside the one that computes the other."""

    def __init__(self, claims: Claims, other: Beside | None) -> None:
        self._claims, self._other = claims, other

    def begin(self, log: Log) -> None:
        """Tell the log in small keys as soon as it is there, where there is another process to tell it to."""
        if self._other is not None:
            self._other.tell(log)

    def mine_aside(self, asked: Asked) -> Iterator[Found]:
        """This half, but for those parts of `SHARED` that `work_shared` has begun: here, or in the other process, which has
        the log and needs to be told the rest of what is asked.
        """
        if self._other is None:
            return mine_aside(asked, self._claims)
        self._other.tell((asked.further, asked.k, asked.shown_cases))
        self._other.tell(asked.cases().to_polars())
        return self._other.found()

    def work_shared(self, asked: Asked) -> Iterator[Found]:
        """Those parts of `SHARED` that `mine_aside` has not begun."""
        return _unclaimed(Aside(asked), self._claims)


@contextmanager
def in_halves(*, is_forked: bool = True) -> Iterator[Halves]:
    """Where is_forked, and where a copy of this process can be made, `mine_aside` is computed there: it is made now, before
    there are threads.
    """
    claims = Claims(tuple(SHARED))
    try:
        with beside(partial(_mine_as_told, claims=claims)) if is_forked else nullcontext() as other:
            yield Halves(claims, other)
    finally:
        claims.close()


def _mine_as_told(told: Told, claims: Claims) -> Iterator[Found]:
    log, (further, k, shown_cases) = told(), told()
    cases = cache(lambda: nw.from_native(told()))
    yield from mine_aside(Asked(log, cases, further, k, shown_cases), claims)


def mine_aside(asked: Asked, claims: Claims) -> Iterator[Found]:
    """Each part, but for those of `SHARED` that are claimed already."""
    with in_order(asked.log.events) as events:
        aside = Aside(replace(asked, log=replace(asked.log, events=events)))
        yield aside.performance()
        yield aside.due()
        yield from _unclaimed(aside, claims)


def _unclaimed(aside: Aside, claims: Claims) -> Iterator[Found]:
    for name, part in SHARED.items():
        if claims.take(name):
            yield part(aside)
