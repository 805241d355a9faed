"""What becomes an event, counted by hand: an order with all that can happen to it, and the traps of the source."""

from datetime import UTC, datetime, timedelta

import pytest

START = datetime(2025, 3, 3, 9, 0, 0)
P = "purchase_to_pay"


class Writer:
    """Writes documents and their change log; every call is one minute later than the last, unless told otherwise."""

    def __init__(self, odoo, fields):
        self.odoo, self.fields, self.minute, self.message = odoo, fields, 0, 100

    def at(self) -> datetime:
        self.minute += 1
        return START + timedelta(minutes=self.minute)

    def document(self, table: str, number: int, **row) -> None:
        when = row.pop("at", None) or self.at()
        self.odoo.put(table, id=number, create_uid=row.pop("by", 1), create_date=when, **row)

    def change(self, model: str, number: int, field: str, old=None, new=None, *, by=2, at=None, integer=None) -> None:
        self.message += 1
        self.odoo.put("mail_message", id=self.message, model=model, res_id=number, date=at or self.at(), create_uid=by)
        self.odoo.put(
            "mail_tracking_value",
            id=self.message * 10,
            mail_message_id=self.message,
            field_id=self.fields.id(model, field),
            old_value_char=old,
            new_value_char=new,
            new_value_integer=integer,
        )

    def order(self, number: int = 1, name: str = "P1", **row) -> None:
        usual = {"partner_id": 1, "company_id": 1, "currency_id": 1, "state": "draft"}
        self.document("purchase_order", number, name=name, **(usual | row))

    def bill(self, number: int, order: int = 1, **row) -> None:
        self.document("account_move", number, **({"move_type": "in_invoice", "state": "draft"} | row))
        self.odoo.put("account_move_purchase_order_rel", purchase_order_id=order, account_move_id=number)


@pytest.fixture
def write(odoo, fields) -> Writer:
    return Writer(odoo, fields)


@pytest.fixture
def log(odoo, models):
    """log(process=P): build all and give (case, activity) in order."""

    def build(process: str = P, columns: str = "case_id, activity"):
        made = models(process)
        made.make(full=True)
        relation = f"candidate.{process}__events"
        return odoo.db.execute(f"select {columns} from {relation} order by case_id, event_seq").fetchall()

    return build


def test_a_whole_order_in_its_order(odoo, write, log):
    write.order(state="purchase")
    write.change("purchase.order", 1, "state", "RFQ", "RFQ Sent")
    write.change("purchase.order", 1, "state", "RFQ Sent", "To Approve")
    write.change("purchase.order", 1, "state", "To Approve", "Purchase Order", by=3)
    write.change("purchase.order", 1, "amount_untaxed")
    moment = write.at()
    write.document("stock_picking", 1, picking_type_id=1, state="done", date_done=moment, at=START)
    odoo.put("purchase_order_stock_picking_rel", purchase_order_id=1, stock_picking_id=1)
    write.change("purchase.order", 1, "acknowledged", integer=1, at=moment)
    write.change("stock.picking", 1, "state", "Ready", "Done", at=moment)
    write.bill(1, state="posted", payment_state="paid")
    write.change("account.move", 1, "state", "Draft", "Posted")
    write.document("account_payment", 1, state="paid")
    odoo.put("account_move__account_payment", invoice_id=1, payment_id=1)
    odoo.put("purchase_order_line", id=1, order_id=1, product_qty=2, qty_invoiced=2)
    found = log(columns="activity, resource, source_table, source_key, source_seq, order_basis")
    assert [row[0] for row in found] == [
        "Create RFQ",
        "Send RFQ",
        "Request Approval",
        "Approve PO",
        "Change Price",
        "Receive Goods",
        "Vendor Acknowledges",
        "Create Vendor Bill",
        "Post Vendor Bill",
        "Register Payment",
    ]
    assert found[0][1:] == ("p_0000000000000001", "purchase_order", "1", 1, "occurred_at")
    assert found[3][1:] == ("p_0000000000000003", "mail_tracking_value", "1030", 103, "occurred_at")
    assert [row[5] for row in found[5:7]] == ["rank", "rank"]
    case = odoo.db.execute(f"select event_count, is_open, started_at, ended_at from candidate.{P}__cases").fetchone()
    assert case == (
        10,
        False,
        (START + timedelta(minutes=1)).replace(tzinfo=UTC),
        (START + timedelta(minutes=write.minute)).replace(tzinfo=UTC),
    )


def test_confirming_without_approval_is_another_activity(write, log):
    write.order(state="purchase")
    write.change("purchase.order", 1, "state", "RFQ", "Purchase Order")
    assert log() == [("P1", "Create RFQ"), ("P1", "Confirm PO")]


