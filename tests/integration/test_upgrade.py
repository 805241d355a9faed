"""A warehouse of an earlier release is brought to now, and its next night publishes what a full rebuild would."""

import psycopg
import pytest

from sluice.warehouse import migrate
from tests.fixtures.releases import make_release_warehouse as making
from tests.fixtures.releases import restoring
from tests.fixtures.releases.company import two_nights_later


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
    ready, state = two_nights_later(
        settings, warehouse=url, source=source, folder=tmp_path / "demo", home=server.home / "integration"
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
