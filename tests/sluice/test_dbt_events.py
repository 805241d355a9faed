"""What dbt is heard to say: everything from `info` on, and nothing below, of which no log keeps anything."""

import pytest
from dbt.events.types import CompileComplete, MainReportVersion, NoNodesForSelectionCriteria
from dbt_common.events import event_manager_client
from dbt_common.events.base_types import EventLevel
from dbt_common.events.functions import fire_event
from dbt_common.events.types import Note

from sluice.dbt_runner import _hear_only_what_is_kept


@pytest.fixture
def heard(monkeypatch):
    monkeypatch.setattr(event_manager_client, "_EVENT_MANAGER", None)  # put back in the end
    _hear_only_what_is_kept()
    events = []
    event_manager_client.add_callback_to_manager(lambda message: events.append((message.info.level, message.info.msg)))
    return events


def test_what_no_log_keeps_is_not_even_written(heard, monkeypatch):
    monkeypatch.setattr(Note, "message", lambda event: pytest.fail("was written as a line"))
    fire_event(Note(msg="of no interest"), level=EventLevel.DEBUG)
    assert heard == []


def test_what_logs_keep_is_heard(heard):
    fire_event(Note(msg="a detail"), level=EventLevel.DEBUG)
    fire_event(Note(msg="a note"))
    fire_event(MainReportVersion(version="=9", log_version=3))
    fire_event(NoNodesForSelectionCriteria(spec_raw="nothing"))
    fire_event(CompileComplete(), level=EventLevel.ERROR)
    assert [level for level, _ in heard] == ["info", "info", "warn", "error"]
    assert heard[0][1] == "a note" and "nothing" in heard[2][1]
