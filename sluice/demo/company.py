"""The demo company itself: its people, partners, products, currencies and the look-up rows of Odoo. All invented."""

import random
from dataclasses import dataclass
from datetime import date

from sluice.demo.tables import Schema

FIRST = (
    "Mara Jonas Ilse Tomasz Priya Henrik Leonie Matteo Aylin Ruben Sanne Diego Freya Emil Noor Kasper Greta Yusuf "
    "Alma Viktor Selma Oskar Nadia Lukas Ingrid Pavel Carla Stellan Ebba Arjen Mirela Bruno Tuuli Rafael Sigrid "
    "Anton Dalia Magnus Petra Joris"
)
LAST = (
    "Lindqvist Okonjo Brandvold Czarnik Raghunathan Solheim Achterberg Bellandi Kaplanoglu Vandersmissen Hoekstra "
    "Echevarria Nystrand Haverkamp Benhaddou Mikkelborg Rosenkvist Demirtas Wennerholm Sorokin Lundgreen Thorvald "
    "Ferrante Zelenka Aasgaard Dobrowski Marchetti Ekdahl Falkenrath Steenbergen Iordache Quaresma Kallaste "
    "Montalvo Fjellstad Grabowska Haddad Ostergren Weidemann Terpstra"
)
WORDS = (
    "Nordwerk Brassline Kestrel Fenwood Alderton Quillfeather Ironvale Sundgate Marlowe Petrichor Highmoor "
    "Oakenfield Larkspur Stonebridge Wexcombe Amberlane Driftholm Corvane Elmstead Hallowby Junipark Misthaven "
    "Ravensford Tolbooth Umberland Vireo Westerley Yarrowdale Zephyrline Cobblestock"
)
KINDS = ("Tools", "Fasteners", "Packaging", "Components", "Trading", "Supplies", "Logistics", "Systems")
CITIES = ("Aldenrade", "Brunsholm", "Castelvecchio", "Dovrefors", "Elsbeek", "Fanøby", "Garlstedt", "Hoogmolen")

ROLES = {  # role -> how many people; the first ids after Odoo's own six users
    "buyer": 6,
    "approver": 3,
    "warehouse": 4,
    "ap": 7,
    "treasury": 2,
    "sales": 6,
    "salesmgr": 1,
    "ar": 3,
}
SYSTEM = 1  # OdooBot
SUPPLIERS, CUSTOMERS, PRODUCTS = 24, 60, 40
# id, code, symbol, active; Odoo's rate is units per unit of the company's currency
CURRENCIES = ((1, "USD", "$", True), (124, "GBP", "£", True), (125, "EUR", "€", True), (19, "SEK", "kr", False))
USD, GBP, EUR = 1, 124, 125
COMPANY_CURRENCY = {1: EUR, 2: USD}
START = "2024-12-02 07:00:00"  # when the database was set up

