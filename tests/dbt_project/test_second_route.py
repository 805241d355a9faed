"""Order to cash and lead to order by a second, independent way: plain Python over the tables of a real Odoo.

Nothing of the models is used: no staging, no shared SQL. One pass over each table, dictionaries instead of joins.
"""

import gzip
import os
import subprocess
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row

from extractors import pipeline
from sluice import transform
from sluice.pseudonyms import Pseudonymiser
from sluice.runs import RunContext, as_of_day
from sluice.warehouse import embedded, migrate

DAY = date(2026, 11, 22)


class Source:
    """The tables that the second route reads, whole, as dictionaries."""

    def __init__(self, url: str):
        self.db = psycopg.connect(url, row_factory=dict_row)
        self.login = {row["id"]: row["login"] for row in self.rows("res_users")}
        fields = {row["id"]: row["name"] for row in self.rows("ir_model_fields")}
        messages = {row["id"]: row for row in self.rows("mail_message")}
        self.log = defaultdict(list)  # (model, document id) -> [(field, old and new label, new integer, time, login)]
        for row in self.rows("mail_tracking_value"):
            head = messages[row["mail_message_id"]]
            self.log[head["model"], head["res_id"]].append(
                (
                    fields.get(row["field_id"]),
                    row["old_value_char"],
                    row["new_value_char"],
                    row["new_value_integer"],
                    head["date"],
                    self.login[head["create_uid"]] if head["create_uid"] else None,
                )
            )

    def rows(self, table: str) -> list[dict]:
        return self.db.execute(f"select * from {table}").fetchall()

    def created(self, row: dict) -> tuple:
        return row["create_date"], self.login[row["create_uid"]]


def _order_to_cash(source: Source) -> Counter:
    found = Counter()

    def add(case: str, activity: str, when, login) -> None:
        found[case, activity, when, login] += 1

    order_of_line = {row["id"]: row["order_id"] for row in source.rows("sale_order_line")}
    move_of_line = {row["id"]: row["move_id"] for row in source.rows("account_move_line")}
    moves = {row["id"]: row for row in source.rows("account_move")}
    payments = {row["id"]: row for row in source.rows("account_payment")}
    incoming = {row["id"]: row["code"] == "incoming" for row in source.rows("stock_picking_type")}
    outgoing = {row["id"]: row["code"] == "outgoing" for row in source.rows("stock_picking_type")}
    invoices_of, payments_of, pickings_of = defaultdict(set), defaultdict(set), defaultdict(list)
    for link in source.rows("sale_order_line_invoice_rel"):
        invoices_of[order_of_line[link["order_line_id"]]].add(move_of_line[link["invoice_line_id"]])
    for link in source.rows("account_move__account_payment"):
        payments_of[link["invoice_id"]].add(link["payment_id"])
    for row in source.rows("stock_picking"):
        pickings_of[row["sale_id"]].append(row)
    for order in source.rows("sale_order"):
        case = order["name"]
        add(case, "Create Quotation", *source.created(order))
        is_confirmed = False
        for field, _, new, _, when, login in source.log["sale.order", order["id"]]:
            if field == "amount_untaxed":
                add(case, "Change Price", when, login)
            elif field == "state":
                is_confirmed |= new == "Sales Order"
                names = {
                    "Quotation Sent": "Send Quotation",
                    "Sales Order": "Confirm Order",
                    "Cancelled": "Cancel Order",
                    "Quotation": "Reopen Quotation",
                }
                add(case, names[new], when, login)
        if order["state"] == "sale" and not is_confirmed:
            add(case, "Confirm Order", order["date_order"], None)
        for picking in pickings_of[order["id"]]:
            name = (
                "Receive Return"
                if incoming[picking["picking_type_id"]]
                else "Deliver Goods"
                if outgoing[picking["picking_type_id"]]
                else None
            )
            logged = [
                (new, when, login)
                for field, _, new, _, when, login in source.log["stock.picking", picking["id"]]
                if field == "state"
            ]
            if name and any(new == "Done" for new, _, _ in logged):
                for new, when, login in logged:
                    if new == "Done":
                        add(case, name, when, login)
            elif name and picking["state"] == "done":
                add(case, name, picking["date_done"], source.login[picking["write_uid"]])
            for new, when, login in logged:
                if new == "Cancelled":
                    add(case, "Cancel Delivery", when, login)
        for move in (moves[number] for number in invoices_of[order["id"]]):
            if move["move_type"] not in ("out_invoice", "out_refund"):
                continue
            word = "Credit Note" if move["move_type"] == "out_refund" else "Invoice"
            add(case, f"Create {word}", *source.created(move))
            for field, _, new, _, when, login in source.log["account.move", move["id"]]:
                if field == "state":
                    names = {"Posted": f"Post {word}", "Cancelled": "Cancel Invoice", "Draft": "Reset Invoice to Draft"}
                    add(case, names[new], when, login)
        for number in {payment for move in invoices_of[order["id"]] for payment in payments_of[move]}:
            if payments[number]["state"] != "draft":
                add(case, "Register Payment", *source.created(payments[number]))
    return found


