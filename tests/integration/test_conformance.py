"""Rules and reference model through a whole night: what is published equals what SQL says of the published log."""

from dataclasses import replace

import psycopg
import pytest

from sluice import demo
from sluice.readers import AUDITOR, READER
from sluice.transform import build_bi

SECOND_ROUTE = {
    "approved_before_billed": """
        select b.case_id, b.event_seq from e as b where b.activity = 'Create Vendor Bill' and not exists (
            select from e as a where a.case_key = b.case_key and a.event_seq < b.event_seq
                and a.activity in ('Approve PO', 'Confirm PO'))""",
    "price_stays_as_approved": """
        select a.case_id, a.event_seq from e as a where a.activity in ('Approve PO', 'Confirm PO') and exists (
            select from e as b where b.case_key = a.case_key and b.event_seq > a.event_seq
                and b.activity = 'Change Price')""",
    "one_bill": """
        select case_id, event_seq from (
            select case_id, event_seq, row_number() over (partition by case_key order by event_seq) as n from e
            where activity = 'Post Vendor Bill') as p where n = 2""",
    "approval_above_limit": """
        select r.case_id, r.event_seq from e as r
        inner join event_log.purchase_to_pay_attributes as t on t.case_key = r.case_key and t.amount_untaxed > 1500
        where r.activity = 'Receive Goods'
            and not exists (select from e as f where f.case_key = r.case_key and f.event_seq < r.event_seq
                and f.activity = 'Receive Goods')
            and not exists (select from e as a where a.case_key = r.case_key and a.event_seq < r.event_seq
                and a.activity = 'Approve PO')""",
    "paid_in_time": """
        select p.case_id, p.event_seq from e as p
        inner join event_log.cases as c on c.process = 'purchase_to_pay' and c.case_key = p.case_key
        left join lateral (select occurred_at from e as r where r.case_key = p.case_key and r.event_seq > p.event_seq
                and r.activity = 'Register Payment' order by r.event_seq limit 1) as paid on true
        where p.activity = 'Post Vendor Bill'
            and (paid.occurred_at > p.occurred_at + interval '14 days' or (paid.occurred_at is null and not c.is_open))""",
    "buyers_do_not_approve": """
        select b.case_id, b.event_seq from e as b where b.activity = 'Approve PO' and exists (
            select from e as a where a.case_key = b.case_key and a.activity = 'Create RFQ' and a.resource = b.resource)""",
}
LOG = "with e as (select * from event_log.events where process = 'purchase_to_pay') "


@pytest.mark.slow
def test_a_night_publishes_violations_and_deviations(settings, make_database, night, tmp_path):
    url = make_database()
    state = demo.ensure(settings, url=url, cases=150, seed=5, folder=tmp_path / "demo", desktop_limit=0)
    ready = replace(settings, source_urls={"odoo": url}, person_map=state.person_map)
    for number in range(2):
        assert night(ready, state.day, processes=("purchase_to_pay", "order_to_cash")).errors == {}, number
        state = demo.advance(settings, url=url, folder=state.folder)
    build_bi(ready)
    with psycopg.connect(settings.warehouse_url) as db:
        for rule, query in SECOND_ROUTE.items():
            found = db.execute(
                "select case_id, event_seq from mining.violations where process = 'purchase_to_pay' and rule = %s",
                (rule,),
            ).fetchall()
            assert sorted(found) == sorted(db.execute(LOG + query).fetchall()), rule
            counted = db.execute(
                """select violation_count, violating_case_count from bi.rule_results
                   where process = 'purchase_to_pay' and rule = %s""",
                (rule,),
            ).fetchone()
            assert counted == (len(found), len({case for case, _ in found}))
        overdue = """
            select o.case_id, o.event_seq from mining.obligations as o inner join event_log.processes as p
                on o.process = p.process
            where o.process = 'purchase_to_pay' and o.rule = 'paid_in_time' and o.due_at < p.as_of"""
        assert (
            db.execute(overdue).fetchall()
            == db.execute(
                "select case_id, event_seq from bi.obligations where process = 'purchase_to_pay' and is_overdue"
            ).fetchall()
        )
        fitting, cases, open_cases = db.execute(
            """select k.fitting_case_count, k.case_count, (select count(*) from event_log.cases as c
                   where c.process = k.process and c.is_open) from bi.conformance_kpis as k
               where process = 'purchase_to_pay' and model_source = 'declared'"""
        ).fetchone()
        deviating, total = db.execute(
            """select count(distinct case_key), (select count(*) from event_log.cases
                   where process = 'purchase_to_pay') from bi.case_deviations where process = 'purchase_to_pay'"""
        ).fetchone()
        assert (fitting + deviating, cases + open_cases) == (cases, total) and fitting and deviating
        assert db.execute(
            "select sum(deviation_count) from bi.deviations where process = 'purchase_to_pay'"
        ).fetchone() == (
            db.execute("select count(*) from bi.case_deviations where process = 'purchase_to_pay'").fetchone()
        )
        assert db.execute(
            "select model_source from bi.conformance_kpis where process = 'order_to_cash'"
        ).fetchone() == ("happy path",)
        for role, may in ((READER, False), (AUDITOR, True)):
            assert db.execute(
                "select has_table_privilege(%s, 'bi_audit.violation_resources', 'select')", (role,)
            ).fetchone() == (may,)
            assert db.execute("select has_table_privilege(%s, 'bi.violations', 'select')", (role,)).fetchone() == (
                True,
            )
        persons = db.execute(
            "select column_name from information_schema.columns where table_schema = 'bi' and column_name like '%resource'"
        ).fetchall()
        assert persons == []
        assert (
            db.execute(
                """select count(*), count(resource) from bi_audit.violation_resources
               where process = 'purchase_to_pay' and rule = 'price_stays_as_approved'"""
            ).fetchone()
            == db.execute(
                """select count(*), count(*) from mining.violations
               where process = 'purchase_to_pay' and rule = 'price_stays_as_approved'"""
            ).fetchone()
        )