SUBTYPES = (  # id, model, name, internal: as Odoo installs them
    (1, None, "Discussions", None),
    (2, None, "Note", True),
    (3, None, "Activities", True),
    (5, "account.move", "Validated", None),
    (6, "account.move", "Paid", None),
    (7, "account.move", "Invoice Created", None),
    (8, "crm.lead", "Opportunity Created", None),
    (9, "crm.lead", "Stage Changed", None),
    (10, "crm.lead", "Opportunity Won", None),
    (11, "crm.lead", "Opportunity Lost", None),
    (12, "crm.lead", "Opportunity Restored", None),
    (53, "purchase.order", "RFQ Confirmed", None),
    (54, "purchase.order", "RFQ Approved", None),
    (55, "purchase.order", "RFQ Sent", None),
    (56, "sale.order", "Quotation sent", None),
    (57, "sale.order", "Sales Order Confirmed", None),
    (58, "sale.order", "Quotation Viewed", True),
)
FIELDS = {  # (model, field) -> id, ttype, relation
    ("account.move", "name"): (4843, "char", None),
    ("account.move", "date"): (4846, "date", None),
    ("account.move", "state"): (4847, "selection", None),
    ("account.move", "checked"): (4875, "boolean", None),
    ("account.move", "payment_reference"): (4910, "char", None),
    ("account.move", "payment_state"): (4934, "selection", None),
    ("crm.lead", "active"): (6740, "boolean", None),
    ("crm.lead", "stage_id"): (6743, "many2one", "crm.stage"),
    ("crm.lead", "expected_revenue"): (6747, "monetary", None),
    ("crm.lead", "won_status"): (6787, "selection", None),
    ("crm.lead", "user_id"): (6733, "many2one", "res.users"),
    ("crm.lead", "description"): (6739, "html", None),
    ("crm.lead", "email_from"): (6769, "char", None),
    ("crm.lead", "lost_reason_id"): (6788, "many2one", "crm.lost.reason"),
    ("stock.picking", "state"): (8615, "selection", None),
    ("purchase.order", "state"): (10462, "selection", None),
    ("purchase.order", "acknowledged"): (10466, "boolean", None),
    ("purchase.order", "amount_untaxed"): (10474, "monetary", None),
    ("sale.order", "state"): (11145, "selection", None),
    ("sale.order", "amount_untaxed"): (11175, "monetary", None),
    ("sale.order", "amount_total"): (11177, "monetary", None),
}
STAGES = ((1, 1, "New", None), (2, 2, "Qualified", None), (3, 3, "Proposition", None), (4, 70, "Won", True))
LOST_REASONS = ((1, "Too expensive"), (2, "We don't have people/skills"), (3, "Not enough stock"))
PICKING_TYPES = {(1, "in"): 1, (1, "out"): 2, (2, "in"): 3, (2, "out"): 4}


@dataclass(frozen=True, slots=True)
class Person:
    """One member of staff: an Odoo user with a partner, and a login at their desk."""

    user_id: int
    partner_id: int
    role: str
    name: str
    login: str  # in Odoo
    desktop: str  # at the workstation
    email: str
    company_id: int
    sender: str  # as in a message's From
    by: str  # partner, creator and writer of a message, as COPY text


@dataclass(frozen=True, slots=True)
class Partner:
    """A supplier or a customer: a company (a few customers are private persons), billed in its currency."""

    partner_id: int
    name: str
    email: str
    company_id: int
    currency_id: int
    is_company: bool


