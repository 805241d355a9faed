"""How the staff do a piece of work at their desks: lists of (seconds it takes, action), in the order of doing.

A bill is posted by copying fields from a spreadsheet into the ERP's form (the planted routine), by typing them, or by
importing the bill's file (the planted faster way). All names, numbers and texts are invented.
"""

from random import Random

from sluice.demo.invoices import Invoice
from sluice.demo.tables import cents
from sluice.demo.world import Case, World

ERP = "https://erp.sluice-demo.example/odoo"
BILL_FIELDS = (
    ("A", "partner_id", "Vendor"),
    ("B", "ref", "Bill Reference"),
    ("C", "invoice_date", "Bill Date"),
    ("D", "price_unit", "Price"),
    ("E", "quantity", "Quantity"),
    ("F", "invoice_payment_term_id", "Payment Terms"),
    ("G", "partner_bank_id", "Recipient Bank"),
)
RpaStep = tuple[float, str, str, dict[str, str]]  # seconds, application, event, fields of the RPA logger
SmartStep = tuple[float, str, str, str, dict[str, str]]  # seconds, category, application, event, fields of SmartRPA


def post_bill(world: World, rng: Random, case: Case, bill: Invoice, at: int, way: str) -> list[RpaStep]:
    """Entering and posting a vendor bill. way: 'copied', 'typed' or 'imported'."""
    url = f"{ERP}/accounting/vendor-bills/{bill.invoice_id}"
    steps: list[RpaStep] = [
        (6, "Chrome", "navigate_to", {"url": f"{ERP}/purchase/{case.data['name']}"}),
        (
            4,
            "Chrome",
            "clickButton",
            {"url": f"{ERP}/purchase/{case.data['name']}"} | _button("action_create_invoice", "Create Bill"),
        ),
        (3, "Chrome", "navigate_to", {"url": url}),
    ]
    if way == "imported":
        steps += [
            (8, "Chrome", "clickButton", {"url": url} | _button("upload", "Upload")),
            (9, "Explorer", "selectedFile", {"content": f"{bill.ref}.pdf"}),
            (
                6,
                "Chrome",
                "clickCheckbox",
                {"url": url, "target_tagName": "INPUT", "target_type": "checkbox", "target_name": "checked"},
            ),
        ]
    else:
        values = (
            case.data["supplier"].name,
            bill.ref,
            world.stamp(at)[:10],
            cents(bill.total),
            "1",
            "30 days",
            f"DE{rng.randrange(10**9, 10**10)}",
        )
        for (column, name, label), value in zip(BILL_FIELDS, values, strict=True):
            field = {
                "url": url,
                "target_id": name,
                "target_tagName": "INPUT",
                "target_type": "text",
                "target_name": label,
            }
            if way == "copied":
                cell = {
                    "target_workbookName": "open_bills.xlsx",
                    "target_sheetName": "Bills",
                    "target_id": f"{column}{2 + case.number % 60}",
                    "target_value": value,
                }
                steps += [
                    (9, "Excel", "getCell", cell),
                    (0.3, "OS-Clipboard", "copy", {"content": value}),
                    (11, "Chrome", "clickTextField", field),
                    (3, "Chrome", "paste", field | {"content": value}),
                    (6, "Chrome", "editField", field | {"target_value": value}),
                ]
            else:
                steps += [
                    (4, "Chrome", "clickTextField", field),
                    (7, "Chrome", "editField", field | {"target_value": value}),
                ]
    steps.append(
        (5, "Chrome", "clickButton", {"url": url} | _button("action_post", "Confirm") | {"target_title": bill.name})
    )
    return steps


def _button(name: str, label: str) -> dict[str, str]:
    return {"target_tagName": "BUTTON", "target_type": "button", "target_name": name, "target_innerText": label}


def create_rfq(rng: Random, case: Case) -> list[SmartStep]:
    """Entering a request for quotation: each line is looked up in a workbook and typed."""
    data = case.data
    url = f"{ERP}/purchase/{data['name']}"
    steps = [
        (7, "Browser", "Edge", "link", {"browser_url": f"{ERP}/purchase/new"}),
        (6, "Browser", "Edge", "changeField", _field(rng, url, "partner_id", 1, data["supplier"].name)),
    ]
    for n, line in enumerate(data["lines"]):
        cell = {
            "workbook": "requirements.xlsx",
            "current_worksheet": "Open",
            "cell_range": f"B{case.number % 40 + n + 2}",
            "cell_content": line.label,
        }
        steps += [
            (8, "MicrosoftOffice", "Excel", "selectCell", cell),
            (2, "Clipboard", "Clipboard", "copy", {"clipboard_content": line.label}),
            (
                6,
                "Browser",
                "Edge",
                "paste",
                _field(rng, url, "product_id", 4 + n, line.label) | {"clipboard_content": line.label},
            ),
            (5, "Browser", "Edge", "changeField", _field(rng, url, "product_qty", 8 + n, str(line.quantity))),
        ]
    steps.append(
        (
            6,
            "Browser",
            "Edge",
            "clickButton",
            _field(rng, url, "save", 20, "", "BUTTON", "button")
            | {"tag_innerText": "Save", "title": f"{data['name']} - Odoo"},
        )
    )
    return steps


def quote(rng: Random, case: Case) -> list[SmartStep]:
    """Writing a quotation: customer, lines, a note."""
    data = case.data
    url = f"{ERP}/sales/{data['name']}"
    steps = [
        (9, "Browser", "Chrome", "link", {"browser_url": f"{ERP}/crm"}),
        (5, "Browser", "Chrome", "clickButton", _field(rng, f"{ERP}/crm", "new_quotation", 2, "", "BUTTON", "button")),
        (7, "Browser", "Chrome", "changeField", _field(rng, url, "partner_id", 1, data["customer"].name)),
    ]
    for n, line in enumerate(data["lines"]):
        steps += [
            (10, "Browser", "Chrome", "changeField", _field(rng, url, "product_id", 3 + n, line.label)),
            (5, "Browser", "Chrome", "changeField", _field(rng, url, "quantity", 7 + n, str(line.quantity))),
        ]
    steps += [
        (
            12,
            "Browser",
            "Chrome",
            "changeField",
            _field(rng, url, "note", 15, f"Dear {data['customer'].name}, as discussed", "TEXTAREA"),
        ),
        (
            5,
            "Browser",
            "Chrome",
            "clickButton",
            _field(rng, url, "save", 20, "", "BUTTON", "button") | {"title": f"{data['name']} - Odoo"},
        ),
    ]
    return steps


def _field(
    rng: Random, url: str, name: str, place: int, value: str, tag: str = "INPUT", kind: str = "text"
) -> dict[str, str]:
    element = f"e{rng.getrandbits(60):015x}"  # new at every page load
    return {
        "browser_url": url,
        "id": element,
        "tag_category": tag,
        "tag_type": kind,
        "tag_name": name,
        "tag_value": value,
        "tag_attributes": f"{{'type': '{kind}', 'name': '{name}', 'id': '{element}'}}",
        "xpath": f'id("{element}")',
        "xpath_full": f"/HTML[1]/BODY[1]/DIV[2]/FORM[1]/DIV[{place}]/{tag}[1]",
    }
