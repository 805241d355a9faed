"""A small Odoo in memory, written to the source database when a run is due: its rows, and how its cases grow.

Values are drawn from small ranges, so that ids, times and amounts meet.
"""

import random
from collections.abc import Callable
from datetime import date, datetime, timedelta

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from sluice.settings import PROJECT

START = datetime(2025, 3, 3, 8, 0, 0)
USERS, PARTNERS = range(1, 9), range(1, 13)  # the partners 1 to 8 are those of the users
FIELDS = (
    ("purchase.order", "state", "selection", None),
    ("purchase.order", "amount_untaxed", "monetary", None),
    ("purchase.order", "acknowledged", "boolean", None),
    ("sale.order", "state", "selection", None),
    ("sale.order", "amount_untaxed", "monetary", None),
    ("stock.picking", "state", "selection", None),
    ("account.move", "state", "selection", None),
    ("crm.lead", "stage_id", "many2one", "crm.stage"),
    ("crm.lead", "active", "boolean", None),
    ("crm.lead", "expected_revenue", "monetary", None),
)
STATES = {
    "purchase_order": ("draft", "sent", "to approve", "purchase", "done", "cancel"),
    "sale_order": ("draft", "sent", "sale", "cancel"),
    "stock_picking": ("assigned", "done", "cancel"),
    "account_move": ("draft", "posted", "cancel"),
    "account_payment": ("draft", "paid"),
}
LABELS = {
    "purchase.order": ("RFQ", "RFQ Sent", "To Approve", "Purchase Order", "Cancelled", "Bestellt"),
    "sale.order": ("Quotation", "Quotation Sent", "Sales Order", "Cancelled"),
    "stock.picking": ("Ready", "Done", "Cancelled"),
    "account.move": ("Draft", "Posted", "Cancelled"),
}
MODELS = {
    "purchase_order": "purchase.order",
    "sale_order": "sale.order",
    "stock_picking": "stock.picking",
    "account_move": "account.move",
    "crm_lead": "crm.lead",
}
ROOTS = {"purchase_to_pay": "purchase_order", "order_to_cash": "sale_order", "lead_to_order": "crm_lead"}
KEYS = {
    "account_move__account_payment": ("invoice_id", "payment_id"),
    "account_move_purchase_order_rel": ("purchase_order_id", "account_move_id"),
    "purchase_order_stock_picking_rel": ("purchase_order_id", "stock_picking_id"),
    "sale_order_line_invoice_rel": ("invoice_line_id", "order_line_id"),
}


