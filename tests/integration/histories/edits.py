"""What can happen to the company: documents come, change, move from case to case, go and come back.

Every edit is drawn from a seed of its own, so that a history means much the same when other steps are left out.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from tests.integration.histories.company import KEYS, MODELS, START, TARGETS, USERS, Company

ODD_TIMES = (None, datetime(2099, 1, 1), datetime(1948, 5, 17), datetime(2025, 3, 30, 1, 30))


class LivingCompany(Company):
    """A company that things happen to. One edit: `edit(kind, seed)`."""

    def edit(self, kind: str, seed: str) -> None:
        """Let something happen to the company: any of EDITS."""
        self.chance.seed(f"{kind} {seed}")
        self.now += timedelta(seconds=self.chance.choice((0, 0, 1, 60, 3600)))
        EDITS[kind](self)

    def wait(self, days: int) -> None:
        self.now = (self.now + timedelta(days=days)).replace(hour=8, minute=0, second=0)

    def _create(self) -> None:
        for _ in range(self.chance.randint(1, 3)):
            self._new_case()

    def _advance(self) -> None:
        for _ in range(self.chance.randint(2, 4)):
            case = self._any(self.root)
            if case is not None:
                for _ in range(self.chance.randint(1, 3)):
                    self._grow(case)

    def _correct(self) -> None:
        """A value of any row is another one."""
        table = self._table()
        key = self._any(table)
        if key is None or table in KEYS:
            return
        self._put(table, **self._random_row(table, key[0], of=self.chance.sample(sorted(self.columns[table]), 3)))

    def _link(self) -> None:
        """A document joins another case, or leaves one."""
        table = self.chance.choice(sorted(KEYS))
        key = self._any(table)
        if key is not None and self.chance.random() < 0.4:
            del self.rows[table][key]
        self._put(table, **{name: self._id_of(table, name) for name in KEYS[table]})

    def _move(self) -> None:
        """A row is another document's from now on: line, message, change, picking, quotation."""
        table, column = self.chance.choice(
            (
                ("purchase_order_line", "order_id"),
                ("sale_order_line", "order_id"),
                ("account_move_line", "move_id"),
                ("mail_message", "res_id"),
                ("mail_tracking_value", "mail_message_id"),
                ("stock_picking", "sale_id"),
                ("sale_order", "opportunity_id"),
            )
        )
        key = self._any(table)
        if key is not None:
            self._put(table, id=key[0], **{column: self._id_of(table, column)})

    def _rename(self) -> None:
        """The case's key changes; now and then to one that is taken, or two swap theirs."""
        table = self.root if self.root != "crm_lead" else "sale_order"
        one, other = self._any(table), self._any(table)
        if one is None:
            return
        name, taken = self.rows[table][one]["name"], self.rows[table][other]["name"]
        choice = self.chance.random()
        self._put(table, id=one[0], name=taken if choice < 0.4 else f"{name}-{self.chance.randint(1, 3)}")
        if choice < 0.25:
            self._put(table, id=other[0], name=name)

    def _split(self) -> None:
        """Half of what belongs to a case becomes a new one's."""
        case = self._any(self.root)
        if case is not None:
            self._hand_over(case[0], self._new_case()[0], share=0.5)

    def _merge(self) -> None:
        """A case takes over all that belongs to another, which goes or stays as an empty shell."""
        one, other = self._any(self.root), self._any(self.root)
        if one is not None and one != other:
            self._hand_over(one[0], other[0], share=1)
            if self.chance.random() < 0.7:
                del self.rows[self.root][one]

    def _delete(self) -> None:
        """A row goes; what hangs on it goes with it, or stays without it."""
        table = self.chance.choice((self._table(), self.root))
        key = self._any(table)
        if key is None:
            return
        del self.rows[table][key]
        if table in MODELS and self.chance.random() < 0.6:
            messages = [
                k
                for k, row in self.rows["mail_message"].items()
                if (row["model"], row["res_id"]) == (MODELS[table], key[0])
            ]
            for k in messages:
                del self.rows["mail_message"][k]
            for k in [
                k for k, row in self.rows["mail_tracking_value"].items() if (row["mail_message_id"],) in messages
            ]:
                del self.rows["mail_tracking_value"][k]

    def _return(self) -> None:
        """A row that is gone, or was never there, has a low id: perhaps one that rows still point to."""
        table = self._table()
        if table in KEYS:
            self._put(table, **{name: self._id_of(table, name) for name in KEYS[table]})
        elif self.last_id[table]:
            self._put(table, **self._random_row(table, self.chance.randint(1, self.last_id[table])))

    def _rekey(self) -> None:
        """The same row under another id; those that point to it follow, or not."""
        table = self._table()
        key = self._any(table)
        if key is None or table in KEYS:
            return
        row = self.rows[table].pop(key)
        self._put(table, **{**row, "id": self._next(table)})
        if self.chance.random() < 0.5:
            self._repoint(table, key[0], self.last_id[table])

    def _duplicate(self) -> None:
        """The same document once more, under another id."""
        table = self._table()
        key = self._any(table)
        if key is not None and table not in KEYS:
            self._put(table, **{**self.rows[table][key], "id": self._next(table)})

    def _late(self) -> None:
        """New rows that were written long ago are seen only now: long before the watermark."""
        self.is_inserting_only = True
        try:
            self._at(self.now - timedelta(days=self.chance.randint(3, 200)), self._new_document)
        finally:
            self.is_inserting_only = False

    def _begin(self) -> None:
        """A transaction that stays open: its changes carry the time of its begin, and are seen when it is committed."""
        kind = self.chance.choice(("advance", "correct", "move", "create", "rename", "split"))
        self.pending.append((self.now, kind, str(self.chance.random())))

    def _commit(self) -> None:
        if self.pending:
            begun, kind, seed = self.pending.pop(0)
            self.chance.seed(seed)
            self._at(begun, EDITS[kind].__get__(self))

    def _odd_time(self) -> None:
        """A time is missing, in the future, in 1948, or in the hour that a clock change left out."""
        table, column = self.chance.choice(
            (
                (self.root, "create_date"),
                ("mail_message", "date"),
                ("account_payment", "create_date"),
                ("mail_message", "date"),
            )
        )
        key = self._any(table)
        if key is not None:
            self._put(table, id=key[0], **{column: self.chance.choice(ODD_TIMES)})

    def _repair(self) -> None:
        """All odd times are mended."""
        for table, column in ((self.root, "create_date"), ("mail_message", "date"), ("account_payment", "create_date")):
            for key, row in list(self.rows[table].items()):
                if row[column] in ODD_TIMES:
                    self._put(table, id=key[0], **{column: START + timedelta(minutes=key[0])})

    def _odd_cursor(self) -> None:
        """The row changes, and its cursor is empty, or far ahead."""
        table = self._table()
        key = self._any(table)
        if key is not None and table not in KEYS:
            self._put(table, id=key[0], create_uid=self.chance.choice(USERS))
            self.rows[table][key]["write_date"] = self.chance.choice((None, datetime(2031, 1, 1)))

    def _look_up(self) -> None:
        """A stage, a reason, a currency, the direction of a kind of transfer or a login is another one."""
        match self.chance.randint(0, 5):
            case 0:
                self._put(
                    "crm_stage", id=self.chance.randint(1, 4), name={"en_US": self.chance.choice(("New", "Won", "Hot"))}
                )
            case 1:
                self._put("crm_stage", id=self.chance.randint(1, 4), is_won=self.chance.random() < 0.4)
            case 2:
                self._put(
                    "stock_picking_type",
                    id=self.chance.randint(1, 2),
                    code=self.chance.choice(("incoming", "outgoing")),
                )
            case 3:
                self._put(
                    "res_users", id=self.chance.choice(USERS), login=self.chance.choice(("ann", "bob", "eve", "kim"))
                )
            case 4:
                self._put("res_currency", id=self.chance.randint(1, 2), name=self.chance.choice(("EUR", "USD", "CHF")))
            case 5:
                self._put("crm_lost_reason", id=1, name={"en_US": self.chance.choice(("Price", "Time"))})

    def _hand_over(self, one: int, other: int, *, share: float) -> None:
        """Rows that point to document `one` of the root's table point to `other`."""
        self._repoint(self.root, one, other, share=share)

    def _repoint(self, table: str, one: int, other: int, *, share: float = 1) -> None:
        pointers = {
            "purchase_order": (("purchase_order_line", "order_id"),),
            "sale_order": (("sale_order_line", "order_id"), ("stock_picking", "sale_id")),
            "crm_lead": (("sale_order", "opportunity_id"),),
            "account_move": (("account_move_line", "move_id"),),
            "mail_message": (("mail_tracking_value", "mail_message_id"),),
        }.get(table, ())
        for owned, column in pointers:
            for key, row in list(self.rows[owned].items()):
                if row[column] == one and self.chance.random() < share:
                    self._put(owned, id=key[0], **{column: other})
        for key, row in list(self.rows["mail_message"].items()):
            if (row["model"], row["res_id"]) == (MODELS.get(table), one) and self.chance.random() < share:
                self._put("mail_message", id=key[0], res_id=other)
        for link, key in KEYS.items():
            for place, name in enumerate(key):
                if TARGETS[link, name] != table:
                    continue
                for found in [k for k in self.rows[link] if k[place] == one]:
                    if self.chance.random() < share:
                        del self.rows[link][found]
                        self._put(link, **dict(zip(key, found, strict=True)) | {name: other})

    # ---- rows


EDITS: dict[str, Callable[[LivingCompany], None]] = {
    "create": LivingCompany._create,
    "advance": LivingCompany._advance,
    "correct": LivingCompany._correct,
    "link": LivingCompany._link,
    "move": LivingCompany._move,
    "rename": LivingCompany._rename,
    "split": LivingCompany._split,
    "merge": LivingCompany._merge,
    "delete": LivingCompany._delete,
    "return": LivingCompany._return,
    "rekey": LivingCompany._rekey,
    "duplicate": LivingCompany._duplicate,
    "late": LivingCompany._late,
    "begin": LivingCompany._begin,
    "commit": LivingCompany._commit,
    "odd_time": LivingCompany._odd_time,
    "repair": LivingCompany._repair,
    "odd_cursor": LivingCompany._odd_cursor,
    "look_up": LivingCompany._look_up,
}