class Company:
    """The company of one seed: `staff`, `suppliers`, `customers`, `products`, and exchange rates by month."""

    def __init__(self, seed: int) -> None:
        rng = random.Random(f"company {seed}")
        first, last, words = FIRST.split(), LAST.split(), WORDS.split()
        for names in (first, last, words):
            rng.shuffle(names)
        self.bot = Person(
            SYSTEM,
            2,
            "bot",
            "OdooBot",
            "__system__",
            "",
            "odoobot@example.com",
            1,
            '"OdooBot" <odoobot@example.com>',
            f"2\t{SYSTEM}\t{SYSTEM}",
        )
        self.staff: dict[str, list[Person]] = {}
        number = 0
        for role, size in ROLES.items():
            people = []
            for n in range(size):
                given, family = first[number], last[number]
                login = f"{given}.{family}".lower()
                email = f"{login}@sluice-demo.example"
                people.append(
                    Person(
                        7 + number,
                        64 + number,
                        role,
                        f"{given} {family}",
                        login,
                        f"{given[0]}{family}".lower(),
                        email,
                        1 + (n % 3 == 2),
                        f'"{given} {family}" <{email}>',
                        f"{64 + number}\t{7 + number}\t{7 + number}",
                    )
                )
                number += 1
            self.staff[role] = people
        self.people = [self.bot, *(person for people in self.staff.values() for person in people)]
        self.by_id = {person.user_id: person for person in self.people}
        self.slow_approver = self.staff["approver"][0]
        self.fast_clerk = self.staff["ap"][3]
        partners = iter(range(200, 1000))
        self.suppliers = [
            self._partner(rng, next(partners), words[n % 30], KINDS[n // 30 + n % 4], n) for n in range(SUPPLIERS)
        ]
        self.customers = [
            self._partner(rng, next(partners), words[-1 - n % 30], KINDS[4 + (n // 30 + n) % 4], n)
            if n % 6
            else self._private(rng, next(partners), n)
            for n in range(CUSTOMERS)
        ]
        self.partners = {partner.partner_id: partner for partner in self.suppliers + self.customers}
        self.late_supplier = self.suppliers[5]
        self.products = [
            (
                20 + n,
                f"[DEMO_{n:04d}] {rng.choice(('Steel', 'Oak', 'Brass', 'Copper', 'Felt'))} "
                f"{rng.choice(('Bracket', 'Hinge', 'Panel', 'Clamp', 'Crate', 'Dowel'))}",
                rng.randrange(400, 30000),
            )
            for n in range(PRODUCTS)
        ]
        self.rates: dict[tuple[int, int, int], float] = {}  # (company, currency, month from 2024-12) -> rate
        usd, gbp = 1.05, 0.84
        for month in range(48):
            usd, gbp = round(usd * rng.uniform(0.985, 1.02), 6), round(gbp * rng.uniform(0.99, 1.01), 6)
            euro_rates = {EUR: 1.0, USD: usd, GBP: gbp}
            for company, own in COMPANY_CURRENCY.items():
                for currency, rate in euro_rates.items():
                    self.rates[company, currency, month] = 1.0 if currency == own else round(rate / euro_rates[own], 6)

    def _partner(self, rng: random.Random, partner_id: int, word: str, kind: str, n: int) -> Partner:
        company_id = 2 if n % 5 == 4 else 1
        currency = rng.choice((EUR, EUR, EUR, USD, GBP)) if company_id == 1 else rng.choice((USD, USD, USD, EUR))
        return Partner(
            partner_id, f"{word} {kind}", f"office@{word.lower()}-{partner_id}.example", company_id, currency, True
        )

    def _private(self, rng: random.Random, partner_id: int, n: int) -> Partner:
        name = f"{FIRST.split()[-1 - n % 40]} {LAST.split()[n % 40]}"
        return Partner(partner_id, name, f"{name.replace(' ', '.').lower()}@post-{partner_id}.example", 1, EUR, False)

    def rate(self, company_id: int, currency_id: int, day: str) -> float:
        """Units of the currency per unit of the company's own, in the month of `day` (YYYY-MM-DD)."""
        month = (int(day[:4]) - 2024) * 12 + int(day[5:7]) - 12
        return self.rates[company_id, currency_id, min(month, 47)]

    def person_map(self) -> str:
        """The person map as CSV text: one person's logins in the ERP, at the desktop and in mail."""
        lines = ["person,kind,value"]
        for person in self.people[1:]:
            key = f"staff-{person.user_id:03d}"
            lines += [
                f"{key},erp_login,{person.login}",
                f"{key},desktop_login,{person.desktop}",
                f"{key},desktop_login,pc-{person.desktop}",
                f"{key},email,{person.email}",
            ]
        return "\n".join(lines) + "\n"


def base_rows(company: Company, schema: Schema) -> list[tuple[str, list[str]]]:
    """(table, row) of everything that is there before the first document."""
    rows: list[tuple[str, list[str]]] = []

    def add(table: str, **values: object) -> None:
        stamps = {name: START for name in ("create_date", "write_date") if hasattr(getattr(schema, table), name)}
        rows.append((table, getattr(schema, table).row(**(stamps | values))))

    for company_id, name in ((1, "Sluice Demo Werke"), (2, "Sluice Demo Inc")):
        add(
            "res_company",
            id=company_id,
            name=name,
            partner_id=company_id * 41 - 40,
            currency_id=COMPANY_CURRENCY[company_id],
            active=True,
            email=f"office{company_id}@sluice-demo.example",
            phone=f"+99 555 01{company_id}",
        )
        add(
            "res_partner",
            id=company_id * 41 - 40,
            name=name,
            complete_name=name,
            commercial_partner_id=company_id * 41 - 40,
            is_company=True,
            active=True,
            email=f"office{company_id}@sluice-demo.example",
            city=CITIES[company_id],
        )
    for number, code, symbol, active in CURRENCIES:
        add("res_currency", id=number, name=code, symbol=symbol, decimal_places=2, active=active)
    for n, ((company_id, currency, month), rate) in enumerate(company.rates.items(), 1):
        add(
            "res_currency_rate",
            id=n,
            currency_id=currency,
            company_id=company_id,
            rate=rate,
            name=date(2024 + (month + 11) // 12, (month + 11) % 12 + 1, 1).isoformat(),
        )
    for n, person in enumerate(company.people):
        system = person is company.bot
        add(
            "res_users",
            id=person.user_id,
            company_id=person.company_id,
            partner_id=person.partner_id,
            active=not system,
            share=False,
            login=person.login,
            password=NULL_PASSWORD,
            signature=f"<div>{person.name}</div>",
            **({"out_of_office_message": f"{person.name} is away; write to a colleague."} if n == 4 else {}),
        )
        add(
            "res_partner",
            id=person.partner_id,
            name=person.name,
            complete_name=person.name,
            company_id=person.company_id,
            commercial_partner_id=person.partner_id,
            is_company=False,
            active=not system,
            email=person.email,
            email_normalized=person.email,
            phone=f"+99 555 {1000 + n}",
            function=person.role,
            street=f"{n + 3} Kanalweg",
            zip=f"{20000 + 7 * n}",
            city=CITIES[n % 8],
        )
    for n, partner in enumerate(company.suppliers + company.customers):
        add(
            "res_partner",
            id=partner.partner_id,
            name=partner.name,
            complete_name=partner.name,
            commercial_partner_id=partner.partner_id,
            is_company=partner.is_company,
            active=True,
            email=partner.email,
            email_normalized=partner.email,
            phone=f"+99 556 {2000 + n}",
            phone_sanitized=f"+995562{n:03d}",
            street=f"{n + 11} Hafenstrasse",
            zip=f"{30000 + 13 * n}",
            city=CITIES[n % 8],
            vat=f"DEMO{partner.partner_id:07d}",
        )
    for (company_id, direction), number in PICKING_TYPES.items():
        code = {"in": "incoming", "out": "outgoing"}[direction]
        add(
            "stock_picking_type",
            id=number,
            code=code,
            sequence_code=direction.upper(),
            company_id=company_id,
            name=jsonb({"in": "Receipts", "out": "Delivery Orders"}[direction]),
        )
    for number, sequence, name, won in STAGES:
        add("crm_stage", id=number, sequence=sequence, name=jsonb(name), is_won=won, fold=False if won else None)
    for number, name in LOST_REASONS:
        add("crm_lost_reason", id=number, name=jsonb(name))
    add("crm_team", id=1, name=jsonb("Sales"))
    add("crm_team", id=2, company_id=2, name=jsonb("Sales Overseas"))
    for number, model, name, internal in SUBTYPES:
        add("mail_message_subtype", id=number, res_model=model, name=jsonb(name), internal=internal)
    for (model, name), (number, ttype, relation) in FIELDS.items():
        add("ir_model_fields", id=number, name=name, model=model, ttype=ttype, relation=relation)
    return rows


NULL_PASSWORD = "$pbkdf2-sha512$demo$none"


def jsonb(name: str) -> str:
    """A translated name as Odoo keeps it."""
    return f'{{"en_US": "{name}"}}'
