"""Each check of single cases finds its planted defect, and nothing else: precision and recall at 1 % and 10 %."""

import pytest

from expectations.candidate_checks import checks_of
from expectations.declaration import declaration_of
from sluice.warehouse import connect
from tests.expectations.candidates import process, run
from tests.expectations.planting import clean_log
from tests.expectations.planting import defects as _defects
from tests.expectations.planting.confounders import confounded
from tests.expectations.planting.log import write
from tests.expectations.planting.measure import Score, found_cases, score
from tests.expectations.planting.registry import PLANTINGS, plant

DEFECTS = sorted(
    name for name, one in PLANTINGS.items() if one.function.__module__ == "tests.expectations.planting.defects"
)
ATTRIBUTES = ("case_id", "case_key")


def measure(url, name, share, *, shapes, seeds, cases):
    """The score of the defect's check over logs of several kinds, all together."""
    total = Score(0, 0, 0)
    for shape in shapes:
        for seed in seeds:
            log, truth = plant(name, confounded(clean_log(shape, cases=cases, seed=seed), seed=seed), share, seed)
            declared = declaration_of(process(checks=dict(truth.checks)))
            write(log, url, run(as_of=log.as_of))
            check = named(declared, log.as_of)[PLANTINGS[name].check]
            with connect(url) as db:
                total += score(truth, found_cases(db, check))
    return total


def named(declared, as_of):
    return {check.name: check for check in checks_of(declared, as_of, attributes=ATTRIBUTES, has_seed=False)}


@pytest.mark.parametrize("name", DEFECTS)
def test_planted_defect_is_found_and_nothing_else(warehouse_url, name):
    found = measure(warehouse_url, name, 0.1, shapes=["purchasing"], seeds=[1], cases=120)
    assert found.planted >= 12 and found.precision >= 0.95 and found.recall >= 0.95, found


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.01, 0.1])
@pytest.mark.parametrize("name", DEFECTS)
def test_planted_defect_is_found_in_every_kind_of_log(warehouse_url, name, share):
    found = measure(warehouse_url, name, share, shapes=["purchasing", "claims", "clinic"], seeds=[2, 3], cases=300)
    assert found.planted >= 18 and found.precision >= 0.95 and found.recall >= 0.95, found


@pytest.mark.parametrize("shape", ["purchasing", "claims", "clinic"])
def test_clean_log_is_silent(warehouse_url, shape):
    log = confounded(clean_log(shape, cases=300, seed=9), seed=9)
    cases = log.cases().values()
    everywhere = set.intersection(*({event.activity for event in events} for events in cases))
    declared = declaration_of(
        process(
            checks={
                "source_zone": _defects.ZONE,
                "wall_times": True,
                "start_activities": sorted({events[0].activity for events in cases}),
                "end_activities": sorted({events[-1].activity for events in cases}),
                "mandatory_activities": sorted(everywhere),
            }
        )
    )
    write(log, warehouse_url, run(as_of=log.as_of))
    ours = {PLANTINGS[name].check for name in DEFECTS} - {"in_declared_order", "local_time_exists"}
    with connect(warehouse_url) as db:
        assert {name: found_cases(db, check) for name, check in named(declared, log.as_of).items() if name in ours} == {
            name: set() for name in ours
        }