class Company:
    """The source system and its clock. What can happen to it: edits.py."""

    def __init__(self, url: str, process: str):
        self.root, self.now = ROOTS[process], START
        self.db = psycopg.connect(url, autocommit=True)
        self.db.execute((PROJECT / "sluice" / "demo" / "schema.sql").read_text())
        self.db.execute((PROJECT / "sluice" / "demo" / "indexes.sql").read_text())
        self.columns: dict[str, dict[str, str]] = {}
        self.required: set[tuple[str, str]] = set()
        for table, column, kind, nullable in self.db.execute(
            """select table_name, column_name, data_type, is_nullable from information_schema.columns
               where table_schema = 'public' order by table_name, ordinal_position"""
        ):
            self.columns.setdefault(table, {})[column] = kind
            if nullable == "NO":
                self.required.add((table, column))
        self.rows: dict[str, dict[tuple, dict]] = {table: {} for table in self.columns}
        self.written: dict[str, dict[tuple, dict]] = {table: {} for table in self.columns}
        self.last_id = dict.fromkeys(self.columns, 0)
        self.pending: list[
            tuple[datetime, str, str]
        ] = []  # open transactions: when begun, and what they will have done
        self.fixed_cursor: datetime | None = None
        self.is_inserting_only = False
        self.chance = random.Random()
        self._look_ups()

    # ---- what a run sees

    def horizon(self) -> datetime:
        """What is surely committed: the start of the oldest open transaction."""
        return min([self.now, *(begun for begun, _, _ in self.pending)])

    def flush(self) -> None:
        """Bring the source database to the state in memory, in one transaction."""
        with self.db.transaction():
            for table, rows in self.rows.items():
                old, key = self.written[table], KEYS.get(table, ("id",))
                gone = [k for k in old if k not in rows]
                new = [(k, row) for k, row in rows.items() if old.get(k) != row]
                for k in [*gone, *(k for k, _ in new if k in old)]:
                    where = sql.SQL(" and ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in key)
                    self.db.execute(sql.SQL("delete from {} where {}").format(sql.Identifier(table), where), k)
                if new:
                    names = list(self.columns[table])
                    with self.db.cursor() as cursor:
                        cursor.executemany(
                            sql.SQL("insert into {} values ({})").format(
                                sql.Identifier(table), sql.SQL(", ").join([sql.Placeholder()] * len(names))
                            ),
                            [
                                [
                                    Jsonb(row[name]) if self.columns[table][name] == "jsonb" else row[name]
                                    for name in names
                                ]
                                for _, row in new
                            ],
                        )
                self.written[table] = {k: dict(row) for k, row in rows.items()}

    def shuffle(self, seed: str) -> None:
        """Write some tables anew in another physical order."""
        self.chance.seed(seed)
        with self.db.transaction():
            for table in self.chance.sample(sorted(self.columns), 8):
                name = sql.Identifier(table)
                self.db.execute(
                    sql.SQL(
                        "create temp table s on commit drop as select * from {} order by md5(%s || {}::text)"
                    ).format(name, name),
                    (seed,),
                )
                self.db.execute(sql.SQL("delete from {}").format(name))
                self.db.execute(sql.SQL("insert into {} select * from s").format(name))
                self.db.execute("drop table s")

    def duplicate_a_key(self, seed: str) -> Callable[[], None]:
        """Put a row there twice; returns what repairs it."""
        self.chance.seed(seed)
        table = self.chance.choice([name for name in ("mail_message", self.root, "account_move") if self.written[name]])
        name, constraint = sql.Identifier(table), sql.Identifier(f"{table}_pkey")
        self.db.execute(sql.SQL("alter table {} drop constraint {}").format(name, constraint))
        self.db.execute(sql.SQL("insert into {0} select * from {0} order by id limit 1").format(name))

        def repair() -> None:
            self.db.execute(
                sql.SQL(
                    "delete from {0} where ctid = (select max(ctid) from {0} where id = (select min(id) from {0}))"
                ).format(name)
            )
            self.db.execute(sql.SQL("alter table {} add primary key (id)").format(name))

        return repair

    # ---- how a case grows

    def _new_case(self) -> tuple:
        number = self._next(self.root)
        first = self._random_row(self.root, number)
        first |= {"create_date": self._moment(), "user_id": self.chance.choice(USERS)}
        if "name" in self.columns[self.root]:
            first["name"] = f"{self.root[0].upper()}{number:05}"
        self._put(self.root, **first)
        for _ in range(self.chance.randint(1, 4)):
            self._grow((number,))
        return (number,)

    def _new_document(self) -> None:
        case = self._any(self.root)
        if case is None or self.chance.random() < 0.3:
            self._new_case()
        else:
            self._grow(case)

    def _grow(self, case: tuple) -> None:
        """One thing happens to a case."""
        model = MODELS[self.root]
        if self.root == "crm_lead":
            kinds = (self._logged, self._logged, self._quotation)
        else:
            kinds = (self._logged, self._logged, self._line, self._transfer, self._bill)
        kind = self.chance.choice(kinds)
        if kind == self._logged:
            self._logged(model, case[0])
        else:
            kind(case[0])
        state = STATES.get(self.root)
        if self.chance.random() < 0.4:
            self._put(
                self.root, id=case[0], **({"state": self.chance.choice(state)} if state else {"active": self._coin()})
            )

    def _logged(self, model: str, document: int) -> None:
        """A message of the change log, with one or two changes."""
        message = self._next("mail_message")
        self._put(
            "mail_message",
            **self._random_row("mail_message", message)
            | {"model": model, "res_id": document, "date": self._moment(), "message_type": "notification"},
        )
        fields = [number for number, field in enumerate(FIELDS, 1) if field[0] == model]
        for _ in range(self.chance.randint(1, 2)):
            labels = LABELS.get(model, ("New", "Won"))
            self._put(
                "mail_tracking_value",
                **self._random_row("mail_tracking_value", self._next("mail_tracking_value"))
                | {
                    "mail_message_id": message,
                    "field_id": self.chance.choice(fields),
                    "old_value_char": self.chance.choice(labels),
                    "new_value_char": self.chance.choice(labels),
                    "new_value_integer": self.chance.randint(0, 4),
                },
            )

    def _line(self, order: int) -> int:
        table = f"{self.root}_line"
        line = self._next(table)
        self._put(table, **self._random_row(table, line) | {"order_id": order, "display_type": None})
        return line

    def _transfer(self, order: int) -> None:
        picking = self._next("stock_picking")
        row = self._random_row("stock_picking", picking) | {
            "date_done": self.chance.choice((None, self._value("stock_picking", "date_done")))
        }
        self._put("stock_picking", **row | {"sale_id": order if self.root == "sale_order" else None})
        if self.root == "purchase_order":
            self._put("purchase_order_stock_picking_rel", purchase_order_id=order, stock_picking_id=picking)
        if self._coin():
            self._logged("stock.picking", picking)

    def _bill(self, order: int) -> None:
        move = self._next("account_move")
        kinds = ("in_invoice", "in_refund") if self.root == "purchase_order" else ("out_invoice", "out_refund")
        self._put(
            "account_move",
            **self._random_row("account_move", move)
            | {"move_type": self.chance.choice(kinds), "create_date": self._moment()},
        )
        if self.root == "purchase_order":
            self._put("account_move_purchase_order_rel", purchase_order_id=order, account_move_id=move)
        else:
            line = self._next("account_move_line")
            self._put(
                "account_move_line",
                **self._random_row("account_move_line", line) | {"move_id": move, "display_type": "product"},
            )
            self._put("sale_order_line_invoice_rel", invoice_line_id=line, order_line_id=self._line(order))
        if self._coin():
            self._logged("account.move", move)
        if self._coin():
            payment = self._next("account_payment")
            self._put(
                "account_payment", **self._random_row("account_payment", payment) | {"create_date": self._moment()}
            )
            self._put("account_move__account_payment", invoice_id=move, payment_id=payment)

    def _quotation(self, lead: int) -> None:
        order = self._next("sale_order")
        self._put(
            "sale_order",
            **self._random_row("sale_order", order)
            | {"opportunity_id": lead, "name": f"S{order:05}", "create_date": self._moment()},
        )
        if self._coin():
            self._logged("sale.order", order)

    def _look_ups(self) -> None:
        self._put("res_currency", id=1, name="EUR", symbol="€", decimal_places=2, active=True)
        self._put("res_currency", id=2, name="USD", symbol="$", decimal_places=2, active=True)
        for number in (1, 2):
            self._put("res_company", id=number, name="c", partner_id=12, currency_id=number, active=True)
        for number, (model, name, kind, relation) in enumerate(FIELDS, 1):
            self._put("ir_model_fields", id=number, model=model, name=name, ttype=kind, relation=relation)
        for number, (stage, is_won) in enumerate(
            (("New", False), ("Qualified", False), ("Hot", False), ("Won", True)), 1
        ):
            self._put("crm_stage", id=number, sequence=number, name={"en_US": stage, "de_DE": stage}, is_won=is_won)
        self._put("crm_lost_reason", id=1, name={"en_US": "Price"})
        for number, code in ((1, "incoming"), (2, "outgoing")):
            self._put("stock_picking_type", id=number, company_id=1, sequence_code="x", code=code, name={"en_US": code})
        for number in PARTNERS:
            self._put("res_partner", id=number, active=True)
        for number in USERS:
            self._put("res_users", id=number, company_id=1, partner_id=number, login=f"user {number}", active=True)

    def _random_row(self, table: str, number: int, of: list[str] | None = None) -> dict:
        """Values for all columns but the personal ones, from small ranges, so that ids, times and amounts meet."""
        row = {name: self._value(table, name) for name in of or self.columns[table] if name != "id"}
        return {"id": number} | {name: value for name, value in row.items() if value is not _UNSAID}

    def _value(self, table: str, name: str) -> object:
        kind = self.columns[table][name]
        if name in ("create_uid", "write_uid", "user_id", "invoice_user_id"):
            return self.chance.choice(USERS)
        if name in ("partner_id", "author_id"):
            return self.chance.choice(PARTNERS)
        if name in ("currency_id", "company_id"):
            return self.chance.randint(1, 2)
        if name == "picking_type_id":
            return self.chance.randint(1, 2)
        if (table, name) in _POINTS or (table, name) == ("mail_message", "res_id"):
            return self._id_of(table, name)
        if name == "state":
            return self.chance.choice(STATES.get(table, ("draft",)))
        if name in _CHOICES:
            return self.chance.choice(_CHOICES[name])
        if name == "write_date":
            return _UNSAID
        if name in _ENDS:
            return self.now.replace(second=0) + timedelta(hours=self.chance.randint(1, 20))
        if kind.startswith("timestamp"):
            return self._moment()
        if kind == "date":
            return (self.now + timedelta(days=self.chance.randint(-3, 3))).date()
        if kind in ("numeric", "double precision", "integer"):
            return self.chance.randint(0, 3)
        return self._coin() if kind == "boolean" else None

    def _put(self, table: str, **values: object) -> None:
        """Insert or change a row; its cursor is the clock, or the begin of the transaction."""
        key = tuple(values[name] for name in KEYS.get(table, ("id",)))
        if None in key or (self.is_inserting_only and key in self.written[table]):
            return
        row = dict(self.rows[table].get(key) or {name: self._default(table, name) for name in self.columns[table]})
        row |= {
            name: value for name, value in values.items() if value is not None or (table, name) not in self.required
        }
        if "write_date" in self.columns[table]:
            row["write_date"] = self.fixed_cursor or self.now
        self.rows[table][key] = row
        if table not in KEYS:
            self.last_id[table] = max(self.last_id[table], key[0])

    def _default(self, table: str, name: str) -> object:
        if (table, name) not in self.required:
            return None
        kind = self.columns[table][name]
        if kind == "jsonb":
            return {"en_US": "x"}
        if kind.startswith("timestamp"):
            return START
        return date(2025, 3, 3) if kind == "date" else "x" if kind.startswith(("character", "text")) else 1

    def _at(self, moment: datetime, work: Callable[[], None]) -> None:
        self.fixed_cursor = moment
        try:
            work()
        finally:
            self.fixed_cursor = None

    def _moment(self) -> datetime:
        """When something happened: often the same minute as something else."""
        return (self.now - timedelta(minutes=self.chance.choice((0, 0, 1, 60, 3000)))).replace(second=0)

    def _coin(self) -> bool:
        return self.chance.random() < 0.5

    def _next(self, table: str) -> int:
        self.last_id[table] += 1
        return self.last_id[table]

    def _any(self, table: str) -> tuple | None:
        keys = sorted(self.rows[table])
        return self.chance.choice(keys) if keys else None

    def _id_of(self, table: str, column: str) -> int | None:
        target = _POINTS.get((table, column)) or TARGETS.get((table, column), self.root)
        key = self._any(target)
        return None if key is None else key[0]

    def _table(self) -> str:
        """A table that has rows, look-ups aside."""
        return self.chance.choice([name for name in sorted(_EDITED) if self.rows[name]])


_UNSAID = object()
_ENDS = {"date_approve", "date_done", "date_conversion", "date_closed"}  # mostly after the document's creation
_CHOICES = {
    "payment_state": ("not_paid", "paid"),
    "move_type": ("in_invoice", "in_refund", "out_invoice", "entry"),
    "display_type": (None, "product", "product", "line_section"),
    "type": ("lead", "opportunity"),
    "model": tuple(MODELS.values()),
    "new_value_char": sum(LABELS.values(), ()),
    "old_value_char": ("RFQ", "To Approve"),
    "field_id": tuple(range(1, len(FIELDS) + 1)),
    "stage_id": (1, 2, 3, 4),
    "lost_reason_id": (None, 1),
    "message_type": ("notification",),
    "name": ("x",),
}
_POINTS = {
    ("purchase_order_line", "order_id"): "purchase_order",
    ("sale_order_line", "order_id"): "sale_order",
    ("account_move_line", "move_id"): "account_move",
    ("mail_tracking_value", "mail_message_id"): "mail_message",
    ("stock_picking", "sale_id"): "sale_order",
    ("sale_order", "opportunity_id"): "crm_lead",
}
TARGETS = {
    ("account_move__account_payment", "invoice_id"): "account_move",
    ("account_move__account_payment", "payment_id"): "account_payment",
    ("account_move_purchase_order_rel", "purchase_order_id"): "purchase_order",
    ("account_move_purchase_order_rel", "account_move_id"): "account_move",
    ("purchase_order_stock_picking_rel", "purchase_order_id"): "purchase_order",
    ("purchase_order_stock_picking_rel", "stock_picking_id"): "stock_picking",
    ("sale_order_line_invoice_rel", "invoice_line_id"): "account_move_line",
    ("sale_order_line_invoice_rel", "order_line_id"): "sale_order_line",
}
_EDITED = {
    *MODELS,
    *KEYS,
    "purchase_order_line",
    "sale_order_line",
    "account_move_line",
    "account_payment",
    "mail_message",
    "mail_tracking_value",
}