def test_where_the_log_is_silent_the_document_speaks_and_never_both(odoo, write, log):
    write.order(1, "P1", state="purchase", date_approve=START + timedelta(hours=1))
    write.order(2, "P2", state="purchase", date_approve=START + timedelta(hours=1))
    write.change("purchase.order", 2, "state", "RFQ", "Purchase Order")
    for number in (1, 2):
        write.document("stock_picking", number, picking_type_id=1, state="done", date_done=START + timedelta(hours=2))
        odoo.put("purchase_order_stock_picking_rel", purchase_order_id=number, stock_picking_id=number)
    write.change("stock.picking", 2, "state", "Ready", "Done", at=START + timedelta(hours=3))
    assert [activity for _, activity in log()] == ["Create RFQ", "Confirm PO", "Receive Goods"] * 2
    assert [table for (table,) in log(columns="source_table")] == [
        "purchase_order",
        "purchase_order",
        "stock_picking",
        "purchase_order",
        "mail_tracking_value",
        "mail_tracking_value",
    ]


def test_a_label_that_is_not_known_is_shown_and_counted(odoo, write, log):
    write.order(state="sent")
    write.change("purchase.order", 1, "state", "Angebotsanfrage", "Angebotsanfrage gesendet")
    assert log() == [("P1", "Create RFQ"), ("P1", "Change PO State")]
    assert odoo.db.execute(f"select unnamed_change_count from candidate.{P}__attributes").fetchall() == [(1,)]


def test_a_bill_of_two_orders_is_an_event_of_both_with_ids_of_their_own(odoo, write, log):
    write.order(1, "P1")
    write.order(2, "P2")
    write.bill(1)
    odoo.put("account_move_purchase_order_rel", purchase_order_id=2, account_move_id=1)
    rows = log(columns="case_id, activity, event_id")
    bills = [row for row in rows if row[1] == "Create Vendor Bill"]
    assert [row[0] for row in bills] == ["P1", "P2"] and bills[0][2] != bills[1][2]


def test_a_bill_twice_linked_to_one_case_is_one_event(odoo, write, log):
    write.order(1, "P1")
    write.order(2, "P1", company_id=2, currency_id=2)
    write.bill(1)
    odoo.put("account_move_purchase_order_rel", purchase_order_id=2, account_move_id=1)
    assert [activity for _, activity in log()] == ["Create RFQ", "Create RFQ", "Create Vendor Bill"]


def test_orders_that_share_a_number_are_told(odoo, write, log):
    write.order(1, "P1", amount_total=10)
    write.order(2, "P1", company_id=2, currency_id=2, amount_total=20)
    write.order(3, "P3", company_id=2, currency_id=1, amount_total=30, amount_total_cc=33)
    log()
    assert odoo.db.execute(f"""select case_id, company_id, currency, company_currency, order_count, is_case_ambiguous
                               from candidate.{P}__attributes order by case_id""").fetchall() == [
        ("P1", 1, "EUR", "EUR", 2, True),
        ("P3", 2, "EUR", "USD", 1, False),
    ]


def test_deleted_rows_leave_the_log(odoo, write, log):
    write.order()
    write.bill(1)
    write.bill(2)
    write.change("purchase.order", 1, "state", "RFQ", "RFQ Sent")
    odoo.delete("account_move", id=1)
    odoo.delete("account_move_purchase_order_rel", purchase_order_id=1, account_move_id=2)
    odoo.delete("mail_tracking_value", id=1010)
    assert log() == [("P1", "Create RFQ")]
    odoo.delete("purchase_order", id=1)
    assert log() == []


@pytest.mark.parametrize(
    ("state", "bills", "invoiced", "is_open"),
    [
        ("cancel", [], 0, False),
        ("purchase", [], 0, True),
        ("purchase", [("posted", "paid")], 2, False),
        ("purchase", [("posted", "in_payment"), ("cancel", "not_paid")], 2, False),
        ("purchase", [("posted", "paid"), ("draft", "not_paid")], 2, True),
        ("purchase", [("posted", "partial")], 2, True),
        ("purchase", [("posted", "paid")], 1, True),
        ("purchase", [("cancel", "not_paid")], 2, True),
    ],
)
def test_open_or_closed_by_the_documents_states(odoo, write, log, state, bills, invoiced, is_open):
    write.order(state=state)
    odoo.put("purchase_order_line", id=1, order_id=1, product_qty=2, qty_invoiced=invoiced)
    odoo.put("purchase_order_line", id=2, order_id=1, product_qty=0, display_type="line_note")
    for number, (bill_state, payment_state) in enumerate(bills, start=1):
        write.bill(number, state=bill_state, payment_state=payment_state)
    log()
    assert odoo.db.execute(f"select is_open from candidate.{P}__cases").fetchall() == [(is_open,)]


