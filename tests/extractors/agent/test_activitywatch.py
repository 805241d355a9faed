"""ActivityWatch: buckets as object or array, newest first, what its own library writes."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from aw_core.models import Event

from extractors.agent.records import EmptyExport, Refused
from tests.extractors.agent.exports import aw_text, bucket, event


def test_buckets_as_object_and_as_array_read_the_same(read):
    buckets = [
        bucket(event("2025-03-03T09:00:00Z", 5, app="chrome")),
        bucket(event("2025-03-03T09:00:00Z", 0, status="afk"), kind="afkstatus", client="w"),
    ]
    assert read(aw_text(*buckets)) == read(aw_text(*buckets, as_array=True))


def test_all_types(read):
    actions, bad = read(
        aw_text(
            bucket(
                event("2025-03-03T09:10:00.5+00:00", 12.25, app="chrome.exe", title="P00012 - Odoo"),
                event("2025-03-03T09:00:00", 0, app="Own Tool"),
            ),
            bucket(
                event(
                    "2025-03-03T09:10:00Z", 3, url="https://erp.example/odoo/bills/BILL%2F2025%2F01%2F0001", title="x"
                ),
                event("2025-03-03T09:11:00Z", 3, url="https://bank.example/P00012", title="P00012", incognito=True),
                kind="web.tab.current",
                client="aw-watcher-web-firefox",
                host="unknown",
            ),
            bucket(
                event("2025-03-03T09:00:00Z", 600, status="not-afk"),
                event("2025-03-03T09:20:00Z", 60, status="afk"),
                kind="afkstatus",
                client="aw-watcher-afk",
            ),
            bucket(
                event("2025-03-03T09:20:00Z", 60, file="a.py", project="p", language="python"),
                kind="app.editor.activity",
                client="aw-watcher-vscode",
            ),
            bucket(event("2025-03-03T09:20:00Z", 1, presses=7), kind="os.hid.input", client="aw-watcher-input"),
        )
    )
    assert not bad
    assert [one.action for one in actions] == [
        "use_window",
        "use_window",
        "view_page",
        "view_page",
        "present",
        "away",
        "edit_file",
        "other",
    ]
    assert [one.application for one in actions][:4] == ["Chrome", actions[1].application, "Firefox", "Firefox"]
    assert actions[1].application.startswith("app k_")
    assert (actions[0].document_ref, actions[2].document_ref, actions[3].document_ref) == ("P00012", None, None)
    assert actions[3].container_key is None and actions[2].container_key is not None
    assert actions[0].ended_at - actions[0].occurred_at == timedelta(seconds=12.25)
    assert len({one.person for one in actions}) == 1 and len({one.host_key for one in actions}) == 1
    assert len({one.stream_key for one in actions}) == 5
    assert [one.source_seq for one in actions] == list(range(1, 9))


def test_the_same_bucket_has_the_same_stream_in_every_export(read):
    one, _ = read(aw_text(bucket(event("2025-03-03T09:00:00Z", 5, app="a"))))
    two, _ = read(
        aw_text(
            bucket(event("2025-03-03T09:00:00Z", 9, app="a"), event("2025-03-03T08:00:00Z", 9, app="a")), as_array=True
        )
    )
    assert {row.stream_key for row in one} == {row.stream_key for row in two}


def test_what_the_projects_own_library_writes_is_read(read):
    events = [
        Event(timestamp=datetime(2025, 3, 3, 9, n, tzinfo=UTC), duration=n, data={"app": "firefox", "title": "t"})
        for n in range(3)
    ]
    text = json.dumps(
        {
            "buckets": {
                "b": {
                    "type": "currentwindow",
                    "client": "c",
                    "hostname": "h",
                    "events": [one.to_json_dict() for one in reversed(events)],
                }
            }
        }
    )
    actions, bad = read(text)
    assert not bad
    assert [(one.occurred_at.minute, (one.ended_at - one.occurred_at).seconds) for one in actions] == [
        (2, 2),
        (1, 1),
        (0, 0),
    ]


def test_bad_events_are_told_with_their_place(read):
    _, bad = read(
        aw_text(
            bucket(
                event("2025-03-03T09:00:00Z", 5, app="a"),
                event("never", 5),
                event("2025-03-03T09:00:00Z", -1),
                event("2025-03-03T09:00:00Z", "5"),
                event("2025-03-03T09:00:00Z", 10**9),
                5,
            )
        )
    )
    assert [(one.line, one.check_name) for one in bad] == [
        (2, "time"),
        (3, "duration"),
        (4, "duration"),
        (5, "duration"),
        (6, "event"),
    ]


@pytest.mark.parametrize(
    "text", ['{"buckets": {}}', '{"buckets": []}', '{"buckets": {"a": {"events": []}}}', '{"buckets": {"a": {}}}']
)
def test_without_events_it_is_empty(read, text):
    with pytest.raises(EmptyExport):
        read(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"buckets": 1}',
        "[]",
        "[1]",
        '{"x": 1}',
        '{"buckets": {"a": 1}}',
        '{"buckets": {"a": {"events": {}}}}',
        '{"buckets": ',
    ],
)
def test_other_json_is_refused(read, text):
    with pytest.raises(Refused):
        read(text)
