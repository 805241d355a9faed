"""Actions become sessions: which rows make one, in what order, with what times."""

from datetime import UTC, datetime

from sluice.warehouse import connect
from tests.extractors.agent.exports import aw_text, bucket, event, rpa_row, rpa_text, smartrpa_row, smartrpa_text


def rows(desk, query):
    with connect(desk.settings.warehouse_url) as db:
        return db.execute(query).fetchall()


def built(desk):
    desk.extract()
    return desk.build(is_full=True)


def test_a_recording_is_cut_at_pauses_over_thirty_minutes_in_either_direction(desk):
    times = [
        "09:00:00",
        "09:30:00",
        "10:00:01",
        "10:00:00",
        "09:29:00",
        "09:30:00",
    ]  # gaps: 30:00, 30:01, -0:01, -31:00, 1:00
    desk.put("a.csv", rpa_text(*(rpa_row(time=f"2025-03-03T{time}Z") for time in times)))
    built(desk)
    assert [row[0] for row in rows(desk, "select event_count from candidate.desktop_work__cases order by case_id")] == [
        2,
        2,
        2,
    ]


def test_the_row_order_is_the_sequence_even_where_times_jump_back(desk):
    apps = ["Excel", "Chrome", "Outlook", "Word"]
    times = ["09:05", "09:00", "09:07", "09:01"]
    desk.put("a.csv", rpa_text(*(rpa_row(time=f"2025-03-03T{t}:00Z", app=a) for t, a in zip(times, apps, strict=True))))
    built(desk)
    found = rows(
        desk, "select application, event_seq, duration_seconds from candidate.desktop_work__actions order by event_seq"
    )
    assert [row[0] for row in found] == apps
    assert [row[2] for row in found] == [0, 420, 0, 0]
    assert rows(desk, "select distinct order_basis from candidate.desktop_work__events") == [("source_seq",)]
    assert rows(desk, "select started_at, ended_at from candidate.desktop_work__cases") == [
        (datetime(2025, 3, 3, 9, 0, tzinfo=UTC), datetime(2025, 3, 3, 9, 7, tzinfo=UTC))
    ]


def test_two_people_in_one_file_have_sessions_of_their_own(desk):
    desk.put("a.csv", rpa_text(*(rpa_row(user=user) for user in ("anna", "ben", "anna", "ben", "ben"))))
    built(desk)
    assert sorted(rows(desk, "select event_count from candidate.desktop_work__cases")) == [(2,), (3,)]
    assert rows(desk, "select count(distinct resource) from candidate.desktop_work__events") == [(2,)]


def test_activities_are_readable(desk):
    desk.put(
        "a.csv",
        rpa_text(
            rpa_row(app="Excel", event="copyCell", target_workbookName="b", target_id="A2"),
            rpa_row(target_tagName="INPUT", target_type="text"),
            rpa_row(app="OS-Clipboard", event="copy", user=""),
            rpa_row(app="Unheard Of.exe", event="clickButton"),
        ),
    )
    desk.put("b.csv", smartrpa_text(smartrpa_row(event="formSubmit")))
    built(desk)
    names = [
        row[0]
        for row in rows(desk, "select activity from candidate.desktop_work__events order by source_table, source_seq")
    ]
    assert names[:3] == ["Excel: copy cell", "Chrome: paste into field", "Clipboard: copy"]
    assert names[3].startswith("app k_") and names[3].endswith(": click button")
    assert names[4] == "Edge: submit form"


