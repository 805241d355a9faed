"""All checks, one after the other: one that cannot go on says why, and the others are made all the same."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import psycopg

from sluice.doctor import installation, server, sources, warehouse
from sluice.doctor.findings import NOTE, WRONG, Finding
from sluice.errors import SluiceError
from sluice.settings import Settings
from sluice.warehouse import connect, embedded

Check = Callable[[Settings], Iterator[Finding]]
_INSTALLATION: tuple[Check, ...] = (
    installation.home,
    installation.secrets,
    installation.environment,
    installation.variables,
    installation.airflow,
)
_SOURCES: tuple[Check, ...] = (sources.databases, sources.people)


def examine(settings: Settings, *, is_quick: bool = False) -> list[Finding]:
    """All findings, as (state, one line); state is ok, note or WRONG. is_quick: without reading the DAG files."""
    checks = [*_INSTALLATION, *(() if is_quick else (installation.dag_files,)), _warehouse, *_SOURCES]
    return [finding for check in checks for finding in _made(partial(check, settings))]


def _made(check: Callable[[], Iterator[Finding]]) -> list[Finding]:
    findings: list[Finding] = []
    try:
        findings.extend(check())
    except SluiceError as error:
        findings.append((WRONG, str(error)))
    except psycopg.Error as error:
        findings.append((WRONG, f"a check could not be made: {str(error).strip().splitlines()[0]}"))
    except OSError as error:
        findings.append((WRONG, f"{Path(error.filename or '?')}: {error.strerror}"))
    return findings


def _warehouse(settings: Settings) -> Iterator[Finding]:
    if settings.warehouse_url is None:
        if embedded.running_port(settings) is None:
            yield NOTE, "warehouse: the embedded PostgreSQL is not running (`sluice up` starts it); not looked into"
            return
        url = embedded.url(settings)
    else:
        url = settings.warehouse_url
    with connect(url, autocommit=True) as db:
        for check in (*server.CHECKS, warehouse.release):
            yield from _made(partial(check, settings, db))
        if warehouse.is_current(db):
            for check in warehouse.CHECKS:
                yield from _made(partial(check, settings, db))


def doctor(settings: Settings, *, is_quick: bool = False, is_json: bool = False) -> int:
    """Print the findings; 1 when something is wrong."""
    findings = examine(settings, is_quick=is_quick)
    if is_json:
        print(json.dumps([{"state": state.lower(), "finding": line} for state, line in findings], ensure_ascii=False))
    else:
        for state, line in findings:
            print(f"{state:5}  {line}")
    return 1 if any(state == WRONG for state, _ in findings) else 0
