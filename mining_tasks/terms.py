"""What decides the results of a process beside its log: what it declares, and what of the warehouse that asks for."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from mining_tasks import io
from mining_tasks.calendars_declared import Performance, load_performance
from mining_tasks.rules.tables import Demands, Norm
from mining_tasks.waiting_results import Facts
from sluice.processes import Process, list_processes, load_process
from sluice.settings import Settings

DEFAULT_K = 5


@dataclass(frozen=True)
class Terms:
    """What decides the results of a process beside its log."""

    is_case_level_public: bool
    k_anonymity: int
    order: tuple[str, ...]
    norm: Norm
    performance: Performance
    causes: tuple[str, ...]


def terms_of(settings: Settings, process: str, *, order: Sequence[str] | None = None) -> Terms:
    """As declared, or as an imported log was published. order: another one."""
    return Terms(
        *privacy_of(settings, process),
        order=order_of(settings, process) if order is None else tuple(order),
        norm=norm_of(settings, process),
        performance=performance_of(settings, process),
        causes=causes_of(settings, process),
    )


@dataclass(frozen=True)
class Further:
    """What is read of the warehouse beside the log. suspected: `case_key` and the attributes that may be causes; None: none
    is declared."""

    demands: Demands = field(default_factory=Demands)
    facts: Facts = field(default_factory=Facts)
    suspected: pl.DataFrame | None = None


def further_of(url: str, process: str, terms: Terms, log: io.Log) -> Further:
    """What `terms` ask for of the cases that `log` has."""
    norm, is_public = terms.norm, terms.is_case_level_public
    return Further(
        Demands(norm, io.numeric_attributes(url, process, norm.attributes) if norm.attributes else None),
        facts_of(url, process, terms.performance) if is_public else Facts(),
        suspected_of(url, process, terms.causes, log) if is_public and terms.causes else None,
    )


def declared_of(settings: Settings, process: str) -> Process | None:
    """What a process declares; None: it is an imported log, which declares nothing."""
    return load_process(process, settings.project) if process in list_processes(settings.project) else None


def privacy_of(settings: Settings, process: str) -> tuple[bool, int]:
    """(cases may be shown one by one, k): as declared, as published, or as an imported log has it: (True, 5)."""
    if declared := declared_of(settings, process):
        return declared.case_level_public, declared.k_anonymity
    return io.is_public(settings.warehouse_url, process) or (True, DEFAULT_K)


def order_of(settings: Settings, process: str) -> tuple[str, ...]:
    """What a process's log is ordered by: as declared, or as an imported log was published."""
    declared = declared_of(settings, process)
    return declared.order if declared else io.published_order(settings.warehouse_url, process)


def performance_of(settings: Settings, process: str) -> Performance:
    """What a process declares of its performance."""
    return load_performance(process, settings.project) if declared_of(settings, process) else Performance()


def facts_of(url: str, process: str, performance: Performance) -> Facts:
    """What performance needs beside the log."""
    columns = performance.attributes
    return Facts(
        declared=performance,
        attributes=io.case_attributes(url, process, columns) if columns else None,
        resources=io.resource_keys(url, sorted(performance.by_resource)),
        automated=io.automated_activities(url, process),
    )


def norm_of(settings: Settings, process: str) -> Norm:
    """What a process declares that its cases must keep to."""
    declared = declared_of(settings, process)
    return Norm(declared.rules, declared.reference_model) if declared else Norm()


def causes_of(settings: Settings, process: str) -> tuple[str, ...]:
    """The attributes that a process declares as possible causes."""
    declared = declared_of(settings, process)
    return declared.causes if declared else ()


def suspected_of(url: str, process: str, names: Sequence[str], log: io.Log) -> pl.DataFrame:
    """`case_key` and the declared attributes; null where one names a person of the log, who is never a cause."""
    attributes = io.plain_attributes(url, process, names)
    persons = set(log.events["resource_key"].unique())
    for name in names:
        if attributes[name].dtype == pl.String:
            keys = io.resource_keys(url, attributes[name].drop_nulls().unique().to_list())
            named = [value for key, value in keys.items() if key in persons]
            attributes = attributes.with_columns(pl.when(~pl.col(name).is_in(named)).then(name).alias(name))
    return attributes
