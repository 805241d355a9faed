"""What the staff do at their desks around the ERP's events: actions by person, in the order in which they happen.

A bill is posted by copying fields from a spreadsheet into the ERP's form (the planted routine), by typing them, or by
importing the bill's file (the planted faster way). All names and texts are invented.
"""

from collections import defaultdict
from random import Random

from sluice.demo import rpa_logger
from sluice.demo.company import Person
from sluice.demo.invoices import Invoice
from sluice.demo.tables import cents
from sluice.demo.world import Case, World

ERP = "https://erp.sluice-demo.example/odoo"
BILL_FIELDS = (("A", "partner_id", "Vendor"), ("B", "ref", "Bill Reference"), ("C", "invoice_date", "Bill Date"),
               ("D", "price_unit", "Price"), ("E", "quantity", "Quantity"), ("F", "invoice_payment_term_id", "Payment Terms"),
               ("G", "partner_bank_id", "Recipient Bank"))


class Desks:
    """Collects the recorded actions; `rpa` holds them by desktop login until they are written to files."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.rpa: dict[str, list[dict[str, str]]] = defaultdict(list)
        self.busy_until: dict[int, float] = defaultdict(float)

    def day(self) -> None:
        """Turn the day's recorded steps into desktop actions."""
        for at, kind, person, document, case, extra in sorted(self.world.desktop, key=lambda step: (step[0], step[3])):
            rng = self.world.rng("desk", kind, document)
            if kind == "post_bill":
                self.post_bill(rng, at, person, document, case, extra)
        self.world.desktop.clear()

    def post_bill(self, rng: Random, at: int, person: Person, document: str, case: Case, bill: Invoice) -> None:
        """The work that ends with the click on 'Confirm' at `at`."""
        world, data = self.world, case.data
        fast = world.plant["fast_clerk"] and person is world.company.fast_clerk
        copied = world.plant["copy_paste_posting"] and not fast
        user, url = person.desktop, f"{ERP}/accounting/vendor-bills/{bill.invoice_id}"
        values = (data["supplier"].name, bill.ref, world.stamp(at)[:10], cents(bill.total), "1", "30 days",
                  f"DE{rng.randrange(10**9, 10**10)}")
        steps: list[tuple[float, str, str, dict[str, str]]] = [
            (6, "Chrome", "navigate_to", {"url": f"{ERP}/purchase/{data['name']}"}),
            (4, "Chrome", "navigate_to", {"url": url}),
        ]
        if fast:
            steps += [(8, "Chrome", "clickButton", self._button(url, "upload", "Upload")),
                      (9, "Chrome", "selectFile", {"url": url, "target_tagName": "INPUT", "target_type": "file", "target_name": "attachment",
                                                   "target_value": f"{document.replace('/', '-')}.pdf"})]
        else:
            cells = 2 + case.number % 60
            for column, name, label in BILL_FIELDS:
                value = values[ord(column) - 65]
                field = {"url": url, "target_id": name, "target_tagName": "INPUT", "target_type": "text", "target_name": label}
                if copied:
                    cell = {"target_workbookName": "open_bills.xlsx", "target_sheetName": "Bills", "target_id": f"{column}{cells}",
                            "target_value": value}
                    steps += [(9, "Excel", "getCell", cell), (0.3, "OS-Clipboard", "copy", {"content": value}),
                              (11, "Chrome", "clickTextField", field), (3, "Chrome", "paste", field | {"content": value}),
                              (6, "Chrome", "editField", field | {"target_value": value})]
                else:
                    steps += [(4, "Chrome", "clickTextField", field), (7, "Chrome", "editField", field | {"target_value": value})]
        steps.append((5, "Chrome", "clickButton", self._button(url, "action_post", "Confirm")))
        paces = [seconds * rng.uniform(0.6, 1.6) for seconds, *_ in steps]
        start = max(at - sum(paces), self.busy_until[person.user_id] + 1)
        if at - start < 15:
            return  # no time of their own left: somebody else's work, or too much at once
        scale = (at - start) / sum(paces)
        clock = start
        for pace, (_, app, event, fields) in zip(paces, steps, strict=True):
            clock += pace * scale
            self.rpa[user].append(rpa_logger.row(clock, "" if app == "OS-Clipboard" else user, app, event, **fields))
        self.busy_until[person.user_id] = at
        way = "fast_clerk" if fast else "copy_paste" if copied else "typed"
        world.measures.values[f"posting_seconds_{way}"].append(at - start)

    @staticmethod
    def _button(url: str, name: str, label: str) -> dict[str, str]:
        return {"url": url, "target_tagName": "BUTTON", "target_type": "button", "target_name": name, "target_innerText": label}
