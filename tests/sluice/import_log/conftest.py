"""Small logs written by the tests, and `import-log` called as the command line does."""

import argparse
import gzip
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from sluice.import_log import add_arguments, run
from sluice.settings import Settings

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<log xes.version="1.0">\n'


def xes_event(activity: str | None, time: str | None, **attributes: str) -> str:
    """One event; attribute names with two underscores for a colon (`org__resource`)."""
    lines = [
        f'<string key="concept:name" value="{activity}"/>' if activity is not None else "",
        f'<date key="time:timestamp" value="{time}"/>' if time is not None else "",
    ]
    lines += [f'<string key="{name.replace("__", ":")}" value="{value}"/>' for name, value in attributes.items()]
    return "<event>" + "".join(lines) + "</event>\n"


def xes_trace(case: str | None, *events: str, further: str = "") -> str:
    name = f'<string key="concept:name" value="{case}"/>' if case is not None else ""
    return f"<trace>{name}{further}\n{''.join(events)}</trace>\n"


def xes_log(*traces: str, head: str = "") -> str:
    return HEAD + head + "".join(traces) + "</log>\n"


@pytest.fixture
def write_file(tmp_path: Path) -> Callable[..., Path]:
    """Write a file of the test's own: write_file(name, text or bytes), packed when the name ends in .gz."""

    def write(name: str, content: str | bytes) -> Path:
        data = content.encode() if isinstance(content, str) else content
        path = tmp_path / name
        path.write_bytes(gzip.compress(data, mtime=0) if name.endswith(".gz") else data)
        return path

    return write


def arguments(process: str, path: Path, *options: str) -> argparse.Namespace:
    """The parsed arguments of `sluice import-log PROCESS FILE options`."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args([process, str(path), *options])


@pytest.fixture
def import_log(settings: Settings) -> Callable[..., int]:
    """import_log(process, path, *options): the whole command, into the test's own warehouse."""

    def import_(process: str, path: Path, *options: str) -> int:
        return run(arguments(process, path, *options), settings)

    return import_


@pytest.fixture(scope="module")
def module_settings(tmp_path_factory: pytest.TempPathFactory, module_warehouse_url: str) -> Settings:
    """Settings of a warehouse that the tests of one module share."""
    return replace(Settings(home=tmp_path_factory.mktemp("home")), warehouse_url=module_warehouse_url)


@pytest.fixture(autouse=True)
def _without_views(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The views for readers take dbt seconds to make: only a test marked `with_views` has them made."""
    if "with_views" not in request.fixturenames:
        monkeypatch.setattr("sluice.import_log.pipeline._make_views", lambda db, settings: None)


@pytest.fixture
def with_views() -> None:
    """Ask for the views of schema bi as the command makes them."""
