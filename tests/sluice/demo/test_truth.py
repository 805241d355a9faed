"""The tables tell the truth: events read from Odoo's own tables by plain SQL are those of the truth files."""

import csv
from collections import Counter
from datetime import date

import psycopg
import pytest

CHANGES = """
changes as (
    select m.model, m.res_id, to_char(m.date, 'YYYY-MM-DD HH24:MI:SS') as at, f.name as field, t.*,
        s.name ->> 'en_US' as subtype
    from mail_message m
    join mail_tracking_value t on t.mail_message_id = m.id
    join ir_model_fields f on f.id = t.field_id
    left join mail_message_subtype s on s.id = m.subtype_id
),
"""
PURCHASING = f"""
with {CHANGES}
bills as (
    select b.id, o.name from account_move b
    join account_move_purchase_order_rel r on r.account_move_id = b.id
    join purchase_order o on o.id = r.purchase_order_id
)
select name, 'Create RFQ', to_char(create_date, 'YYYY-MM-DD HH24:MI:SS') from purchase_order
union all
select o.name, case c.subtype when 'RFQ Sent' then 'Send RFQ' when 'RFQ Approved' then 'Approve PO'
    when 'RFQ Confirmed' then case c.new_value_char when 'To Approve' then 'Request Approval' else 'Confirm PO' end
    else 'Cancel PO' end, c.at
from changes c join purchase_order o on o.id = c.res_id where c.model = 'purchase.order' and c.field = 'state'
union all
select o.name, case c.field when 'acknowledged' then 'Vendor Acknowledges' else 'Change Price' end, c.at
from changes c join purchase_order o on o.id = c.res_id
where c.model = 'purchase.order' and c.field in ('acknowledged', 'amount_untaxed')
union all
select p.origin, 'Receive Goods', c.at
from changes c join stock_picking p on p.id = c.res_id
where c.model = 'stock.picking' and c.new_value_char = 'Done' and p.sale_id is null
union all
select b.name, 'Create Vendor Bill', to_char(m.create_date, 'YYYY-MM-DD HH24:MI:SS')
from bills b join account_move m on m.id = b.id
union all
select b.name, case c.new_value_char when 'Posted' then 'Post Vendor Bill' else 'Cancel Vendor Bill' end, c.at
from changes c join bills b on b.id = c.res_id where c.model = 'account.move' and c.field = 'state'
union all
select b.name, 'Register Payment', to_char(p.create_date, 'YYYY-MM-DD HH24:MI:SS')
from account_payment p join account_move__account_payment l on l.payment_id = p.id join bills b on b.id = l.invoice_id
"""
SELLING = f"""
with {CHANGES}
invoices as (
    select distinct l.move_id as id, o.name from sale_order_line_invoice_rel r
    join account_move_line l on l.id = r.invoice_line_id
    join sale_order_line s on s.id = r.order_line_id join sale_order o on o.id = s.order_id
)
select name, 'Create Quotation', to_char(create_date, 'YYYY-MM-DD HH24:MI:SS') from sale_order
union all
select o.name, case c.new_value_char when 'Quotation Sent' then 'Send Quotation' when 'Sales Order' then 'Confirm Order'
    else 'Cancel Order' end, c.at
from changes c join sale_order o on o.id = c.res_id where c.model = 'sale.order' and c.field = 'state'
union all
select o.name, 'Change Price', c.at
from changes c join sale_order o on o.id = c.res_id where c.model = 'sale.order' and c.field = 'amount_untaxed'
union all
select o.name, 'Deliver Goods', c.at
from changes c join stock_picking p on p.id = c.res_id join sale_order o on o.id = p.sale_id
where c.model = 'stock.picking' and c.new_value_char = 'Done'
union all
select i.name, 'Create Invoice', to_char(m.create_date, 'YYYY-MM-DD HH24:MI:SS')
from invoices i join account_move m on m.id = i.id
union all
select i.name, 'Post Invoice', c.at from changes c join invoices i on i.id = c.res_id
where c.model = 'account.move' and c.new_value_char = 'Posted'
union all
select i.name, 'Register Payment', to_char(p.create_date, 'YYYY-MM-DD HH24:MI:SS')
from account_payment p join account_move__account_payment l on l.payment_id = p.id
join invoices i on i.id = l.invoice_id
"""
LEADS = f"""
with {CHANGES}
orders as (select *, 'LEAD/' || opportunity_id as lead from sale_order where opportunity_id is not null)
select 'LEAD/' || id, 'Create Lead', to_char(create_date, 'YYYY-MM-DD HH24:MI:SS') from crm_lead
union all
select 'LEAD/' || id, 'Convert to Opportunity', to_char(date_conversion, 'YYYY-MM-DD HH24:MI:SS') from crm_lead
where date_conversion is not null
union all
select 'LEAD/' || c.res_id, case when c.field = 'active' then 'Lose Opportunity'
    when c.field = 'expected_revenue' then 'Change Expected Revenue' when s.is_won then 'Win Opportunity'
    else 'Move to ' || (s.name ->> 'en_US') end, c.at
from changes c left join crm_stage s on c.field = 'stage_id' and s.id = c.new_value_integer
where c.model = 'crm.lead' and c.field in ('active', 'stage_id', 'expected_revenue')
union all
select lead, 'Create Quotation', to_char(create_date, 'YYYY-MM-DD HH24:MI:SS') from orders
union all
select o.lead, case c.new_value_char when 'Quotation Sent' then 'Send Quotation' when 'Sales Order' then 'Confirm Order'
    else 'Cancel Order' end, c.at
from changes c join orders o on o.id = c.res_id where c.model = 'sale.order' and c.field = 'state'
"""


