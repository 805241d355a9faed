"""Rules against logs: equal to plain loops over the cases, on every kind of rule; the same from every engine."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mining_tasks.alignments_model import HAPPY_PATH, Reference
from mining_tasks.results import compute
from mining_tasks.rules.check import check_rules
from mining_tasks.rules.declaration import DECLARE, TEMPLATES, Rule, read_rules
from mining_tasks.rules.tables import TABLES, Demands, Norm, measure_conformance
from mining_tasks.variants import discover_variants
from sluice.keys import activity_key, case_key
from tests.mining_tasks.logs import ENGINES, Event, log_of, on_engine, plain, random_events
from tests.mining_tasks.reference import cases_of
from tests.mining_tasks.rules import by_hand

UNARY = ("existence", "absence", "exactly", "init", "last", "amount_limit")
SECOND = 1_000_000


def check(events: list[Event], rules, *, open_cases=frozenset(), amounts=None, engine="polars"):
    log = log_of(events, open_cases=open_cases)
    attributes = pl.DataFrame(
        {
            "case_key": [case_key("test", case) for case in cases_of(events)],
            "amount": [(amounts or {}).get(case) for case in cases_of(events)],
        },
        schema={"case_key": pl.Int64, "amount": pl.Float64},
    )
    frame = on_engine(log.events, engine)
    return check_rules(
        rules,
        events=frame,
        variants=discover_variants(frame, names=log.activities),
        cases=log.cases,
        attributes=attributes,
    )


def second_way(events, rule: Rule, amounts) -> dict[str, tuple[int, list[by_hand.Broken]]]:
    sides = [set(side) for side in rule.sides]
    found = {}
    for case, row in cases_of(events).items():
        names = [event.activity for event in row]
        if rule.template in DECLARE:
            found[case] = by_hand.declare(rule.template, names, *sides, n=rule.count)
        elif rule.template == "amount_limit":
            is_above = amounts[case] is not None and amounts[case] > rule.above
            found[case] = by_hand.amount(names, is_above, sides[0], set(rule.before))
        elif rule.template == "time_limit":
            found[case] = by_hand.time(row, *sides, rule.at_most_us, rule.at_least_us)
        else:
            found[case] = by_hand.duties(row, sides)
    return found


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    template = draw(st.sampled_from(TEMPLATES))
    names = draw(st.permutations(["a", "b", "c", "never"]))
    if template == "four_eyes" and draw(st.booleans()):
        entry = {"activities": [names[0], names[0]]}
    elif template in UNARY:
        entry = {"activities": [names[: draw(st.integers(1, 2))]]}
    elif template == "segregation_of_duties" and draw(st.booleans()):
        entry = {"activities": names[:3]}
    else:
        cut = draw(st.integers(1, 2))
        entry = {"activities": [names[:cut], names[cut : cut + draw(st.integers(1, 2))]]}
    if template in ("existence", "absence", "exactly"):
        entry["count"] = draw(st.integers(1, 3))
    if template == "amount_limit":
        entry |= {"attribute": "amount", "above": draw(st.sampled_from([0, 1.5, 2]))}
        if draw(st.booleans()):
            entry["before"] = [names[3]]
    if template == "time_limit":
        limits = draw(st.sampled_from([("at_most",), ("at_least",), ("at_most", "at_least")]))
        entry |= {limit: f"{draw(st.integers(0, 1)) + (limit == 'at_most')} seconds" for limit in limits}
    return read_rules("here", [{"name": "rule", "rule": template, **entry}])[0]


@settings(max_examples=50, deadline=None)
@given(random_events(), st.lists(rules(), min_size=1, max_size=4), st.data())
def test_every_kind_of_rule_equals_plain_loops(events, chosen, data):
    names = list(cases_of(events))
    open_cases = set(data.draw(st.lists(st.sampled_from(names))))
    amounts = {case: data.draw(st.sampled_from([None, 0.0, 1.5, 2.0, 3.0])) for case in names}
    chosen = [Rule(**(vars(rule) | {"name": f"rule_{n}"})) for n, rule in enumerate(chosen)]
    checked = check(events, chosen, open_cases=open_cases, amounts=amounts)
    results = {row["rule"]: row for row in checked.results.iter_rows(named=True)}
    assert [row["rule_number"] for row in results.values()] == list(range(1, len(chosen) + 1))
    for rule in chosen:
        expected = second_way(events, rule, amounts)
        violations, pending = set(), set()
        for case, (_, broken) in expected.items():
            for one in broken:
                is_pending = one.is_curable and case in open_cases
                (pending if is_pending else violations).add((case, one.at, one.clash or None))
        found = checked.violations.to_native().filter(pl.col("rule") == rule.name)
        assert set(found.select("case_id", "event_seq", "related_event_seq").iter_rows()) == violations, rule
        owed = checked.obligations.to_native().filter(pl.col("rule") == rule.name)
        assert set(owed.select("case_id", "event_seq").iter_rows()) == {key[:2] for key in pending}, rule
        row = results[rule.name]
        applying = sum(active > 0 for active, _ in expected.values())
        violating = len({case for case, *_ in violations})
        assert row["activation_count"] == sum(active for active, _ in expected.values()), rule
        assert (row["case_count"], row["violating_case_count"]) == (applying, violating), rule
        assert (row["violation_count"], row["pending_count"]) == (len(violations), len(pending))
        assert row["pending_case_count"] == len({case for case, *_ in pending})
        assert row["violating_case_share"] == (violating / applying if applying else None)
        for where in (found, owed):
            for case, seq, key in where.select("case_id", "event_seq", "activity_key").iter_rows():
                activity = cases_of(events)[case][seq - 1].activity if seq else None
                assert key == (None if activity is None else activity_key(activity))
        for case, seq, due in owed.select("case_id", "event_seq", "due_us").iter_rows():
            if rule.template == "time_limit":
                assert due == cases_of(events)[case][seq - 1].at + rule.at_most_us
            else:
                assert due is None


EVENTS = [
    Event("1", "order", 0, person="ann"),
    Event("1", "approve", 10 * SECOND, person="ann"),
    Event("1", "pay", 90 * SECOND, person="bob"),
    Event("2", "order", 0, person="ann"),
    Event("2", "pay", 20 * SECOND, person="cid"),
    Event("2", "approve", 30 * SECOND, person="cid"),
    Event("3", "order", 5 * SECOND, person=None),
    Event("3", "approve", 6 * SECOND, person="bob"),
]
RULES = [
    {"name": "approved_before_paid", "rule": "precedence", "activities": ["approve", "pay"]},
    {"name": "paid", "rule": "response", "activities": ["order", "pay"]},
    {"name": "not_by_one", "rule": "four_eyes", "activities": ["order", "approve"]},
    {"name": "three_hands", "rule": "segregation_of_duties", "activities": ["order", "approve", "pay"]},
    {"name": "paid_soon", "rule": "time_limit", "activities": ["approve", "pay"], "at_most": "1 minute"},
    {
        "name": "dear",
        "rule": "amount_limit",
        "activities": ["approve"],
        "attribute": "amount",
        "above": 10,
        "before": "pay",
    },
]


def test_by_hand():
    checked = check(EVENTS, read_rules("here", RULES), open_cases={"3"}, amounts={"1": 99.0, "2": 10.5, "3": 99.0})
    rows = checked.violations.to_native().drop("case_key", "activity_key", "related_activity_key").rows()
    assert rows == sorted(
        [
            ("approved_before_paid", "2", 2, None, "approve before pay"),
            ("not_by_one", "1", 2, 1, "order and approve: by different persons"),
            ("three_hands", "1", 2, 1, "order, approve and pay: by different persons"),
            ("three_hands", "2", 3, 2, "order, approve and pay: by different persons"),
            ("paid_soon", "1", 2, 3, "pay within 1 minute after approve"),
            ("paid_soon", "2", 3, None, "pay within 1 minute after approve"),
            ("dear", "2", 2, None, "approve where amount is above 10, before pay"),
        ],
        key=lambda row: (row[0], case_key("test", row[1])),
    )
    owed = checked.obligations.to_native().drop("case_key", "activity_key").rows()
    assert owed == [
        ("paid", "3", 1, "pay after order", None),
        ("paid_soon", "3", 2, "pay within 1 minute after approve", 66 * SECOND),
    ]
    counts = checked.results.to_native().select("rule", "case_count", "activation_count", "violating_case_count").rows()
    assert counts == [
        ("approved_before_paid", 2, 2, 1),
        ("paid", 3, 3, 0),
        ("not_by_one", 2, 2, 1),
        ("three_hands", 2, 4, 2),
        ("paid_soon", 3, 3, 2),
        ("dear", 2, 2, 1),
    ]


def test_a_log_without_events_of_a_rule_and_no_rules_at_all():
    unknown = [{"name": f"r_{t}", "rule": t, "activities": ["x"] if t in UNARY else ["x", "y"]} for t in TEMPLATES]
    for entry in unknown:
        entry |= {"attribute": "amount", "above": 1} if entry["rule"] == "amount_limit" else {}
        entry |= {"at_most": "1 day"} if entry["rule"] == "time_limit" else {}
    checked = check(EVENTS, read_rules("here", unknown))
    broken = checked.results.to_native().filter(pl.col("violating_case_count") > 0)["template"].to_list()
    assert broken == ["existence", "exactly", "init", "last"]
    assert [len(frame) for frame in vars(check(EVENTS, ())).values()] == [0, 0, 0]


@pytest.mark.parametrize("engine", ENGINES)
def test_every_engine_gives_the_same(engine):
    expected = check(EVENTS, read_rules("here", RULES), amounts={"1": 99.0})
    found = check(EVENTS, read_rules("here", RULES), amounts={"1": 99.0}, engine=engine)
    for name in ("results", "violations", "obligations"):
        assert plain(getattr(found, name)) == plain(getattr(expected, name)), name


def test_a_log_without_cases_and_one_of_open_cases_alone():
    """Neither has a case to align, nor one to divide by."""
    rules = read_rules("here", RULES)
    for events in ([], [Event("1", "order", 0, person="ann")]):
        log = log_of(events, open_cases={"1"})
        amounts = pl.DataFrame(schema={"case_key": pl.Int64, "amount": pl.Float64})
        for reference in (HAPPY_PATH, Reference("'order'")):
            tables = measure_conformance(log, compute(log, k=5), Demands(Norm(rules, reference), amounts))
            assert set(tables) == set(TABLES) and len(tables["rule_results"]) == len(rules)
            assert not len(tables["conformance_kpis"]) and not len(tables["violations"])
            assert len(tables["obligations"]) == len(events)
