"""What happens to an installation over the years: it is lost and restored, and what is old goes; each time the next night
publishes what it would have."""

from dataclasses import replace
from datetime import datetime, time, timedelta

import psycopg
import pytest

from sluice.backup import backup
from sluice.restore import restore
from sluice.warehouse import migrate
from tests.fixtures.releases import restoring
from tests.fixtures.releases.company import two_nights_later


@pytest.fixture
def company(settings, server, make_database, tmp_path):
    """A warehouse after two nights, and its sources a day later."""
    url, source = make_database(), make_database()
    restoring.restore_release(restoring.RELEASES[-1], url)
    migrate(url)
    return two_nights_later(
        settings, warehouse=url, source=source, folder=tmp_path / "demo", home=server.home / "integration"
    )


@pytest.mark.slow
def test_the_night_after_a_restore_is_the_night_that_would_have_been(
    company, make_database, tmp_path, night, published
):
    settings, state = company
    processes = ("lead_to_order", "purchase_to_pay")
    backup(settings, tmp_path / "warehouse.dump")
    assert not night(settings, state.day, processes=processes).errors
    lost = published(settings.warehouse_url)
    again = replace(settings, warehouse_url=make_database())
    restore(again, tmp_path / "warehouse.dump", is_replaced=False)
    assert published(again.warehouse_url) != lost
    assert not night(again, state.day, processes=processes).errors
    assert published(again.warehouse_url) == lost
    with psycopg.connect(again.warehouse_url) as db:
        uncounted = db.execute(
            """select s.step from ops.steps as s inner join ops.runs as r on r.run_id = s.run_id
               where r.day = %s and (s.rows_in is null or s.rows_out is null or s.seconds is null)""",
            (state.day,),
        ).fetchall()
        unexplained = db.execute(
            """select run_id from ops.runs where day = %s and
               (fingerprint is null or not versions ?& array['sluice', 'dbt', 'great_expectations', 'postgres'])""",
            (state.day,),
        ).fetchall()
    assert (uncounted, unexplained) == ([], [])


@pytest.mark.slow
def test_what_is_older_than_the_retention_goes_for_good(company, night, published):
    settings, state = company
    days = 100
    kept = replace(settings, operations={"SLUICE_RETENTION_AGENT": f"{days} days"})
    cutoff = datetime.combine(state.day, time(0)) + timedelta(days=1 - days)

    def oldest(relation: str, column: str, condition: str = "true"):
        with psycopg.connect(settings.warehouse_url) as db:
            query = f"select min({column} at time zone 'UTC') from {relation} where {condition}"
            return db.execute(query).fetchone()[0]

    ended = ("event_log.cases", "ended_at", "process = 'desktop_work'")
    assert oldest(*ended) < cutoff, "there is something to take out"
    assert not night(kept, state.day, systems=("agent",), processes=("desktop_work",)).errors
    assert oldest(*ended) >= cutoff
    assert oldest("raw_agent.smartrpa", "occurred_at") < cutoff, "marked as gone, erased by the next night"
    assert not night(kept, state.day, systems=("agent",), processes=("desktop_work",)).errors
    for table in ("rpa_logger", "smartrpa", "activitywatch"):
        assert oldest(f"raw_agent.{table}", "occurred_at", "_is_deleted") is None
        assert oldest(f"raw_agent.{table}", "coalesce(ended_at, occurred_at)") >= cutoff - timedelta(hours=12)
    good = published(settings.warehouse_url)
    # every file is read again and everything is rebuilt: nothing comes back
    assert not night(kept, state.day, systems=("agent",), processes=("desktop_work",), full=True).errors
    assert published(settings.warehouse_url) == good