def test_watched_windows_make_sessions_cut_by_pauses_and_absences(desk):
    windows = [
        ("08:00", 600, "Outlook"),
        ("08:10", 1200, "Chrome"),
        ("08:59", 60, "Excel"),
        ("09:31", 60, "Excel"),
        ("09:33", 3600, "Excel"),
        ("10:40", 60, "Word"),
    ]
    desk.put(
        "a.json",
        aw_text(
            bucket(*(event(f"2025-03-03T{t}:00Z", s, app=a, title="x") for t, s, a in reversed(windows))),
            bucket(
                event("2025-03-03T09:50:00Z", 2400, status="afk"),
                event("2025-03-03T08:15:00Z", 300, status="afk"),
                kind="afkstatus",
                client="aw-watcher-afk",
            ),
            bucket(
                event("2025-03-03T08:12:00Z", 30, url="https://erp.example/P00012", title="P00012"),
                kind="web.tab.current",
                client="aw-watcher-web-chrome",
                host="unknown",
            ),
        ),
    )
    built(desk)
    found = rows(desk, "select started_at::time::text, event_count from candidate.desktop_work__cases order by 1")
    # 08:30 to 08:59 is a pause of 29 minutes, 09:00 to 09:31 one of 31; the absence from 09:50 ends the third session
    assert found == [("08:00:00", 4), ("09:31:00", 2), ("10:40:00", 1)]
    used = dict(
        rows(
            desk,
            "select occurred_at::time::text, duration_seconds from candidate.desktop_work__actions "
            "where action = 'use_window'",
        )
    )
    assert used["08:10:00"] == 1200 - 300 and used["09:33:00"] == 3600 - 2400
    assert rows(
        desk,
        "select application, document_ref, duration_seconds from candidate.desktop_work__actions "
        "where action = 'view_page'",
    ) == [("Chrome", "P00012", None)]
    assert rows(desk, "select count(*) from candidate.desktop_work__events where activity like '%%away%%'") == [(0,)]


def test_cumulative_exports_count_an_event_once_at_its_longest(desk):
    desk.put("a.json", aw_text(bucket(event("2025-03-03T09:00:00Z", 60, app="chrome"))))
    desk.put(
        "b.json",
        aw_text(
            bucket(event("2025-03-03T09:05:00Z", 0, app="excel"), event("2025-03-03T09:00:00Z", 240, app="chrome"))
        ),
    )
    desk.put("c.json", aw_text(bucket(event("2025-03-03T09:00:00Z", 120, app="chrome")), as_array=True))
    built(desk)
    assert rows(
        desk, "select application, duration_seconds from candidate.desktop_work__actions order by event_seq"
    ) == [("Chrome", 240), ("Excel", 0)]


def test_a_copy_is_found_again_where_it_is_pasted(desk):
    desk.put(
        "a.csv",
        rpa_text(
            rpa_row(app="Excel", event="copyCell", content="4711-0815", target_workbookName="b", target_id="A2"),
            rpa_row(event="paste", content="4711-0815", target_tagName="INPUT"),
            rpa_row(event="editField", target_value="47110815"),
            rpa_row(event="editField", target_value="something else"),
        ),
    )
    built(desk)
    assert rows(
        desk, "select value_relation, copy_event_seq from candidate.desktop_work__actions order by event_seq"
    ) == [(None, None), ("equal", 1), ("transformed", 1), ("none", None)]
    assert rows(
        desk,
        "select copied_value_count, transformed_value_count, copy_count, paste_count, application_switch_count "
        "from candidate.desktop_work__attributes",
    ) == [(1, 1, 1, 1, 1)]


def test_every_event_leads_back_to_a_raw_row(desk):
    desk.put("a.csv", rpa_text(rpa_row(), rpa_row()))
    desk.put("a.json", aw_text(bucket(event("2025-03-03T09:00:00Z", 60, app="chrome"))))
    built(desk)
    assert rows(
        desk,
        """select count(*) from candidate.desktop_work__events as e
        where not exists (select from raw_agent.rpa_logger as r where r.file_id || ':' || r.source_seq = e.source_key)
          and not exists (select from raw_agent.activitywatch as r
                          where e.source_key = r.stream_key || '@' || e.source_seq
                          and r.occurred_at = e.occurred_at)""",
    ) == [(0,)]
