"""Conformance in the warehouse: what nights of changes leave equals a full rebuild; lineage leads to the events."""

import psycopg
import pytest

from mining_tasks import terms
from mining_tasks.alignments_model import Reference
from mining_tasks.rules.declaration import read_rules
from mining_tasks.rules.tables import TABLES, Norm
from sluice.errors import SluiceError
from tests.mining_tasks.test_runner import everything, night, some_cases

RULES = [
    {"name": "checked_first", "rule": "precedence", "activities": ["check", "pay"]},
    {"name": "paid", "rule": "response", "activities": ["order", "pay"]},
    {"name": "paid_soon", "rule": "time_limit", "activities": ["order", "pay"], "at_most": "2 days"},
    {"name": "two_persons", "rule": "four_eyes", "activities": ["order", "check"]},
    {"name": "dear", "rule": "amount_limit", "activities": ["check"], "attribute": "amount", "above": 9.5},
    {"name": "two_orders", "rule": "absence", "activities": ["order"], "count": 2},
]
MODEL = "->( 'order', *( 'check', tau ), X( tau, 'étape ✓' ), 'pay' )"


@pytest.fixture(autouse=True)
def norm(monkeypatch):
    monkeypatch.setattr(terms, "norm_of", lambda *_: Norm(read_rules("here", RULES), Reference(MODEL)))


def test_nights_equal_a_full_rebuild(settings):
    first, second = some_cases(1), some_cases(2)
    night(settings, 1, first)
    before = everything(settings.warehouse_url)
    assert all(before[table] for table in TABLES)
    changed = {name: second[name] for name in list(second)[:6]} | {"new": second["case 9"]}
    night(settings, 2, changed, touched={"case 20"}, quarantined={"case 3": "planted"})
    by_nights = everything(settings.warehouse_url)
    assert by_nights["violations"] != before["violations"]
    whole = {name: steps for name, steps in (first | changed).items() if name not in ("case 3", "case 20")}
    night(settings, 3, whole, is_full=True)
    assert everything(settings.warehouse_url) == by_nights


def test_every_violation_leads_to_its_events_and_its_persons(settings):
    night(settings, 1, some_cases(4))
    with psycopg.connect(settings.warehouse_url) as db:
        lost = """select count(*) from mining.violations as v where v.process = 'demo' and (
            (v.event_seq > 0 and not exists (select from event_log.events as e where e.process = v.process
                and e.case_key = v.case_key and e.case_id = v.case_id and e.event_seq = v.event_seq
                and e.activity = v.activity))
            or (v.related_event_seq is not null and not exists (select from event_log.events as e
                where e.process = v.process and e.case_key = v.case_key and e.event_seq = v.related_event_seq
                and e.activity = v.related_activity)))"""
        assert db.execute(lost).fetchone() == (0,)
        counts = """select r.rule, r.violation_count, (select count(*) from mining.violations as v where v.rule = r.rule)
            from mining.rule_results as r"""
        rows = db.execute(counts).fetchall()
        assert len(rows) == len(RULES) and all(one == other for _, one, other in rows)
        same = """select count(*), count(*) filter (where resource = related_resource)
            from bi_audit.violation_resources where rule = 'two_persons'"""
        found, by_one = db.execute(same).fetchone()
        assert found == by_one > 0


def test_an_attribute_that_is_not_there_or_no_number_is_one_line(settings, monkeypatch):
    for name, said in (
        ("weight", "attribute weight: expected a column of numbers in demo__attributes, there is none"),
        ("currency", "attribute currency: expected a column of numbers in demo__attributes, found text"),
    ):
        rules = read_rules("here", [RULES[4] | {"attribute": name}])
        monkeypatch.setattr(terms, "norm_of", lambda *_, rules=rules: Norm(rules))
        with pytest.raises(SluiceError, match=said):
            night(settings, 1, some_cases(5, 2))
