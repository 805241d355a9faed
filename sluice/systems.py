"""Which source systems are configured, and which processes a night can therefore mine."""

from extractors.systems import list_systems
from sluice.errors import BadInput
from sluice.processes import Process, list_processes, load_process
from sluice.settings import Settings

AGENT = "agent"  # desktop exports: a drop folder instead of a database


def is_configured(settings: Settings, system: str) -> bool:
    """Whether the settings say where `system` is: its URL, or the agent's drop folder."""
    return settings.agent_drop is not None if system == AGENT else system in settings.source_urls


def configured_systems(settings: Settings) -> list[str]:
    """The systems that a night reads, sorted; BadInput when a URL names a system that does not exist."""
    known = list_systems()
    for system in settings.source_urls:
        if system not in known:
            raise BadInput(
                f"SLUICE_SOURCE_{system.upper()}_URL: there is no source system {system!r}: expected one of {', '.join(known)}"
            )
    return [system for system in known if is_configured(settings, system)]


def minable_processes(settings: Settings) -> dict[str, Process]:
    """The declared processes whose sources are all configured, by name."""
    have = set(configured_systems(settings))
    declared = {name: load_process(name) for name in list_processes()}
    return {name: process for name, process in declared.items() if have.issuperset(process.sources)}
