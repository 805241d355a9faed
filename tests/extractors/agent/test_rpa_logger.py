"""RPA UI logger: every column in any order, the truth columns never read, the row order kept."""

import random

import pytest

from tests.extractors.agent.exports import RPA_COLUMNS, rpa_row, rpa_text


def test_a_row_by_row_reading(read):
    actions, bad = read(
        rpa_text(
            rpa_row(
                app="Excel",
                event="getCell",
                target_workbookName="r.xlsx",
                target_sheetName="S",
                target_id="B7",
                target_value="959933",
            ),
            rpa_row(user="", app="OS-Clipboard", event="copy", content="959933"),
            rpa_row(
                event="clickTextField",
                url="https://f.example/1",
                target_id="input_6",
                target_tagName="INPUT",
                target_type="text",
                target_name="q6_studentId",
            ),
            rpa_row(
                event="paste",
                url="https://f.example/1",
                content="959933",
                target_id="input_6",
                target_tagName="INPUT",
                target_type="text",
                target_name="q6_studentId",
            ),
            rpa_row(
                event="clickButton",
                url="https://f.example/1",
                target_tagName="BUTTON",
                target_type="submit",
                target_innerText="Submit",
            ),
            rpa_row(event="somethingNew"),
        )
    )
    assert not bad
    assert [(one.application, one.action, one.target_kind, one.element_label) for one in actions] == [
        ("Excel", "select_cell", "cell", "column B"),
        ("Clipboard", "copy", "clipboard", None),
        ("Chrome", "click_field", "field", "student id"),
        ("Chrome", "paste", "field", "student id"),
        ("Chrome", "click_button", "button", None),
        ("Chrome", "other", None, None),
    ]
    assert actions[0].target_row == 7 and actions[0].value_kind == "number" and actions[0].value_length == 6
    assert (actions[3].value_relation, actions[3].copy_seq) == ("equal", 2)
    assert actions[2].element_key == actions[3].element_key != actions[4].element_key
    assert actions[2].container_key == actions[4].container_key != actions[0].container_key
    assert actions[1].container_key is None
    assert len({one.person for one in actions}) == 1


def test_the_truth_columns_are_never_read(read):
    rows = [
        rpa_row(content=f"v{n}") | {"Task": "Reimbursement", "idx": str(n), "caseID": str(n), "": str(n)}
        for n in range(6)
    ]
    columns = ["", *RPA_COLUMNS, "caseID", "Task", "idx"]
    other = [row | {"Task": "x", "idx": "", "caseID": "P00012", "": "9"} for row in rows]
    assert (
        read(rpa_text(*rows, columns=columns))
        == read(rpa_text(*other, columns=columns))
        == read(rpa_text(*rows_without(rows)))
    )


def rows_without(rows):
    return [{name: value for name, value in row.items() if name in RPA_COLUMNS} for row in rows]


def test_columns_may_come_in_any_order_and_targets_may_miss(read):
    rows = [rpa_row(content="x", target_name="email"), rpa_row(event="editField", target_value="y")]
    columns = list(RPA_COLUMNS)
    random.Random(1).shuffle(columns)
    assert read(rpa_text(*rows, columns=columns)) == read(rpa_text(*rows))
    actions, bad = read("timeStamp,userID,targetApp,eventType\n2025-03-03T09:00:00Z,a,Chrome,copy\n")
    assert len(actions) == 1 and not bad


def test_empty_users_inherit(read):
    def people(*users):
        return [one.person for one in read(rpa_text(*(rpa_row(user=user) for user in users)))[0]]

    first, *rest = people("", "anna", "")
    assert first is not None and set(rest) == {first}
    anna, nobody_else, ben, again = people("anna", "", "ben", "")
    assert anna == nobody_else != ben == again
    assert people("", "anna", "ben")[0] is None
    assert people("", "") == [None, None]


def test_a_cell_is_known_by_its_column_and_a_long_number_in_an_id_does_not_count(read):
    cell = {"app": "Excel", "event": "copyCell", "target_workbookName": "b"}
    actions, _ = read(
        rpa_text(
            rpa_row(target_id="A2", **cell),
            rpa_row(target_id="A9", **cell),
            rpa_row(target_id="B2", **cell),
            rpa_row(target_id="A2:C2", **cell),
            rpa_row(target_id="row_4711081", target_tagName="INPUT"),
            rpa_row(target_id="row_4711082", target_tagName="INPUT"),
            rpa_row(target_id="row_1", target_tagName="INPUT"),
        )
    )
    keys = [one.element_key for one in actions]
    assert keys[0] == keys[1] and len(set(keys)) == 5 and keys[4] == keys[5]
    assert [one.element_label for one in actions[:4]] == ["column A", "column A", "column B", "columns A:C"]


@pytest.mark.parametrize(
    "hint", [{"target_type": "password"}, {"target_name": "user_password"}, {"target_innerText": "Passwort"}]
)
def test_of_a_secret_nothing_is_kept_not_even_its_length(read, hint):
    actions, _ = read(
        rpa_text(
            rpa_row(event="copy", content="P00012"),
            rpa_row(event="editField", target_value="P00012", target_tagName="INPUT", **hint),
        )
    )
    secret = actions[1]
    assert (secret.value_kind, secret.value_length, secret.value_relation, secret.copy_seq, secret.document_ref) == (
        "secret",
        None,
        None,
        None,
        None,
    )


def test_document_numbers_are_found_in_value_title_and_address(read):
    actions, _ = read(
        rpa_text(
            rpa_row(content="P00012"),
            rpa_row(event="navigate_to", url="https://erp.example/odoo/purchase/P00013?x=1"),
            rpa_row(event="clickLink", target_innerText="Bill BILL/2025/01/0001"),
            rpa_row(content="no number"),
        )
    )
    assert [one.document_ref for one in actions] == ["P00012", "P00013", "BILL/2025/01/0001", None]


def test_real_recordings_land_whole(read, real_data):
    import gzip

    for name, rows in (("reimbursement_raw", 4591), ("L1", 6114)):
        actions, bad = read(gzip.decompress(real_data(f"tasks/{name}.csv.gz").read_bytes()).decode())
        assert (len(actions), bad) == (rows, [])
        assert [one.source_seq for one in actions] == list(range(1, rows + 1))
        assert all(one.person for one in actions)
        assert sum(one.action == "submit_form" for one in actions) == 50
