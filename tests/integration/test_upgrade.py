"""A warehouse of an earlier release is brought to now, and its next night publishes what a full rebuild would."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from sluice import demo
from sluice.warehouse import migrate

_FOLDER = Path(__file__).parents[1] / "fixtures" / "releases"


def _module(name):
    spec = importlib.util.spec_from_file_location(name, _FOLDER / f"{name}.py")
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


restoring, making = _module("restoring"), _module("make_release_warehouse")


@pytest.mark.slow
@pytest.mark.parametrize("release", restoring.RELEASES)
def test_the_night_after_an_upgrade_is_a_full_rebuild(
    release, settings, server, make_database, tmp_path, night, published
):
    url, source = make_database(), make_database()
    restoring.restore_release(release, url)
    before = published(url)
    migrate(url)
    assert {name: rows for name, rows in published(url).items() if name in before} == before
    state = demo.ensure(
        settings,
        url=source,
        cases=making.CASES,
        seed=making.SEED,
        folder=tmp_path / "demo",
        desktop_limit=making.DESKTOP_LIMIT,
    )
    for _ in range(2):
        state = demo.advance(settings, url=source, folder=state.folder)
    ready = replace(
        settings,
        home=server.home / "integration",
        warehouse_url=url,
        source_urls={"odoo": source},
        agent_drop=state.agent_drop,
        person_map=state.person_map,
        pseudonym_key_hex=making.KEY,
    )
    assert not night(ready, state.day, systems=making.SYSTEMS, processes=making.PROCESSES).errors
    upgraded = published(url)
    assert upgraded != before
    with psycopg.connect(url) as db:
        states = db.execute(
            "select distinct state from ops.runs where day = %s and versions ? 'sluice'", (state.day,)
        ).fetchall()
    assert sorted(states) == [("landed",), ("published",)]
    assert not night(ready, state.day, systems=(), processes=making.PROCESSES, full=True).errors
    assert published(url) == upgraded