def test_stages_are_told_by_id_whatever_the_language(odoo, write, log):
    write.document("crm_lead", 1, type="opportunity", stage_id=3, active=True)
    write.change("crm.lead", 1, "stage_id", "Neu", "Qualifiziert", integer=2)
    write.change("crm.lead", 1, "stage_id", "Qualifiziert", "Gewonnen", integer=3)
    write.change("crm.lead", 1, "stage_id", "Gewonnen", "Weg", integer=99)
    write.change("crm.lead", 1, "active", integer=0)
    write.document("sale_order", 5, name="S5", opportunity_id=1, state="draft")
    assert log("lead_to_order") == [
        ("LEAD/1", name)
        for name in (
            "Create Lead",
            "Move to Qualified",
            "Win Opportunity",
            "Move to Weg",
            "Lose Opportunity",
            "Create Quotation",
        )
    ]
    assert odoo.db.execute("""select rank from candidate.lead_to_order__activities
                              where activity = 'Move to Weg'""").fetchall() == [(None,)]


def test_amounts_of_a_foreign_order_are_given_in_both_currencies(odoo, write, log):
    write.document(
        "sale_order",
        1,
        name="S1",
        state="sale",
        company_id=1,
        currency_id=2,
        amount_total=110,
        currency_rate=1.1,
        date_order=START,
    )
    log("order_to_cash")
    assert odoo.db.execute("""select currency, amount_total, company_currency, amount_total_company_currency
                              from candidate.order_to_cash__attributes""").fetchall() == [("USD", 110, "EUR", 100)]


def test_an_invoice_reaches_its_order_through_the_lines(odoo, write, log):
    write.document("sale_order", 1, name="S1", state="draft")
    odoo.put("sale_order_line", id=1, order_id=1)
    write.document("account_move", 1, move_type="out_invoice", state="posted")
    odoo.put("account_move_line", id=1, move_id=1)
    odoo.put("sale_order_line_invoice_rel", invoice_line_id=1, order_line_id=1)
    write.change("account.move", 1, "state", "Draft", "Posted")
    write.document("account_payment", 1, state="in_process")
    odoo.put("account_move__account_payment", invoice_id=1, payment_id=1)
    write.document("stock_picking", 1, sale_id=1, picking_type_id=2, state="done")
    write.change("stock.picking", 1, "state", "Ready", "Done")
    assert [activity for _, activity in log("order_to_cash")] == [
        "Create Quotation",
        "Create Invoice",
        "Post Invoice",
        "Register Payment",
        "Deliver Goods",
    ]


def test_few_changed_rows_are_found_through_indexes(odoo, models):
    """Invariant 8: of tables of tens of thousands of rows, a night of one changed row scans none whole."""
    for table, columns, values in (
        ("purchase_order", "name, create_date, create_uid", "'P' || n, now(), 1"),
        ("purchase_order_line", "order_id", "n"),
        ("account_move", "move_type", "'in_invoice'"),
        ("stock_picking", "picking_type_id", "1"),
        ("account_payment", "state", "'paid'"),
        ("mail_message", "model, res_id", "'purchase.order', n"),
        ("mail_tracking_value", "mail_message_id", "n"),
    ):
        odoo.db.execute(f"""insert into raw_odoo.{table} (id, {columns}, _version)
                            select n, {values}, 1 from generate_series(1, 20000) as n""")
        odoo.db.execute(f"analyze raw_odoo.{table}")
    for table, left, right in (
        ("account_move_purchase_order_rel", "purchase_order_id", "account_move_id"),
        ("purchase_order_stock_picking_rel", "purchase_order_id", "stock_picking_id"),
        ("account_move__account_payment", "invoice_id", "payment_id"),
    ):
        odoo.db.execute(f"""insert into raw_odoo.{table} ({left}, {right}, _version)
                            select n, n, 1 from generate_series(1, 20000) as n""")
        odoo.db.execute(f"analyze raw_odoo.{table}")
    log = models(P)
    log.make(full=True)
    log.publish(odoo.version)
    odoo.db.execute("analyze ops.case_rows")
    odoo.load()
    odoo.put("mail_tracking_value", id=77, mail_message_id=77)
    log.make(full=False)
    odoo.db.execute(f"analyze candidate.{P}__touched_cases")
    assert odoo.db.execute(f"select case_id from candidate.{P}__touched_cases").fetchall() == [("P77",)]
    for name in ("touched_cases", "rows_1", "rows_2"):
        touched_sql = next(step[3] for step in log.steps if step[0].endswith(f"{P}__{name}"))
        plan = "\n".join(
            line
            for (line,) in odoo.db.execute(
                "explain " + touched_sql.replace("987654321", str(log.gated_version)).replace("%", "%%")
            )
        )
        scanned = [
            line.strip()
            for line in plan.splitlines()
            if "Seq Scan" in line
            and f"candidate.{P}" not in line
            and "touched" not in line
            and "quarantined" not in line
            and "CTE" not in line
        ]
        assert not scanned, f"{name}: {scanned}\n{plan}"
