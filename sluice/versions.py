"""Which versions did the work: of Sluice and of the parts that decide a result."""

import platform
from importlib.metadata import PackageNotFoundError, version

import psycopg

_PARTS = {
    "sluice": "sluice",
    "airflow": "apache-airflow",
    "dbt": "dbt-core",
    "great_expectations": "great-expectations",
    "polars": "polars",
}


def sluice_version() -> str:
    """The release of this code, as `pyproject.toml` says it."""
    return _version("sluice") or "unknown"


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def versions(db: psycopg.Connection) -> dict[str, str]:
    """Part -> version, of what is installed here and of the server behind `db`; a part that is absent is left out."""
    found = {part: _version(distribution) for part, distribution in _PARTS.items()}
    found |= {"python": platform.python_version(), "postgres": db.info.parameter_status("server_version")}
    return {part: number for part, number in found.items() if number}
