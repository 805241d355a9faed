"""The source systems that there are: each is a package (folder) of extractors/, found by what it holds.

`tables.yml`: a Postgres source, read by the shared code. `pipeline.py`: a system with a `copy` and a `land` of its own.
"""

from pathlib import Path

from extractors.specs import ROOT


def list_systems(*, root: Path = ROOT) -> list[str]:
    """Names of the source systems, sorted."""
    return sorted(
        folder.name
        for folder in root.iterdir()
        if folder.is_dir() and (has_tables(folder.name, root=root) or has_pipeline(folder.name, root=root))
    )


def has_tables(system: str, *, root: Path = ROOT) -> bool:
    return (root / system / "tables.yml").is_file()


def has_pipeline(system: str, *, root: Path = ROOT) -> bool:
    return (root / system / "pipeline.py").is_file()
