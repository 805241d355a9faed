"""What is planted in the demo company is found by the rules of its processes, each case of it and no other."""

import csv
from dataclasses import replace

import pytest

from mining_tasks.rules.check import check_rules
from mining_tasks.variants import discover_variants
from sluice import demo
from sluice.demo import plants
from sluice.processes import load_process
from tests.mining_tasks.companies import open_orders, orders
from tests.mining_tasks.logs import Event, log_of

# planted truth -> the rule that it breaks
PLANTED = {
    "price_change_after_approval": "price_stays_as_approved",
    "invoice_before_approval": "approved_before_billed",
    "duplicate_bills": "one_bill",
}


def happened(state) -> list[Event]:
    """What really happened to the purchase orders."""
    with open(state.truth / "purchase_to_pay.csv", newline="", encoding="utf-8") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["timestamp_utc"])
    return [Event(row["case_id"], row["activity"], n, person=row["login"]) for n, row in enumerate(rows)]


def violating(events: list[Event]) -> dict[str, set[str]]:
    """Rule -> cases that break it."""
    log = log_of(events, open_cases=open_orders(events))
    rules = [
        rule for rule in load_process("purchase_to_pay").rules if rule.template not in ("amount_limit", "time_limit")
    ]
    checked = check_rules(
        rules, events=log.events, variants=discover_variants(log.events, names=log.activities), cases=log.cases
    )
    found = {rule.name: set() for rule in rules}
    for rule, case in checked.violations.select("rule", "case_id").iter_rows():
        found[rule].add(case)
    return found


@pytest.fixture(scope="module")
def made(make_database, tmp_path_factory):
    """The demo company with every planted truth, and the one without any."""
    from sluice.settings import Settings

    def make(plant):
        folder = tmp_path_factory.mktemp("demo")
        settings = replace(Settings(home=folder / "home"))
        return demo.ensure(
            settings, url=make_database(), cases=300, seed=11, folder=folder / "demo", plant=plant, desktop_limit=0
        )

    return make({"bad_rows": 0}), make(plants.CLEAN)  # bad rows are for the gate


def test_each_planted_deviation_is_found_with_its_number(made):
    state, _ = made
    found, measured = violating(happened(state)), state.planted
    for planted, rule in PLANTED.items():
        assert len(found[rule]) == measured[f"{planted}_cases"] > 0, planted
        assert set(measured[f"{planted}_examples"]) <= found[rule]
    assert found["bills_are_kept"] >= set(measured["recreated_bills_examples"])
    assert found["buyers_do_not_approve"] == found["ordering_billing_paying"] == set()


def test_nothing_is_found_where_nothing_is_planted(made):
    _, clean = made
    found = violating(happened(clean))
    assert all(not found[rule] for rule in (*PLANTED.values(), "bills_are_kept"))


@pytest.mark.parametrize("companies", [10, pytest.param(100, marks=pytest.mark.slow)])
def test_where_nothing_is_planted_no_company_breaks_a_rule(companies):
    found = {seed: {rule for rule, cases in violating(orders(seed)).items() if cases} for seed in range(companies)}
    print({seed: rules for seed, rules in found.items() if rules})
    assert not any(found.values())
