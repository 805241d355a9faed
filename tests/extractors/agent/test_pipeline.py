"""Each file is read once, by content; a bad file never lands in part; what was read with other rules is read again."""

import csv
import gzip
import hashlib
import json

import pytest

from extractors.agent import pipeline
from extractors.agent.records import EmptyExport, Refused
from sluice import transform
from sluice.errors import Blocked
from sluice.warehouse import connect
from tests.extractors.agent.exports import aw_text, bucket, event, rpa_row, rpa_text, smartrpa_row, smartrpa_text
from tests.vacuuming import vacuuming

RPA = rpa_text(rpa_row(), rpa_row(time="2025-03-03T09:00:05.000Z", event="editField"))
FILES = "select state, format, row_count, landed_count, quarantined_count from ops.files order by file_id"


def file_id(content):
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def test_all_three_formats_land_with_counts(drop):
    drop.put("a.csv", RPA)
    drop.put("deeper/b.csv", smartrpa_text(smartrpa_row()))
    drop.put("c.json", aw_text(bucket(event("2025-03-03T09:00:00Z", 5, app="chrome.exe", title="x"))))
    version = drop.night()
    assert sorted(drop.rows("select format, landed_count from ops.files")) == [
        ("activitywatch", 1),
        ("rpa_logger", 2),
        ("smartrpa", 1),
    ]
    assert drop.rows("select state, read_count, inserted_count, updated_count, deleted_count from ops.loads") == [
        ("landed", 4, 4, 0, 0)
    ]
    assert drop.rows("select distinct _version from raw_agent.rpa_logger") == [(version,)]
    assert drop.value("select sum(read_count) from ops.load_tables") == 4


def test_raw_tables_exist_without_any_file(drop):
    drop.night()
    for table in ("rpa_logger", "smartrpa", "activitywatch"):
        assert drop.value(f"select count(*) from raw_agent.{table}") == 0


def test_a_night_without_news_does_not_wait_for_who_vacuums_raw(drop):
    drop.put("a.csv", RPA)
    drop.night()
    with vacuuming(drop.settings.warehouse_url, "raw_agent"):
        drop.night()
    assert drop.rows("select state, inserted_count from ops.loads order by version") == [("landed", 2), ("landed", 0)]


def test_a_file_is_read_once_whatever_its_name_or_packing(drop):
    drop.put("a.csv", RPA)
    drop.put("b.csv", RPA)
    drop.put("c.csv.gz", gzip.compress(RPA.encode()))
    drop.night()
    assert drop.value("select count(*) from ops.files") == 1
    before = drop.rows("select file_id, source_seq, _version, _loaded_at from raw_agent.rpa_logger order by 1, 2")
    drop.put("d.csv", RPA)
    drop.night()
    assert (
        drop.rows("select file_id, source_seq, _version, _loaded_at from raw_agent.rpa_logger order by 1, 2") == before
    )
    assert drop.value("select read_count from ops.loads order by version desc limit 1") == 0


def test_file_id_is_the_content_hash_and_no_name_is_kept(drop):
    drop.put("Erika Mustermann.csv", RPA)
    drop.night()
    assert drop.value("select file_id from ops.files") == file_id(RPA)
    assert drop.value("select name_key from ops.files").startswith("k_")


