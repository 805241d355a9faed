"""SmartRPA: both dialects, naive local times, elements known by place and never by their random ids."""

import pytest

from extractors.agent.deidentify import Rules, declared_zone
from extractors.agent.records import Refused
from extractors.agent.vocabulary import load_vocabulary
from sluice.pseudonyms import Pseudonymiser
from tests.extractors.agent.exports import SMARTRPA_COLUMNS, smartrpa_row, smartrpa_text

FIELD = {
    "tag_category": "INPUT",
    "tag_type": "text",
    "xpath_full": "/HTML[1]/BODY[1]/INPUT[1]",
    "browser_url": "https://b.example/login?n=1",
}


def test_both_dialects_read_the_same(read):
    rows = [smartrpa_row(tag_value="chipDEMO", **FIELD), smartrpa_row(event="submit")]
    upstream = read("\ufeff" + smartrpa_text(*rows, columns=[*SMARTRPA_COLUMNS, "screenshot"]))
    other = read(smartrpa_text(*rows, columns=["CaseID", "NoiseID", *SMARTRPA_COLUMNS], delimiter=";"))
    assert upstream == other
    assert [one.action for one in upstream[0]] == ["edit_field", "submit_form"]


def test_random_ids_do_not_tell_elements_apart_and_places_do(read):
    rows = [
        smartrpa_row(id=name, tag_name=name, xpath=f'id("{name}")', tag_attributes=f"{{'id': '{name}'}}", **FIELD)
        for name in ("npkfazUMVSvNRLsJ", "YkTqYMKvBVHYSyfT")
    ]
    rows.append(smartrpa_row(**FIELD | {"xpath_full": "/HTML[1]/BODY[1]/INPUT[2]"}))
    keys = [one.element_key for one in read(smartrpa_text(*rows))[0]]
    assert keys[0] == keys[1] != keys[2]


def test_office_and_clipboard_rows(read):
    sheet = {"category": "MicrosoftOffice", "app": "Excel", "workbook": "b.xlsx", "current_worksheet": "S"}
    actions, _ = read(
        smartrpa_text(
            smartrpa_row(event="selectCell", cell_range="A3", cell_content="P00012", **sheet),
            smartrpa_row(event="copy", category="Clipboard", app="Clipboard", clipboard_content="P00012"),
            smartrpa_row(event="paste", clipboard_content="P00012", **FIELD),
            smartrpa_row(
                event="openFile", category="OperatingSystem", app="Explorer", event_src_path="/home/erika/secret.txt"
            ),
        )
    )
    assert [(one.application, one.action, one.target_kind) for one in actions] == [
        ("Excel", "select_cell", "cell"),
        ("Clipboard", "copy", "clipboard"),
        ("Edge", "paste", "field"),
        ("Explorer", "open_file", "file"),
    ]
    assert actions[2].value_relation == "equal" and actions[2].copy_seq == 2
    assert [one.document_ref for one in actions] == ["P00012", "P00012", "P00012", None]


def test_passwords_are_secrets(read):
    actions, _ = read(smartrpa_text(smartrpa_row(tag_value="12345", **FIELD | {"tag_type": "password"})))
    assert (actions[0].value_kind, actions[0].value_length, actions[0].target_kind) == (
        "secret",
        None,
        "password field",
    )


def test_times_are_local_times_of_the_declared_zone(read):
    rules = Rules(Pseudonymiser(b"k" * 32, {}), load_vocabulary(), declared_zone("Europe/Berlin"))
    actions, _ = read(
        smartrpa_text(smartrpa_row(time="2023-02-08T16:35:08.978"), smartrpa_row(time="2023-07-08T16:35:08.978")), rules
    )
    assert [one.occurred_at.hour for one in actions] == [15, 14]


def test_a_recording_without_its_last_line_end_is_cut(read):
    text = smartrpa_text(smartrpa_row(**FIELD))
    with pytest.raises(Refused, match="cut"):
        read(text.rstrip("\r\n"))


def test_real_recordings_land_whole_and_agree_on_their_elements(read, real_data):
    found = []
    for name in ("banking_1", "banking_2"):
        actions, bad = read(real_data(f"tasks/smartrpa/{name}.csv").read_bytes().decode())
        assert (len(actions), bad) == (7, [])
        found.append([(one.action, one.element_key) for one in actions])
    assert found[0] == found[1]  # the same routine, recorded twice with other random ids
