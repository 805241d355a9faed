"""Causes: planted ones are found first, of the right size; where there are none, next to nothing is; figures equal scipy's."""

import numpy as np
import polars as pl
import pytest
from scipy.stats import false_discovery_control, fisher_exact
from scipy.stats.contingency import relative_risk

from mining_tasks.causes import FALSE_DISCOVERY_RATE, Condition, adjusted, conditions_of, find_causes
from tests.mining_tasks.companies import closed_orders


def company(seed: int, cases: int = 4000) -> tuple[pl.DataFrame, np.random.Generator]:
    """Attributes of cases, none of which has anything to do with another."""
    chance = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "case_key": chance.integers(-(2**62), 2**62, cases),
            "vendor": chance.choice([f"vendor {number}" for number in range(30)], cases),
            "amount": chance.lognormal(7, 1, cases),
            "lines": chance.integers(1, 6, cases),
            "is_urgent": chance.random(cases) < 0.2,
        }
    ).with_columns(vendor=pl.when(pl.col("lines") == 5).then(None).otherwise("vendor")), chance


def meets(attributes: pl.DataFrame, conditions: tuple[Condition, ...]) -> np.ndarray:
    """The cases of the conditions, by polars' own words for them."""
    found = pl.lit(True)
    for one in conditions:
        column = pl.col(one.attribute)
        if one.comparison == "=":
            found &= column.cast(pl.String) == one.value
        else:
            found &= column > float(one.value) if one.comparison == ">" else column <= float(one.value)
    return attributes.select(found.fill_null(False).alias("met"))["met"].to_numpy()


def test_a_condition_is_met_by_the_cases_that_its_words_name():
    attributes, _ = company(4)
    named = list(conditions_of(attributes, attributes["case_key"].to_numpy() % 2 == 0))
    assert {condition.comparison for condition, _ in named} == {"=", "<=", ">"}
    for condition, mask in named:
        assert (mask == meets(attributes, (condition,))).all(), condition


def test_a_planted_cause_is_found_first_and_of_the_right_size():
    attributes, chance = company(1)
    planted = (attributes["vendor"] == "vendor 7").fill_null(False).to_numpy()
    slow = chance.random(len(planted)) < np.where(planted, 0.8, 0.2)
    first = find_causes(attributes, {"slow": slow}).causes[0]
    assert first.conditions == (Condition("vendor", "=", "vendor 7"),)
    assert (first.case_count, first.outcome_count) == (planted.sum(), (planted & slow).sum())
    assert first.share - first.share_elsewhere == pytest.approx(0.6, abs=0.1)
    assert first.confirmed_low < 0.6 < first.confirmed_high


def test_two_conditions_are_told_where_neither_alone_does_it():
    attributes, chance = company(2, 20000)
    planted = ((attributes["vendor"] == "vendor 3").fill_null(False) & attributes["is_urgent"]).to_numpy()
    late = chance.random(len(planted)) < np.where(planted, 0.9, 0.1)
    causes = find_causes(attributes, {"late": late}).causes
    assert causes[0].conditions == (Condition("is_urgent", "=", "true"), Condition("vendor", "=", "vendor 3"))
    assert (Condition("vendor", "=", "vendor 3"),) not in [cause.conditions for cause in causes], "a passenger"


def test_a_threshold_is_found_near_where_it_is():
    attributes, chance = company(3)
    planted = (attributes["amount"] > 2000).to_numpy()
    first = find_causes(attributes, {"reworked": chance.random(len(planted)) < np.where(planted, 0.5, 0.1)}).causes[0]
    (condition,) = first.conditions
    assert (condition.attribute, condition.comparison) == ("amount", ">")
    assert np.mean(meets(attributes, first.conditions) == planted) > 0.9


def test_where_there_is_no_cause_few_companies_have_one():
    found = 0
    for seed in range(100):
        attributes, chance = company(1000 + seed, 2000)
        outcomes = {
            name: chance.random(2000) < share for name, share in (("slow", 0.25), ("reworked", 0.1), ("odd", 0.02))
        }
        found += bool(find_causes(attributes, outcomes).causes)
    print(f"{found} of 100 companies")
    assert found <= 10


@pytest.mark.parametrize("companies", [20, pytest.param(100, marks=pytest.mark.slow)])
def test_where_nothing_is_planted_few_demo_companies_have_a_cause(companies):
    found = []
    for seed in range(companies):
        orders = closed_orders(seed)
        seconds = orders["seconds"].to_numpy()
        outcomes = {"slow": seconds > np.quantile(seconds, 0.75), "reworked": orders["is_reworked"].to_numpy()}
        if find_causes(orders.drop("seconds", "is_reworked"), outcomes).causes:
            found.append(seed)
    print(f"{len(found)} of {companies} companies")
    assert len(found) <= companies / 10, found


def test_every_figure_equals_another_way_to_it():
    attributes, chance = company(5)
    planted = meets(attributes, (Condition("vendor", "=", "vendor 1"),)) | (attributes["amount"] > 3000).to_numpy()
    has = chance.random(len(planted)) < np.where(planted, 0.5, 0.2)
    causes = find_causes(attributes, {"slow": has}).causes
    assert len(causes) >= 2
    confirms = attributes["case_key"].to_numpy() % 2 == 1
    for cause in causes:
        inside = meets(attributes, cause.conditions)
        assert (inside == cause.meets).all()
        table = [
            [np.sum(inside & has & confirms), np.sum(inside & ~has & confirms)],
            [np.sum(~inside & has & confirms), np.sum(~inside & ~has & confirms)],
        ]
        assert (cause.confirmed_case_count, cause.confirmed_outcome_count) == (sum(table[0]), table[0][0])
        if len(cause.conditions) == 1:
            assert cause.p_value == pytest.approx(fisher_exact(table, "greater").pvalue, rel=1e-9)
        assert cause.p_value <= cause.q_value <= FALSE_DISCOVERY_RATE
        assert cause.share / cause.share_elsewhere == pytest.approx(
            relative_risk(np.sum(inside & has), np.sum(inside), np.sum(~inside & has), np.sum(~inside)).relative_risk
        )
        assert cause.excess_count == pytest.approx(np.sum(inside & has) - np.sum(inside) * has[~inside].mean())


@pytest.mark.parametrize("seed", range(5))
def test_p_values_are_adjusted_as_scipy_does(seed):
    values = np.random.default_rng(seed).random(50) ** 3
    assert adjusted(list(values)) == pytest.approx(list(false_discovery_control(values)))


def test_the_order_of_cases_and_the_names_of_columns_change_nothing():
    attributes, chance = company(6)
    has = chance.random(len(attributes)) < np.where((attributes["lines"] == 2).to_numpy(), 0.6, 0.2)
    whole = find_causes(attributes, {"slow": has})
    order = chance.permutation(len(has))
    shuffled = find_causes(attributes[order].select(sorted(attributes.columns, reverse=True)), {"slow": has[order]})
    assert shuffled == whole


@pytest.mark.parametrize("has", [np.zeros(4000, bool), np.ones(4000, bool)])
def test_an_outcome_of_no_case_or_of_all_has_no_cause(has):
    attributes, _ = company(7)
    assert find_causes(attributes, {"slow": has}).causes == ()
    assert find_causes(attributes[:10], {"slow": has[:10]}).causes == ()
