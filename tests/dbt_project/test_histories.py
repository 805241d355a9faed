"""Path independence: whatever history of loads led to a raw state, publishing touched cases equals a full rebuild."""

import random
from datetime import datetime, timedelta

import pytest

PROCESSES = ("purchase_to_pay", "order_to_cash", "lead_to_order")
START = datetime(2025, 3, 3, 9, 0, 0)
_IDS = {
    "order_id": 4,
    "purchase_order_id": 4,
    "account_move_id": 4,
    "invoice_id": 4,
    "move_id": 4,
    "payment_id": 3,
    "stock_picking_id": 3,
    "sale_id": 4,
    "opportunity_id": 3,
    "mail_message_id": 12,
    "res_id": 4,
    "field_id": 11,
    "stage_id": 4,
    "currency_id": 2,
    "company_id": 2,
    "invoice_line_id": 5,
    "order_line_id": 5,
    "partner_id": 4,
    "create_uid": 4,
    "write_uid": 4,
    "user_id": 3,
    "picking_type_id": 3,
    "new_value_integer": 3,
    "old_value_integer": 1,
}
_VALUES = {
    "state": {
        "purchase_order": ["draft", "sent", "to approve", "purchase", "cancel"],
        "sale_order": ["draft", "sent", "sale"],
        "stock_picking": ["assigned", "done"],
        "account_move": ["draft", "posted", "cancel"],
        "account_payment": ["paid"],
    },
    "name": {"purchase_order": ["P1", "P2", "P3"], "sale_order": ["S1", "S2", "S3"]},
    "model": ["purchase.order", "sale.order", "stock.picking", "account.move", "crm.lead", "account.payment"],
    "move_type": ["in_invoice", "in_refund", "out_invoice", "out_refund", "entry"],
    "payment_state": ["not_paid", "paid"],
    "new_value_char": [
        "RFQ",
        "RFQ Sent",
        "To Approve",
        "Purchase Order",
        "Cancelled",
        "Posted",
        "Done",
        "Draft",
        "Bestellt",
        "Quotation Sent",
        "Sales Order",
        "Quotation",
    ],
    "old_value_char": ["RFQ", "To Approve"],
    "display_type": [None, None, None, "line_section"],
    "type": ["lead", "opportunity"],
}
_ROWS = {
    "purchase_order": 4,
    "purchase_order_line": 5,
    "sale_order": 4,
    "sale_order_line": 5,
    "stock_picking": 3,
    "account_move": 4,
    "account_move_line": 5,
    "account_payment": 3,
    "account_move__account_payment": 3,
    "account_move_purchase_order_rel": 4,
    "purchase_order_stock_picking_rel": 4,
    "sale_order_line_invoice_rel": 5,
    "crm_lead": 3,
    "mail_message": 12,
    "mail_tracking_value": 24,
}
_SALES_LOG = ["mail_message", "mail_tracking_value", "sale_order"]
_TABLES = {
    "purchase_to_pay": [
        "purchase_order",
        "purchase_order_line",
        "stock_picking",
        "account_move",
        "account_payment",
        "account_move__account_payment",
        "account_move_purchase_order_rel",
        "purchase_order_stock_picking_rel",
        "mail_message",
        "mail_tracking_value",
    ],
    "order_to_cash": [
        *_SALES_LOG,
        "sale_order_line",
        "stock_picking",
        "account_move",
        "account_move_line",
        "account_payment",
        "account_move__account_payment",
        "sale_order_line_invoice_rel",
    ],
    "lead_to_order": [*_SALES_LOG, "crm_lead"],
}


def _value(chance: random.Random, table: str, column: str, kind: str):
    if column in _IDS:
        return chance.randint(1, _IDS[column])
    if column in _VALUES:
        values = _VALUES[column]
        values = values.get(table) if isinstance(values, dict) else values
        return chance.choice(values) if values else None
    if column == "create_date" or kind == "timestamp without time zone":
        return START + timedelta(seconds=chance.randint(0, 5))
    if kind == "date":
        return (START + timedelta(days=chance.randint(0, 3))).date()
    if kind in ("numeric", "double precision", "integer"):
        return chance.randint(0, 3)
    if kind == "boolean":
        return chance.random() < 0.5
    return None


