"""The exports that a process declares (`export:` in its YAML), made anew after each publication."""

from pathlib import Path

from sluice.export.command import write_file
from sluice.processes import list_processes, load_process
from sluice.settings import Settings


def export_declared(settings: Settings, process: str) -> list[Path]:
    """Write the declared exports of a process to SLUICE_HOME/exports/<process>.<kind>, without persons, each in place of the
    one before; returns their paths. Raises BadInput for what cannot be read or written: the publication stands."""
    if process not in list_processes(settings.project):
        return []
    made = []
    folder = settings.home / "exports"
    for kind in load_process(process, settings.project).export:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{process}.{kind}"
        write_file(settings.warehouse_url, process, path, kind.removesuffix(".gz"), may_overwrite=True)
        made.append(path)
    return made
