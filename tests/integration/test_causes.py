"""Causes through a whole night: the demo company's late supplier is found first; counts are those of SQL on the published log."""

import json
from pathlib import Path

import psycopg
import pytest

from mining_tasks import io
from mining_tasks.terms import suspected_of

HAS = {
    "slow": "k.throughput_seconds > (select threshold_seconds from bi.cause_kpis where process = c.process and outcome = 'slow')",
    "violating": "exists (select from bi.violations as v where v.process = c.process and v.case_id = c.case_id)",
    "reworked": "k.rework_count > 0",
}
COMPARISONS = {"=": "a.{0}::text = %s", "<=": "a.{0} <= %s::float8", ">": "a.{0} > %s::float8"}


def counted(db, outcome: str, conditions: list[tuple[str, str, str]]) -> tuple:
    """Closed cases that meet the conditions, those of them with the outcome, and the same of the others."""
    met = " and ".join(COMPARISONS[comparison].format(name) for name, comparison, _ in conditions)
    return db.execute(
        f"""with found as (
                select coalesce({met}, false) as is_met, {HAS[outcome]} as has
                from bi.cases as c inner join bi.case_kpis as k using (process, case_id)
                inner join event_log.purchase_to_pay_attributes as a on c.case_key = a.case_key
                where c.process = 'purchase_to_pay' and not c.is_open)
            select count(*) filter (where is_met), count(*) filter (where is_met and has),
                   count(*) filter (where not is_met), count(*) filter (where not is_met and has) from found""",
        [value for *_, value in conditions],
    ).fetchone()


@pytest.mark.slow
def test_the_late_supplier_is_the_first_cause_and_counts_are_those_of_the_log(settings, planted_company):
    url, state = planted_company(2500, 9, late_supplier=True)
    (truth,) = Path(state.folder).rglob("planted.json")
    late = json.loads(truth.read_text())["people"]["late_supplier_partner_id"]
    with psycopg.connect(url) as db:
        orders = [
            name for (name,) in db.execute("select name from purchase_order where partner_id = %s", (late,)).fetchall()
        ]
    with psycopg.connect(settings.warehouse_url) as db:
        vendors = db.execute(
            "select distinct vendor from event_log.purchase_to_pay_attributes where case_id = any (%s)", (orders,)
        ).fetchall()
        assert len(vendors) == 1
        first = db.execute(
            "select attribute, comparison, value, and_attribute from bi.causes where outcome = 'slow' and rank = 1"
        ).fetchone()
        assert first == ("vendor", "=", vendors[0][0], None)
        causes = db.execute(
            """select outcome, attribute, comparison, value, and_attribute, and_comparison, and_value, case_count,
                      outcome_count, share, share_elsewhere from bi.causes"""
        ).fetchall()
        for outcome, *described, cases, count, share, elsewhere in causes:
            conditions = [tuple(described[:3]), *([tuple(described[3:])] if described[3] else [])]
            met, with_it, others, others_with = counted(db, outcome, conditions)
            assert (met, with_it) == (cases, count), (outcome, conditions)
            assert (share, elsewhere) == pytest.approx((with_it / met, others_with / others))
        assert db.execute(
            "select outcome, cause_count from bi.cause_kpis where process = 'purchase_to_pay' order by outcome"
        ).fetchall() == [
            (outcome, sum(cause[0] == outcome for cause in causes)) for outcome in ("reworked", "slow", "violating")
        ]
        for table in ("candidate.purchase_to_pay__attributes", "event_log.purchase_to_pay_attributes"):
            db.execute(f"alter table {table} add column buyer text")
            db.execute(
                f"""update {table} as a set buyer =
                    (select min(resource) from event_log.events as e where e.case_key = a.case_key)"""
            )
        db.commit()
    log = io.read_log(settings.warehouse_url, "purchase_to_pay")
    suspected = suspected_of(settings.warehouse_url, "purchase_to_pay", ["buyer", "vendor"], log)
    assert suspected["buyer"].null_count() == len(suspected), "a person is never a cause"
    assert suspected["vendor"].null_count() == 0