def _lead_to_order(source: Source) -> Counter:
    found = Counter()

    def add(case: str, activity: str, when, login) -> None:
        found[case, activity, when, login] += 1

    stages = {row["id"]: row for row in source.rows("crm_stage")}
    orders_of = defaultdict(list)
    for order in source.rows("sale_order"):
        orders_of[order["opportunity_id"]].append(order)
    for lead in source.rows("crm_lead"):
        case = f"LEAD/{lead['id']}"
        add(case, "Create Lead", *source.created(lead))
        if lead["type"] == "opportunity" and lead["date_conversion"]:
            add(case, "Convert to Opportunity", lead["date_conversion"], None)
        for field, _, _, number, when, login in source.log["crm.lead", lead["id"]]:
            if field == "stage_id":
                stage = stages[number]
                add(case, "Win Opportunity" if stage["is_won"] else f"Move to {stage['name']['en_US']}", when, login)
            elif field == "active":
                add(case, "Restore Opportunity" if number else "Lose Opportunity", when, login)
            elif field == "expected_revenue":
                add(case, "Change Expected Revenue", when, login)
        for order in orders_of[lead["id"]]:
            add(case, "Create Quotation", *source.created(order))
            is_confirmed = False
            for field, _, new, _, when, login in source.log["sale.order", order["id"]]:
                name = {"Quotation Sent": "Send Quotation", "Sales Order": "Confirm Order", "Cancelled": "Cancel Order"}
                if field == "state" and new in name:
                    is_confirmed |= new == "Sales Order"
                    add(case, name[new], when, login)
            if order["state"] == "sale" and not is_confirmed:
                add(case, "Confirm Order", order["date_order"], None)
    return found


@pytest.fixture(scope="module")
def real_odoo(server, real_data) -> str:
    """The real Odoo database, restored on the session's server."""
    dump = gzip.decompress(real_data("odoo/odoo.sql.gz").read_bytes())
    with psycopg.connect(embedded.url(server, "postgres"), autocommit=True) as db:
        db.execute("create database real_odoo_second_route")
    url = embedded.url(server, "real_odoo_second_route")
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}
    env = os.environ | {names[key]: value for key, value in conninfo_to_dict(url).items() if key in names}
    subprocess.run([embedded.binary("psql"), "-q"], input=dump, env=env, check=True, capture_output=True)
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("analyze")
    return url


@pytest.mark.slow
def test_sales_processes_of_a_real_odoo_agree_with_plain_python(settings, real_odoo, dbt_home):
    ready = replace(settings, home=dbt_home, source_urls={"odoo": real_odoo}, pseudonym_key_hex="5a" * 32)
    migrate(ready.warehouse_url)
    load = RunContext("extract__odoo/2026-11-22/1", "odoo", DAY, as_of_day(DAY))
    pipeline.land(ready, "odoo", pipeline.copy(ready, "odoo", load), load)
    transform.stage(ready, "odoo")
    source, keyed = Source(real_odoo), Pseudonymiser(ready.pseudonym_key)
    for process, second_route in (("order_to_cash", _order_to_cash), ("lead_to_order", _lead_to_order)):
        transform.build(ready, process, RunContext(f"mine__{process}/2026-11-22/1", process, DAY, as_of_day(DAY)))
        expected = Counter()
        for (case, activity, when, login), count in second_route(source).items():
            expected[case, activity, when, login and keyed.person("erp_login", login)] += count
        with psycopg.connect(ready.warehouse_url) as db:
            found = Counter(
                db.execute(f"""select case_id, activity, occurred_at at time zone 'UTC', resource
                                           from candidate.{process}__events""").fetchall()
            )
        assert found - expected == Counter(), f"{process}: more than the tables hold"
        assert expected - found == Counter(), f"{process}: less than the tables hold"
        assert found.total() > 2000
        transform.test(ready, process)