@pytest.mark.parametrize(
    ("process", "query"), [("purchase_to_pay", PURCHASING), ("order_to_cash", SELLING), ("lead_to_order", LEADS)]
)
def test_events_in_the_tables_are_the_truth(made, process: str, query: str) -> None:
    with psycopg.connect(made.url) as db:
        found = Counter(db.execute(query).fetchall())
    with open(made.state.truth / f"{process}.csv", newline="") as file:
        truth = Counter((row["case_id"], row["activity"], row["timestamp_utc"]) for row in csv.DictReader(file))
    assert sum(truth.values()) > 100
    assert found - truth == Counter()
    assert truth - found == Counter()


def test_the_tables_have_the_quirks_of_odoo(made) -> None:
    with psycopg.connect(made.url) as db:

        def one(query: str) -> object:
            return db.execute(query).fetchone()[0]

        assert one("select count(*) from account_move where state <> 'posted' and (name is null or name = '/')") > 0
        assert one("select count(*) from account_move where state = 'posted' and (name is null or name = '/')") == 0
        assert one("select count(*) from stock_picking where backorder_id is not null") > 0
        assert one("select count(distinct company_id) from purchase_order") == 2
        assert one("select count(distinct currency_id) from purchase_order") >= 3
        assert one("select count(*) from purchase_order a join purchase_order b on a.name < b.name and a.id > b.id") > 0
        assert one("select count(*) from mail_message where create_uid = 1 and model = 'purchase.order'") > 0
        assert one("select bool_and(write_date >= create_date) from purchase_order")
        assert one("select max(write_date)::date from mail_message where date < '2099-01-01'") == made.state.day
        assert (
            one(
                "select count(*) from purchase_order o where amount_total <> "
                "(select sum(price_subtotal) from purchase_order_line l where l.order_id = o.id)"
            )
            == 0
        )
        assert (
            one("select count(*) from purchase_order where abs(amount_total_cc - amount_total / currency_rate) > 0.01")
            == 0
        )
        assert (
            one("""select count(*) from (select date, lag(date) over (partition by res_id order by id) as before
                      from mail_message where model = 'crm.lead') m where date < before""")
            == 0
        )
        tied = """select count(*) from (select r.purchase_order_id, m.date from mail_message m
                  join purchase_order_stock_picking_rel r on m.model = 'stock.picking' and m.res_id = r.stock_picking_id
                  intersect select res_id, date from mail_message where model = 'purchase.order') x"""
        assert one(tied) > 0


def test_nothing_happens_outside_working_hours(made) -> None:
    with psycopg.connect(made.url) as db:
        days = db.execute("select distinct date::date from mail_message where date = write_date").fetchall()
        hours = db.execute(
            "select min(date::time)::text, max(date::time)::text from mail_message where date < '2099-01-01'"
        ).fetchone()
    assert all(day.weekday() < 5 and day != date(2025, 4, 21) for (day,) in days)
    assert "08:00:00" <= hours[0] <= hours[1] < "17:00:00"
