"""Copy and land a source system: the two functions that the nightly job calls, whatever the system is.

A system with a `pipeline` module of its own is asked; any other is a Postgres source described by its tables.yml.
"""

import importlib
from types import ModuleType

from extractors.systems import has_pipeline, has_tables, list_systems
from sluice.errors import BadInput
from sluice.runs import RunContext
from sluice.settings import Settings


def copy(settings: Settings, system: str, ctx: RunContext) -> int:
    """Copy what `ctx` asks for from the source into `landing_<system>`; returns the load's version (ops.loads).

    Running it again is harmless: an earlier load of the system that has not landed is discarded with its landing.
    Raises Blocked with one line when the source cannot be reached or is not as declared.
    """
    return _pipeline(system).copy(settings, system, ctx)


def land(settings: Settings, system: str, version: int, ctx: RunContext) -> None:
    """Bring the landed rows into `raw_<system>` in one transaction; nothing when that load has landed already."""
    _pipeline(system).land(settings, system, version, ctx)


def _pipeline(system: str) -> ModuleType:
    if has_pipeline(system):
        return importlib.import_module(f"extractors.{system}.pipeline")
    if has_tables(system):
        return importlib.import_module("extractors.postgres")
    raise BadInput(f"{system}: there is no such source system: expected one of {', '.join(list_systems())}")
