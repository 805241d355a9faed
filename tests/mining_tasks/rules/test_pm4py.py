"""pm4py as an oracle of rules on real logs: which cases break each Declare template, and four eyes."""

import itertools
import warnings
from collections import Counter

import pytest

from mining_tasks.rules.declaration import read_rules
from tests.mining_tasks.logs import Event
from tests.mining_tasks.rules.test_check import check

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pm4py
    from pm4py.algo.conformance.declare import algorithm as declare
    from pm4py.algo.filtering.pandas.ltl import ltl_checker

CASE, ACTIVITY, RESOURCE = "case:concept:name", "concept:name", "org:resource"
UNARY = {"existence": "existence", "absence": "absence", "exactly": "exactly_one", "init": "init"}
BINARY = {  # all but the negated successions, which pm4py defines otherwise: docs/conformance.md
    "responded_existence": "responded_existence",
    "co_existence": "coexistence",
    "response": "response",
    "alternate_response": "altresponse",
    "chain_response": "chainresponse",
    "precedence": "precedence",
    "alternate_precedence": "altprecedence",
    "chain_precedence": "chainprecedence",
    "succession": "succession",
    "alternate_succession": "altsuccession",
    "chain_succession": "chainsuccession",
    "not_co_existence": "noncoexistence",
}


def read(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame = pm4py.read_xes(str(path)).reset_index(drop=True)
    persons = frame[RESOURCE] if RESOURCE in frame else [None] * len(frame)
    rows = zip(frame[CASE], frame[ACTIVITY], persons, strict=True)
    return frame, [
        Event(case, name, 0, person=person if isinstance(person, str) else None) for case, name, person in rows
    ]


@pytest.mark.parametrize("name", ["running-example.xes", "Sepsis.xes.gz"])
def test_declare_templates_are_broken_by_the_same_cases(real_data, name):
    frame, events = read(real_data(f"logs/{name}"))
    common = [activity for activity, _ in Counter(event.activity for event in events).most_common(6)]
    wanted = [(ours, theirs, (one,)) for ours, theirs in UNARY.items() for one in common]
    wanted += [(ours, theirs, pair) for ours, theirs in BINARY.items() for pair in itertools.permutations(common, 2)]
    model: dict = {}
    entries = []
    for number, (ours, theirs, names) in enumerate(wanted):
        model.setdefault(theirs, {})[names[0] if len(names) == 1 else names] = {"support": 1, "confidence": 1.0}
        entries.append({"name": f"rule_{number}", "rule": ours, "activities": list(names)})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        checked = declare.apply(frame, model)
    cases = sorted(frame[CASE].unique())  # as pm4py groups them
    assert len(cases) == len(checked)
    expected: dict[tuple, set] = {}
    for case, row in zip(cases, checked, strict=True):
        for template, names in row["deviations"]:
            key = (template, (names,) if isinstance(names, str) else tuple(names))
            expected.setdefault(key, set()).add(case)
    found: dict[str, set] = {}
    for rule, case in check(events, read_rules("here", entries)).violations.select("rule", "case_id").iter_rows():
        found.setdefault(rule, set()).add(case)
    broken = 0
    for number, (_, theirs, names) in enumerate(wanted):
        cases_of_rule = found.get(f"rule_{number}", set())
        assert cases_of_rule == expected.get((theirs, names), set()), (theirs, names)
        broken += bool(cases_of_rule)
    assert broken > len(wanted) / 3


def test_four_eyes_is_broken_by_the_same_cases(real_data):
    """Of the second activity pm4py looks at the last event of a case alone."""
    frame, events = read(real_data("logs/08_receipt.xes.gz"))
    common = [activity for activity, _ in Counter(event.activity for event in events).most_common(5)]
    pairs = list(itertools.combinations(common, 2))
    entries = [
        {"name": f"rule_{number}", "rule": "four_eyes", "activities": list(pair)} for number, pair in enumerate(pairs)
    ]
    found: dict[str, set] = {}
    for rule, case in check(events, read_rules("here", entries)).violations.select("rule", "case_id").iter_rows():
        found.setdefault(rule, set()).add(case)
    for number, (one, other) in enumerate(pairs):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            same = ltl_checker.four_eyes_principle(
                frame, one, other, parameters={ltl_checker.Parameters.POSITIVE: False}
            )
        mine = found.get(f"rule_{number}", set())
        repeated = Counter(event.case for event in events if event.activity == other)
        assert mine >= set(same[CASE]), (one, other)
        assert {case for case in mine if repeated[case] == 1} == {case for case in same[CASE] if repeated[case] == 1}
    assert found