def test_hidden_and_unfinished_files_are_left_alone(drop):
    for name in (".hidden.csv", "a.csv.part", "b.tmp", ".folder/c.csv"):
        drop.put(name, RPA)
    drop.night()
    assert drop.value("select count(*) from ops.files") == 0


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("cut in half", RPA[: 2 * len(RPA) // 3], "is cut"),
        ("cut in its header", RPA.split("\n")[0][:-30], "header is cut"),
        (
            "cut in its header, unquoted",
            rpa_text(rpa_row(), quoting=csv.QUOTE_MINIMAL).split("\n")[0][:-3],
            "header is cut",
        ),
        ("cut gzip", gzip.compress(RPA.encode())[:-20], "gzip"),
        ("wrong delimiter", RPA.replace(",", ";"), "separated by a semicolon"),
        ("wrong delimiter below the header", RPA.split("\n")[0] + "\n" + "a;b\nc;d\ne;f\n", "wrong delimiter"),
        ("smartrpa with tabs", smartrpa_text(smartrpa_row(), delimiter="\t"), "separated by a tab"),
        ("smartrpa cut in its last field", smartrpa_text(smartrpa_row(xpath_full="/HTML[1]/BODY[1]"))[:-8], "is cut"),
        ("renamed column", RPA.replace("eventType", "event_type"), "column eventType is missing"),
        ("unknown csv", "a,b\n1,2\n", "unknown format"),
        ("a picture", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\xff\xfe", "UTF-8"),
        ("cut json", aw_text(bucket(event("2025-03-03T09:00:00Z", 5)))[:-30], "JSON"),
        ("other json", '{"a": 1}', "buckets"),
        ("deep json", '{"buckets": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deep"),
        ("a giant number", '{"buckets": [{"events": [' + "9" * 5000 + "]}]}", "number too large"),
        ("buckets of something else", '{"buckets": [1, 2]}', "not an object"),
        ("nothing usable", rpa_text(rpa_row(time="yesterday"), rpa_row(time="")), "none of its 2 rows"),
    ],
)
def test_a_bad_file_is_refused_whole_and_the_others_land(drop, name, content, reason):
    drop.put("bad", content)
    drop.put("good.csv", smartrpa_text(smartrpa_row()))
    drop.night()
    refused = drop.rows("select reason, landed_count, row_count from ops.files where state = 'refused'")
    assert len(refused) == 1, name
    assert reason in refused[0][0] and "\n" not in refused[0][0]
    assert refused[0][1] == 0
    assert drop.value("select count(*) from raw_agent.smartrpa") == 1
    assert (
        drop.value("select count(*) from raw_agent.rpa_logger")
        + drop.value("select count(*) from raw_agent.activitywatch")
        == 0
    )


def test_every_cut_of_a_quoted_recording_is_refused_or_loses_whole_rows_only(read):
    text = rpa_text(*(rpa_row(content=f"value {n}", url="https://a.example/x") for n in range(4)))
    header = len(text.split("\n")[0]) + 1
    rows_before = {len("\n".join(text.split("\n")[: n + 1])): n for n in range(1, 5)}
    for cut in range(header + 1, len(text)):
        try:
            actions, bad = read(text[:cut])
        except (Refused, EmptyExport) as error:
            assert "cut" in str(error) or "without rows" in str(error)
            continue
        # at the end of a row, its line end missing or only the quotes of its last, empty field
        complete = rows_before.get(cut) or rows_before.get(cut - 1) or rows_before.get(cut + 2)
        assert complete == len(actions) and not bad, cut


def test_a_refused_file_is_warned_of_every_night_until_it_is_repaired(drop):
    path = drop.put("a.csv", RPA[:-10])
    for _ in range(2):
        drop.night()
        assert drop.value("select count(*) from landing_agent._files where state = 'refused'") == 1
    path.write_text(RPA)
    drop.night()
    assert drop.value("select count(*) from landing_agent._files where state = 'refused'") == 0
    assert drop.value("select count(*) from raw_agent.rpa_logger") == 2


@pytest.mark.parametrize("content", ["", "\n", RPA.split("\n")[0] + "\n", '{"buckets": {}}', aw_text(bucket())])
def test_an_empty_export_is_told_apart(drop, content):
    drop.put("a", content)
    drop.night()
    assert drop.value("select state from ops.files") == "empty"


def test_bad_rows_are_quarantined_with_line_and_reason_never_content(drop):
    text = rpa_text(rpa_row(), rpa_row(time="Erika Mustermann"), rpa_row(event=" "), rpa_row())
    lines = text.split("\n")
    lines.insert(2, '"2025-03-03T09:00:00Z","Erika Mustermann"')
    drop.put("a.csv", "\n".join(lines))
    drop.night()
    assert drop.rows(FILES) == [("landed", "rpa_logger", 5, 2, 3)]
    kept = drop.rows(
        'select source_key, check_name, reason from quality.quarantined_rows order by source_key collate "C"'
    )
    assert [(key.split(":")[1], check) for key, check, _ in kept] == [
        ("3", "field_count"),
        ("4", "time"),
        ("5", "event_type"),
    ]
    assert "Erika" not in str(kept)
    assert drop.rows("select source_seq from raw_agent.rpa_logger order by 1") == [(1,), (5,)]


def test_quarantined_rows_follow_the_file_when_it_is_derived_again(drop, monkeypatch):
    drop.put("a.csv", rpa_text(rpa_row(), rpa_row(time="no time")))
    drop.night()
    first = drop.rows("select source_key, first_seen_at from quality.quarantined_rows")
    drop.night(mode="full")
    assert drop.rows("select source_key, first_seen_at from quality.quarantined_rows") == first


def test_a_new_zone_or_person_map_derives_the_files_again_and_rewrites_only_what_changed(drop, tmp_path):
    drop.put("a.csv", rpa_text(rpa_row(time="2025-07-01T12:00:00"), rpa_row(time="2025-07-01T12:00:00Z")))
    drop.night()
    drop.with_settings(agent_timezone="Europe/Berlin")
    version = drop.night()
    assert drop.rows(
        "select source_seq, extract(hour from occurred_at), _version from raw_agent.rpa_logger order by 1"
    ) == [(1, 10, version), (2, 12, version - 1)]
    people = tmp_path / "people.csv"
    people.write_text("person,kind,value\n1,desktop_login,anna\n")
    before = drop.value("select min(person) from raw_agent.rpa_logger")
    drop.with_settings(person_map=people)
    drop.night()
    assert drop.value("select count(*) from raw_agent.rpa_logger where person = %s", before) == 0


def test_rows_derived_by_other_rules_make_the_process_anew(drop):
    """The key decides whose sessions the rows are: where those that were published lie cannot be told from raw any more."""

    def fingerprint():
        return transform.fingerprint(drop.settings, "desktop_work")

    watched = bucket(event("2025-03-03T09:00:00Z", 60, app="chrome"))
    drop.put("a.json", aw_text(watched))
    drop.night()
    first = fingerprint()
    drop.put("b.json", aw_text(watched, as_array=True))
    drop.night()
    drop.night(mode="full")
    assert fingerprint() == first, "a new file, and the same read again"
    drop.with_settings(pseudonym_key_hex="7c" * 32)
    assert fingerprint() == first, "nothing is derived with it yet"
    drop.night()
    second = fingerprint()
    assert second != first
    drop.night(mode="full")
    assert fingerprint() == second


def test_rows_that_a_file_no_longer_gives_become_tombstones(drop):
    drop.put("a.csv", RPA)
    drop.night()
    with connect(drop.settings.warehouse_url) as db:
        db.execute(
            "insert into raw_agent.rpa_logger (file_id, source_seq, line, occurred_at, application, action, "
            "derivation_version, _version) "
            "select file_id, 99, 99, now(), 'x', 'x', 1, 1 from ops.files"
        )
    version = drop.night(mode="full")
    assert drop.rows("select source_seq, _version from raw_agent.rpa_logger where _is_deleted") == [(99, version)]


def test_files_taken_out_of_the_folder_stay_landed(drop):
    path = drop.put("a.csv", RPA)
    drop.night()
    path.unlink()
    drop.night(mode="full")
    assert drop.value("select count(*) from raw_agent.rpa_logger where not _is_deleted") == 2


def test_landing_twice_changes_nothing_and_an_overtaken_load_is_blocked(drop):
    drop.put("a.csv", RPA)
    first, second = drop.context(), drop.context()
    one = pipeline.copy(drop.settings, "agent", first)
    pipeline.land(drop.settings, "agent", one, first)
    before = drop.rows("select * from raw_agent.rpa_logger order by source_seq")
    pipeline.land(drop.settings, "agent", one, first)
    assert drop.rows("select * from raw_agent.rpa_logger order by source_seq") == before
    drop.put("b.csv", smartrpa_text(smartrpa_row()))
    two = pipeline.copy(drop.settings, "agent", first)
    three = pipeline.copy(drop.settings, "agent", second)
    with pytest.raises(Blocked, match="run the extraction again"):
        pipeline.land(drop.settings, "agent", two, first)
    pipeline.land(drop.settings, "agent", three, second)
    assert drop.value("select count(*) from raw_agent.smartrpa") == 1


def test_a_missing_drop_folder_blocks_with_one_line(drop):
    drop.with_settings(agent_drop=drop.folder / "gone")
    with pytest.raises(Blocked, match="SLUICE_AGENT_DROP") as caught:
        drop.night()
    assert "\n" not in str(caught.value)
    assert drop.value("select state from ops.loads") == "blocked"


def test_nuls_giant_fields_and_odd_text_do_no_harm(drop):
    drop.put(
        "a.csv",
        rpa_text(
            rpa_row(content="a\x00b", target_id="x\x00y"),
            rpa_row(content="z" * 20_000_000),
            rpa_row(user="a\x00"),
            rpa_row(url="http://[x"),
            rpa_row(app="\x00"),
            rpa_row(content="\n" * 1000 + '"'),
        ),
    )
    data = json.loads(aw_text(bucket(event("2025-03-03T09:00:00Z", 1, app="chrome", title="\x00" * 9))))
    data["buckets"]["aw-watcher-window_pc-anna"]["events"] += [
        event("2025-03-03T09:00:00Z", float("nan")),
        event("2025-03-03T09:00:00Z", -1),
        event("x", 1),
        7,
        {"timestamp": 7},
        event("2025-03-03T09:00:00Z", 1e300),
        event("2025-03-03T10:00:00Z", True),
        event("2025-03-03T10:00:00Z", 0, app="\ud800", title="\udfff"),
    ]
    drop.put("b.json", json.dumps(data))
    drop.night()
    assert drop.rows("select format, row_count, landed_count, quarantined_count from ops.files order by format") == [
        ("activitywatch", 9, 2, 7),
        ("rpa_logger", 6, 5, 1),
    ]
