"""Touches a share of the demo company's cases at once: the change of a night whose size a benchmark chooses.

For benchmarks alone: the rows no longer follow from the seed, so the company cannot be moved on afterwards.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

import psycopg

from sluice.demo.company import FIELDS
from sluice.errors import BadInput
from sluice.warehouse import connect

# a case is chosen by a hash of its id, so that the chosen ones are spread evenly
_CHOSEN = """create temporary table chosen on commit drop as
  select case_table, id, row_number() over (order by case_table collate "C", id) as n from (
    select 'purchase_order' as case_table, id from purchase_order union all
    select 'sale_order', id from sale_order union all
    select 'crm_lead', id from crm_lead) as cases
  where mod(hashtextextended(case_table || id, %(seed)s) & 9223372036854775807, 1000000) < %(share)s * 1000000"""
_MODELS = {"purchase_order": "purchase.order", "sale_order": "sale.order", "crm_lead": "crm.lead"}
_AMOUNTS = {"purchase_order": "amount_untaxed", "sale_order": "amount_untaxed", "crm_lead": "expected_revenue"}


@dataclass(frozen=True)
class Touched:
    """What was done: cases touched, rows updated, inserted and deleted, and the moment that the new rows carry."""

    cases: int
    updated: int
    inserted: int
    deleted: int
    at: datetime


def touch(url: str, share: float = 0.01, *, seed: int = 1, at: datetime | None = None) -> Touched:
    """Update, insert and delete rows of about `share` of the purchase orders, sales orders and leads of the source.

    Each chosen case gets a change of its amount: its row and its lines (of a lead: the row) are written, a message and
    its tracked value are new. Every twentieth loses the oldest of its tracked changes (mail_tracking_value) as well.
    at: the moment of it all (naive UTC), by default 12:00 on the day after the latest message; calls with the same
    seed choose the same cases. Raises BadInput where `url` holds no demo company, or share is not in (0, 1].
    """
    if not 0 < share <= 1:
        raise BadInput(f"demo: share: expected more than 0 and at most 1, found {share}")
    with connect(url) as db:
        if not db.execute("select to_regclass('sluice_demo.company') is not null").fetchone()[0]:
            raise BadInput("demo: the database holds no demo company; only one of those can be touched")
        if at is None:
            (last,) = db.execute("select max(write_date)::date from mail_message").fetchone()
            at = datetime.combine(last + timedelta(days=1), time(12))
        db.execute(_CHOSEN, {"share": share, "seed": seed})
        db.execute("analyze chosen")
        (cases,) = db.execute("select count(*) from chosen").fetchone()
        deleted = _delete(db)
        updated, inserted = _change(db, at)
        db.execute("update sluice_demo.company set parameters = parameters || '{\"touched\": true}'")
    return Touched(cases, updated, inserted, deleted, at)


def _delete(db: psycopg.Connection) -> int:
    models = ", ".join(f"('{table}', '{model}')" for table, model in _MODELS.items())
    return db.execute(
        f"""delete from mail_tracking_value where id in (
              select min(t.id) from chosen as c join (values {models}) as m (case_table, model) using (case_table)
              join mail_message as g on g.model = m.model and g.res_id = c.id
              join mail_tracking_value as t on t.mail_message_id = g.id
              where mod(c.n, 20) = 0 group by c.n)"""
    ).rowcount


def _change(db: psycopg.Connection, at: datetime) -> tuple[int, int]:
    """The amount of each chosen case goes up by one, which the change log tells: rows updated, rows inserted."""
    updated = inserted = 0
    messages, changes = (
        db.execute(f"select max(id) from {table}").fetchone()[0] for table in ("mail_message", "mail_tracking_value")
    )
    for table, model in _MODELS.items():
        amount = _AMOUNTS[table]
        total = "" if table == "crm_lead" else ", amount_total = t.amount_total + 1"
        updated += db.execute(
            f"""update {table} as t set {amount} = t.{amount} + 1{total}, write_date = %s
                from chosen as c where c.case_table = %s and c.id = t.id""",
            (at, table),
        ).rowcount
        if table != "crm_lead":
            updated += db.execute(
                f"""update {table}_line as t set write_date = %s
                    from chosen as c where c.case_table = %s and c.id = t.order_id""",
                (at, table),
            ).rowcount
        inserted += db.execute(
            """insert into mail_message (id, res_id, subtype_id, author_id, create_uid, write_uid, model, message_type,
                                         date, create_date, write_date)
               select %s + n, id, 2, 2, 1, 1, %s, 'notification', %s, %s, %s from chosen where case_table = %s""",
            (messages, model, at, at, at, table),
        ).rowcount
        inserted += db.execute(
            f"""insert into mail_tracking_value (id, field_id, mail_message_id, create_uid, write_uid, create_date,
                                                 write_date, old_value_float, new_value_float)
                select %s + c.n, %s, %s + c.n, 1, 1, %s, %s, t.{amount} - 1, t.{amount}
                from chosen as c join {table} as t on t.id = c.id where c.case_table = %s""",
            (changes, FIELDS[model, amount][0], messages, at, at, table),
        ).rowcount
    return updated, inserted
