"""Declarations of processes: what is there loads; what is wrong is told in one line that names the file and the key."""

from datetime import timedelta

import pytest
import yaml

from sluice.errors import BadInput
from sluice.processes import DEFAULT_ORDER, PROJECT, imported_process, list_processes, load_process

MINIMAL = {
    "process": "repair",
    "title": "Repair",
    "sources": ["odoo"],
    "case": "one repair order",
    "activities": "repair__declared_activities",
}


@pytest.fixture
def declare(tmp_path):
    (tmp_path / "processes").mkdir()

    def write(**changes):
        content = {key: value for key, value in (MINIMAL | changes).items() if value is not ...}
        (tmp_path / "processes" / "repair.yml").write_text(yaml.safe_dump(content))
        return load_process("repair", tmp_path)

    return write


def test_every_declared_process_loads_and_has_its_models_and_seed():
    assert {"purchase_to_pay", "order_to_cash", "lead_to_order"} <= set(list_processes())
    for name in list_processes():
        process = load_process(name)
        assert process.name == name and process.order and process.k_anonymity >= 2
        for layer in ("intermediate", "marts"):
            assert any((PROJECT / "dbt_project" / "models" / layer / name).glob("*.sql")), f"{layer} models of {name}"
        assert list((PROJECT / "dbt_project" / "seeds").rglob(f"{process.activities}.csv")), f"seed of {name}"


def test_defaults(declare):
    process = declare()
    assert process.order == DEFAULT_ORDER and process.order_declared == "occurred_at, rank, source_seq, event_id"
    assert process.k_anonymity == 5 and process.case_level_public and process.future_tolerance == timedelta(days=1)
    assert process.checks == {}


@pytest.mark.parametrize(
    ("text", "expected"), [("36 hours", timedelta(hours=36)), ("0 days", timedelta(0)), ("1 week", timedelta(weeks=1))]
)
def test_future_tolerance_is_a_number_and_a_unit(declare, text, expected):
    assert declare(future_tolerance=text).future_tolerance == expected


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"title": ...}, "title: expected a value"),
        ({"sources": "odoo"}, "sources: expected a list of names"),
        ({"order": ["occurred_at", "name"]}, "order: expected some of"),
        ({"order": ["rank", "rank"]}, "order: expected some of"),
        ({"order": []}, "order: expected some of"),
        ({"k_anonymity": 1}, "k_anonymity: expected a whole number of at least 2"),
        ({"k_anonymity": True}, "k_anonymity: expected a whole number"),
        ({"case_level_public": "no"}, "case_level_public: expected true or false"),
        ({"future_tolerance": 5}, "future_tolerance: expected a number and a unit"),
        ({"future_tolerance": "2 fortnights"}, "future_tolerance: expected a number and a unit"),
        ({"future_tolerance": "101 weeks of work"}, "future_tolerance: expected a number and a unit"),
        ({"future_tolerance": "5300 weeks"}, "future_tolerance: expected a number and a unit"),
        ({"process": "other"}, "process: expected the file's name, repair"),
        ({"colour": "red"}, "colour: no such key"),
        ({"checks": [1]}, "checks: expected keys and values"),
    ],
)
def test_a_wrong_declaration_is_told_in_one_line(declare, changes, said):
    with pytest.raises(BadInput) as error:
        declare(**changes)
    assert "repair.yml" in str(error.value) and said in str(error.value) and "\n" not in str(error.value)


def test_an_unknown_process_and_broken_yaml_are_told(tmp_path):
    (tmp_path / "processes").mkdir()
    (tmp_path / "processes" / "a.yml").write_text("process: [")
    with pytest.raises(BadInput, match=r"'b' is not declared: expected b.yml in .* \(declared: a\)"):
        load_process("b", tmp_path)
    with pytest.raises(BadInput, match=r"a\.yml: line 1, column 11: not valid YAML") as error:
        load_process("a", tmp_path)
    assert "\n" not in str(error.value)


def test_an_imported_log_may_not_take_a_declared_name():
    with pytest.raises(BadInput, match="purchase_to_pay"):
        imported_process("purchase_to_pay")
    with pytest.raises(BadInput, match="lower-case"):
        imported_process("My log")
    assert imported_process("my_log").kind == "imported"