class _Company:
    """Writes random rows, changes and deletions; ids and names come from small ranges, so that they meet."""

    def __init__(self, odoo, process: str, seed: int):
        self.odoo, self.tables, self.chance = odoo, _TABLES[process], random.Random(seed)
        self.types = {}
        for table, column, kind in odoo.db.execute("""select table_name, column_name, data_type
                from information_schema.columns where table_schema = 'raw_odoo'"""):
            self.types.setdefault(table, {})[column] = kind

    def fill(self) -> None:
        """Every id of every table once, and as many links."""
        for table in self.tables:
            for number in range(1, _ROWS[table] + 1):
                key = self.odoo.tables[table].key
                self._put(table, {"id": number} if key == ("id",) else self._key(table))

    def change(self, count: int) -> None:
        """Some rows written anew (a change, an insertion or a return), some deleted; links as often as documents."""
        for _ in range(count):
            table = self.chance.choice(self.tables)
            if self.chance.random() < 0.3:
                self.odoo.delete(table, **self._key(table))
            else:
                self._put(table, self._key(table))

    def _key(self, table: str) -> dict[str, int]:
        return {name: self.chance.randint(1, _IDS.get(name, _ROWS[table])) for name in self.odoo.tables[table].key}

    def _put(self, table: str, key: dict[str, int]) -> None:
        self.odoo.put(
            table,
            **key,
            **{
                name: _value(self.chance, table, name, self.types[table][name])
                for name in self.odoo.tables[table].column_names
                if name not in key
            },
        )


def _nights(odoo, log, company, count: int) -> int:
    """Run nights of one to three changes, some of them blocked; returns how many published something else than a full
    rebuild makes."""
    company.fill()
    log.make(full=True)
    log.publish(odoo.version)
    differing = 0
    for _ in range(count):
        version = odoo.load()
        company.change(company.chance.randint(1, 3))
        log.make(full=False)
        if company.chance.random() < 0.2:
            continue  # a blocked night: nothing is published, nothing may be forgotten
        log.publish(version)
        published = log.published()
        log.make(full=True)
        differing += published != log.candidate()
    return differing


@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize("seed", range(2))
def test_any_history_of_loads_publishes_what_a_full_rebuild_does(odoo, models, process, seed):
    log = models(process)
    assert _nights(odoo, log, _Company(odoo, process, seed), 12) == 0
    assert log.candidate()["events"], "the test needs events"


@pytest.mark.parametrize("process", PROCESSES)
@pytest.mark.parametrize("forgotten", ["former_cases", "current_cases"])
def test_histories_notice_touched_cases_that_are_forgotten(odoo, models, process, forgotten):
    log = models(process)
    log.steps = [
        (
            relation,
            kind,
            full,
            touched.replace(f"select case_id from {forgotten}", f"select case_id from {forgotten} where false"),
        )
        for relation, kind, full, touched in log.steps
    ]
    assert _nights(odoo, log, _Company(odoo, process, 3), 12) > 0


@pytest.mark.parametrize("process", PROCESSES)
def test_physical_order_of_raw_rows_changes_no_byte(odoo, models, process):
    company, log = _Company(odoo, process, 7), models(process)
    company.fill()
    log.make(full=True)
    before = log.candidate()
    assert before["events"], "the test needs events"
    for table in (*odoo.tables, "_pseudonyms"):
        odoo.db.execute(f"create temp table shuffled as select * from raw_odoo.{table} order by random()")
        odoo.db.execute(f"delete from raw_odoo.{table}")
        odoo.db.execute(f"insert into raw_odoo.{table} select * from shuffled")
        odoo.db.execute("drop table shuffled")
    log.make(full=True)
    assert log.candidate() == before
