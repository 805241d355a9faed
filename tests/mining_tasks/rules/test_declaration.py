"""Rules as YAML declares them: what is right is read, each mistake is one line that names the rule and the key."""

import pytest

from mining_tasks.rules.declaration import Rule, read_rules
from mining_tasks.rules.wording import expectations
from sluice.errors import BadInput
from sluice.processes import list_processes, load_process

RESPONSE = {"name": "paid", "rule": "response", "activities": ["order", "pay"]}


def test_a_rule_is_read():
    (rule,) = read_rules("here", [RESPONSE | {"activities": ["order", ["pay", "cancel"]], "description": "why"}])
    assert rule == Rule("paid", "response", (("order",), ("pay", "cancel")), "why")
    assert rule.activities == {"order", "pay", "cancel"} and expectations(rule) == ("pay or cancel after order",)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"name": "Paid"}, "here: rule 1: name: expected lower-case letters"),
        ({"name": ...}, "here: rule 1: name: expected"),
        ({"rule": "responds"}, "here: paid: rule: expected one of existence, absence"),
        ({"activities": "order"}, "here: paid: activities: expected a list of activities, found 'order'"),
        ({"activities": ["order"]}, "here: paid: activities: expected two, found 1"),
        ({"activities": ["order", []]}, "here: paid: activities: expected an activity or a list of them, found []"),
        ({"activities": ["order", 3]}, "here: paid: activities: expected an activity or a list of them, found 3"),
        (
            {"activities": ["order", "order"]},
            "here: paid: activities: expected each activity once, found 'order' twice",
        ),
        (
            {"activities": ["order", "ship"]},
            "here: paid: 'ship' is no declared activity: expected one of the process's",
        ),
        ({"count": 2}, "here: paid: 'count': no such key of response; expected name, rule, activities, description"),
        ({"description": 1}, "here: paid: description: expected a text"),
        ({"rule": "init"}, "here: paid: activities: expected one activity (or [[one, or another]]), found 2"),
        (
            {"rule": "segregation_of_duties", "activities": ["pay"]},
            "here: paid: activities: expected two duties or more",
        ),
        (
            {"rule": "existence", "activities": ["pay"], "count": 0},
            "count: expected a whole number of at least 1, found 0",
        ),
        ({"rule": "existence", "activities": ["pay"], "count": True}, "count: expected a whole number"),
        ({"rule": "time_limit"}, "here: paid: at_most: expected a time such as `5 days` (or at_least)"),
        (
            {"rule": "time_limit", "at_most": "soon"},
            "at_most: expected a number and a unit, such as `5 days`, of a hundred years at most, found 'soon'",
        ),
        ({"rule": "time_limit", "at_most": 5}, "at_most: expected a number and a unit"),
        ({"rule": "time_limit", "at_most": "999999999 weeks"}, "at_most: expected a number and a unit"),
        ({"rule": "time_limit", "at_most": "1 day", "at_least": "2 days"}, "at_least: expected no more than at_most"),
        ({"rule": "amount_limit", "activities": ["pay"], "above": 1}, "attribute: expected a column"),
        ({"rule": "amount_limit", "activities": ["pay"], "attribute": "a"}, "above: expected a number, found None"),
        (
            {"rule": "amount_limit", "activities": ["pay"], "attribute": "a", "above": float("inf")},
            "above: expected a number, found inf",
        ),
        (
            {"rule": "amount_limit", "activities": ["pay"], "attribute": "a", "above": 1, "before": "pay"},
            "before: expected other activities than the needed one",
        ),
    ],
)
def test_a_mistake_is_one_clear_line(changes, said):
    entry = {key: value for key, value in (RESPONSE | changes).items() if value is not ...}
    with pytest.raises(BadInput) as error:
        read_rules("here", [entry], known={"order", "pay", "cancel"})
    assert said in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"paid": RESPONSE}, "here: expected a list of rules"),
        (["paid"], "here: rule 1: expected keys and values"),
        ([RESPONSE, RESPONSE], "here: paid: expected names that differ, found this one twice"),
    ],
)
def test_the_list_must_be_one(declared, said):
    with pytest.raises(BadInput, match=said):
        read_rules("here", declared)


def test_four_eyes_may_be_on_one_activity_twice():
    (rule,) = read_rules("here", [{"name": "two", "rule": "four_eyes", "activities": ["pay", "pay"]}])
    assert expectations(rule) == ("pay twice: by different persons",)


def test_declared_processes_have_rules():
    declared = {name: load_process(name).rules for name in list_processes()}
    assert all(declared[name] for name in ("purchase_to_pay", "order_to_cash", "lead_to_order"))
    assert declared["desktop_work"] == ()
