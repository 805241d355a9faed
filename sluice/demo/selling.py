"""Selling: leads that are qualified, quoted, won or lost, and sales orders up to their payment, as Odoo writes them.

A lead and the quotation made from it are one case here, since winning the order wins the lead.
"""

from random import Random

from sluice.demo import invoices, stock
from sluice.demo.calendar import HOUR, WORKDAY
from sluice.demo.company import CITIES, LOST_REASONS, STAGES, Person
from sluice.demo.purchasing import delay
from sluice.demo.stock import Line
from sluice.demo.tables import NULL, cents
from sluice.demo.world import NOTE, Case, World

LEAD, ORDER = "crm.lead", "sale.order"
LEADS, ORDERS = "lead_to_order", "order_to_cash"
_STAGES = {number: name for number, _, name, _ in STAGES}


def _begin(world: World, number: int, rng: Random) -> Case:
    company = world.company
    case = Case(number)
    customer = company.customers[int(rng.random() ** 1.2 * len(company.customers))]
    first, products = int(rng.random() * len(company.products)), company.products
    lines = [
        (products[(first + 11 * n) % len(products)], 1 + int(rng.random() * 24))
        for n in range(1 + int(rng.random() * 3))
    ]
    case.data.update(
        customer=customer,
        lines=[(product, quantity, product[2] * 14 // 10) for product, quantity in lines],
        seller=rng.choice(company.staff["sales"]),
        lead=None,
        stage=1,
        pickings=[],
    )
    return case


def plan_lead(world: World, number: int, work: int, rng: Random) -> None:
    """Plan one lead that comes in at working second `work`, and the order it may become."""
    case, time = _begin(world, number, rng), world.calendar.time
    seller, manager = case.data["seller"], world.company.staff["salesmgr"][0]
    world.at(case, time(work), create_lead, seller)
    case.data["kind"] = "lead" if rng.random() < 0.25 else "opportunity"
    reason = 1 + int(rng.random() * len(LOST_REASONS))
    if rng.random() < 0.24:
        world.at(case, time(work + delay(rng, 16, 0.8)), lose, seller, reason)
        return
    work += delay(rng, 10, 0.8)
    if case.data["kind"] == "lead":
        world.at(case, time(work), convert, seller)
        work += delay(rng, 1, 0.9)
    world.at(case, time(work), qualify, seller, 2)
    if rng.random() < 0.22:
        world.at(case, time(work + delay(rng, 20, 0.7)), lose, manager if rng.random() < 0.3 else seller, reason)
        return
    work += delay(rng, 14, 0.8)
    world.at(case, time(work), qualify, seller, 3)
    if rng.random() < 0.2:
        world.at(case, time(work + delay(rng, 25, 0.6)), lose, seller, reason)
        return
    plan_order(world, case, work + delay(rng, 6, 0.8), rng)


def plan_direct(world: World, number: int, work: int, rng: Random) -> None:
    """Plan one order of a regular customer, without a lead."""
    plan_order(world, _begin(world, number, rng), work, rng)


def plan_order(world: World, case: Case, work: int, rng: Random) -> None:
    """Plan a quotation made at working second `work` and everything after it."""
    staff, time, seller = world.company.staff, world.calendar.time, case.data["seller"]
    world.at(case, time(work), quote, seller)
    work += delay(rng, 4, 0.9)
    world.at(case, time(work), send, seller)
    if rng.random() < 0.2:
        world.at(case, time(work + delay(rng, 40, 0.5)), cancel, seller, 1 + int(rng.random() * len(LOST_REASONS)))
        return
    work += delay(rng, 18, 0.7)
    world.at(case, time(work), confirm, seller)
    if rng.random() < 0.12:
        world.at(case, time(work + delay(rng, 2)), change_price, seller)
    case.data["planned"] = time(work + 27 * HOUR)
    work += delay(rng, 20, 0.5)
    deliveries = 2 if rng.random() < 0.15 else 1
    for n in range(deliveries):
        if n:
            work += delay(rng, 16, 0.5)
        world.at(case, time(work), deliver, rng.choice(staff["warehouse"]), n == deliveries - 1)
    clerk = rng.choice(staff["ar"])
    work += delay(rng, 9, 0.6)
    world.at(case, time(work), create_invoice, clerk)
    work += delay(rng, 3, 0.9)
    world.at(case, time(work), post_invoice, clerk)
    if rng.random() < 0.96:
        world.at(case, time(work + delay(rng, 90, 0.4) + WORKDAY), pay, rng.choice(staff["treasury"]))


# leads -------------------------------------------------------------------------------------------------------------


def create_lead(world: World, case: Case, at: int, person: Person, _: object) -> None:
    """Create Lead."""
    data, when, user = case.data, world.stamp(at), person.user_id
    customer, number = data["customer"], world.next_id("crm_lead")
    revenue = (5 + case.number * 7919 % 200) * 100
    row = [
        number,
        user,
        customer.company_id,
        customer.company_id,
        1,
        customer.partner_id,
        NULL,
        user,
        user,
        customer.email,
        f"Enquiry of {customer.name}",
        data["kind"],
        "0",
        f"{customer.name} front desk",
        customer.name,
        customer.email,
        f"+99 557 {3000 + case.number % 6000}",
        f"{case.number % 90 + 1} Marktplatz",
        CITIES[case.number % 8],
        "pending",
        f"{customer.name} asks for an offer",
        f"{revenue}.00",
        "t",
        NULL,
        when,
        when,
        NULL,
        when,
        when,
        12.5,
    ]
    case.docs.append((world.forms.lead, row))
    data.update(lead=number, lead_row=row, stage=1)
    world.message(LEAD, number, 8, at, person, "<div><p>A new lead has been created.</p></div>")
    _lead_event(world, case, "Create Lead", at, person)


def _touch_lead(world: World, case: Case, at: int, person: Person) -> list:
    L, row = world.forms.lead, case.data["lead_row"]
    row[L.write_date], row[L.write_uid] = world.stamp(at), person.user_id
    return row


def _to_stage(world: World, case: Case, message: int, at: int, person: Person, stage: int) -> None:
    L, row, data = world.forms.lead, _touch_lead(world, case, at, person), case.data
    row[L.stage_id], row[L.date_last_stage_update], row[L.probability] = (
        stage,
        world.stamp(at),
        {2: 35.0, 3: 60.0, 4: 100.0}[stage],
    )
    world.track(
        message,
        LEAD,
        "stage_id",
        at,
        person,
        old=_STAGES[data["stage"]],
        new=_STAGES[stage],
        old_int=data["stage"],
        new_int=stage,
    )
    data["stage"] = stage


def convert(world: World, case: Case, at: int, person: Person, _: object) -> None:
    """Convert to Opportunity: the lead keeps the moment; what is logged are names and addresses, not to be read."""
    L, row = world.forms.lead, _touch_lead(world, case, at, person)
    row[L.type], row[L.date_conversion] = "opportunity", world.stamp(at)
    email, seller, other = case.data["customer"].email, case.data["seller"], world.company.staff["salesmgr"][0]
    message = world.message(LEAD, case.data["lead"], NOTE, at, person)
    world.track(message, LEAD, "email_from", at, person, old=f"old.{email}", new=email)
    world.track(
        message,
        LEAD,
        "user_id",
        at,
        person,
        old=other.name,
        new=seller.name,
        old_int=other.user_id,
        new_int=seller.user_id,
    )
    world.track(
        message, LEAD, "description", at, person, old_text=f"Call {email}", new_text=f"{seller.name} has called"
    )
    _lead_event(world, case, "Convert to Opportunity", at, person)


def qualify(world: World, case: Case, at: int, person: Person, stage: object) -> None:
    """Move the lead to its next stage."""
    _to_stage(world, case, world.message(LEAD, case.data["lead"], 9, at, person), at, person, stage)
    _lead_event(world, case, f"Move to {_STAGES[stage]}", at, person)


def lose(world: World, case: Case, at: int, person: Person, reason: object) -> None:
    """Lose Opportunity: archived, with a reason."""
    data, L = case.data, world.forms.lead
    row, number = _touch_lead(world, case, at, person), data["lead"]
    row[L.active], row[L.lost_reason_id], row[L.won_status], row[L.probability] = "f", reason, "lost", 0.0
    row[L.date_closed] = world.stamp(at)
    message = world.message(LEAD, number, 11, at, person)
    world.track(message, LEAD, "active", at, person, old_int=1, new_int=0)
    world.track(
        message, LEAD, "lost_reason_id", at, person, old="", new=LOST_REASONS[reason - 1][1], old_int=0, new_int=reason
    )
    world.track(message, LEAD, "won_status", at, person, old="Pending", new="Lost")
    _lead_event(world, case, "Lose Opportunity", at, person)


def _win(world: World, case: Case, at: int, person: Person) -> None:
    data, L = case.data, world.forms.lead
    row, number, total = _touch_lead(world, case, at, person), data["lead"], data["total"]
    expected = float(row[L.expected_revenue])
    raised = total / 100 > expected
    message = world.message(
        LEAD,
        number,
        10,
        at,
        person,
        "<p>Expected revenue has been updated based on the linked Sales Orders.</p>" if raised else "",
    )
    _to_stage(world, case, message, at, person, 4)
    if raised:
        row[L.expected_revenue] = cents(total)
        world.track(
            message,
            LEAD,
            "expected_revenue",
            at,
            person,
            old_float=expected,
            new_float=total / 100,
            currency=data["customer"].currency_id,
        )
        _lead_event(world, case, "Change Expected Revenue", at, person)
    row[L.won_status], row[L.date_closed] = "won", world.stamp(at)
    world.track(message, LEAD, "won_status", at, person, old="Pending", new="Won")
    _lead_event(world, case, "Win Opportunity", at, person)


# orders ------------------------------------------------------------------------------------------------------------


def _order_event(world: World, case: Case, activity: str, at: int, person: Person, document: str | None = None) -> None:
    name = case.data["name"]
    world.event(ORDERS, name, document or name, activity, at, person)


def _lead_event(world: World, case: Case, activity: str, at: int, person: Person, document: str | None = None) -> None:
    lead = case.data["lead"]
    if lead is not None:
        world.event(LEADS, f"LEAD/{lead}", document or f"LEAD/{lead}", activity, at, person)


def quote(world: World, case: Case, at: int, person: Person, _: object) -> None:
    """Create Quotation."""
    data, forms, when, user = case.data, world.forms, world.stamp(at), person.user_id
    customer, order = data["customer"], world.next_id("sale_order")
    name = f"S{order + 20:05d}"
    rate = world.company.rate(customer.company_id, customer.currency_id, when)
    lines = []
    for (product, label, _price), quantity, price in data["lines"]:
        number = world.next_id("sale_order_line")
        row = [
            number,
            order,
            product,
            user,
            user,
            label,
            f"{quantity}.00",
            cents(price),
            cents(price * quantity),
            "0.00",
            "0.00",
            when,
            when,
        ]
        lines.append(Line(row, number, product, label, quantity, price))
        case.docs.append((forms.sale_line, row))
    total = cents(sum(line.quantity * line.price for line in lines))
    row = [
        order,
        customer.company_id,
        customer.partner_id,
        customer.currency_id,
        user,
        customer.company_id,
        user,
        user,
        name,
        "draft",
        f"REF-{case.number * 31 % 90_000 + 10_000}",
        "no",
        world.stamps.day(at + 30 * 86400),
        f"For {customer.name}",
        rate,
        total,
        total,
        when,
        when,
        when,
        data["lead"] if data["lead"] is not None else NULL,
        NULL,
        NULL,
    ]
    case.docs.append((forms.sale_order, row))
    data.update(
        id=order,
        name=name,
        row=row,
        lines=lines,
        total=sum(line.quantity * line.price for line in lines),
        state="Quotation",
    )
    world.message(ORDER, order, NOTE, at, person, "<p>Sales Order created</p>")
    _order_event(world, case, "Create Quotation", at, person)
    _lead_event(world, case, "Create Quotation", at, person, case.data["name"])
    world.record(case, at, "quote", person, name)


def _touch(world: World, case: Case, at: int, user: int) -> list:
    T, row = world.forms.sale_order, case.data["row"]
    row[T.write_date], row[T.write_uid] = world.stamp(at), user
    return row


def _to_state(world: World, case: Case, at: int, person: Person, subtype: int, label: str, state: str) -> None:
    data = case.data
    _touch(world, case, at, person.user_id)[world.forms.sale_order.state] = state
    message = world.message(ORDER, data["id"], subtype, at, person)
    world.track(message, ORDER, "state", at, person, old=data["state"], new=label)
    data["state"] = label


def send(world: World, case: Case, at: int, person: Person, _: object) -> None:
    """Send Quotation."""
    _to_state(world, case, at, person, 56, "Quotation Sent", "sent")
    _order_event(world, case, "Send Quotation", at, person)
    _lead_event(world, case, "Send Quotation", at, person, case.data["name"])


def cancel(world: World, case: Case, at: int, person: Person, reason: object) -> None:
    """Cancel Order; a lead behind it is lost in the same second."""
    _to_state(world, case, at, person, NOTE, "Cancelled", "cancel")
    _order_event(world, case, "Cancel Order", at, person)
    _lead_event(world, case, "Cancel Order", at, person, case.data["name"])
    if case.data["lead"] is not None:
        lose(world, case, at, person, reason)


def confirm(world: World, case: Case, at: int, person: Person, _: object) -> None:
    """Confirm Order, which makes the delivery and wins the lead in the same second."""
    data, T = case.data, world.forms.sale_order
    customer = data["customer"]
    picking = stock.new_picking(
        world,
        case,
        at,
        person,
        partner=customer,
        direction="out",
        order_id=data["id"],
        origin=data["name"],
        planned=data["planned"],
    )
    stock.add_moves(
        world, case, at, person, picking, [(line, line.quantity) for line in data["lines"]], customer.company_id
    )
    data["pickings"].append(picking)
    _to_state(world, case, at, person, 57, "Sales Order", "sale")
    row = data["row"]
    row[T.date_order], row[T.delivery_status], row[T.invoice_status] = world.stamp(at), "pending", "to invoice"
    _order_event(world, case, "Confirm Order", at, person)
    _lead_event(world, case, "Confirm Order", at, person, case.data["name"])
    if data["lead"] is not None:
        _win(world, case, at, person)


def change_price(world: World, case: Case, at: int, person: Person, _: object) -> None:
    """Change Price: a line's price is lowered; the system user logs both totals in one message."""
    data, L, T, bot = case.data, world.forms.sale_line, world.forms.sale_order, world.company.bot
    line, old = data["lines"][0], data["total"]
    line.price -= max(1, line.price // 20)
    line.row[L.price_unit], line.row[L.price_subtotal] = cents(line.price), cents(line.quantity * line.price)
    line.row[L.write_date], line.row[L.write_uid] = world.stamp(at), person.user_id
    data["total"] = sum(line.quantity * line.price for line in data["lines"])
    row = _touch(world, case, at, bot.user_id)
    row[T.amount_untaxed] = row[T.amount_total] = cents(data["total"])
    message = world.message(ORDER, data["id"], NOTE, at, bot)
    for field in ("amount_untaxed", "amount_total"):
        world.track(
            message,
            ORDER,
            field,
            at,
            bot,
            old_float=old / 100,
            new_float=data["total"] / 100,
            currency=data["customer"].currency_id,
        )
    _order_event(world, case, "Change Price", at, person)


def deliver(world: World, case: Case, at: int, person: Person, is_last: object) -> None:
    """Deliver Goods: all, or a part with a back order."""
    data, T, L, when = case.data, world.forms.sale_order, world.forms.sale_line, world.stamp(at)
    picking = data["pickings"][-1]
    backorder = stock.complete(
        world,
        case,
        at,
        person,
        picking,
        is_last=bool(is_last),
        partner=data["customer"],
        order_id=data["id"],
        origin=data["name"],
        planned=data["planned"],
    )
    for line in data["lines"]:
        line.row[L.qty_delivered], line.row[L.write_date], line.row[L.write_uid] = (
            f"{line.moved}.00",
            when,
            person.user_id,
        )
    row = _touch(world, case, at, person.user_id)
    row[T.delivery_status] = "partial" if backorder else "full"
    if row[T.effective_date] == NULL:
        row[T.effective_date] = when
    if backorder:
        data["pickings"].append(backorder)
    stock.log_done(world, at, person, picking)
    _order_event(world, case, "Deliver Goods", at, person, picking.name)


def create_invoice(world: World, case: Case, at: int, person: Person, _: object) -> None:
    """Create Invoice: the seller is told by a message of their own."""
    data, L, when = case.data, world.forms.sale_line, world.stamp(at)
    seller = data["seller"]
    invoice = data["invoice"] = invoices.draft(
        world,
        case,
        at,
        person,
        partner=data["customer"],
        lines=data["lines"],
        origin=data["name"],
        ref=data["name"],
        is_bill=False,
        seller=seller.user_id,
    )
    for line in data["lines"]:
        line.row[L.qty_invoiced], line.row[L.write_date], line.row[L.write_uid] = f"{line.quantity}.00", when, 1
    _touch(world, case, at, 1)[world.forms.sale_order.invoice_status] = "invoiced"
    number = invoice.invoice_id
    world.message(
        "account.move",
        number,
        NOTE,
        at,
        person,
        f"<span>Dear {seller.name},</span>",
        subject=f"You have been assigned to Draft Invoice ({data['name']})",
        kind="user_notification",
    )
    world.message("account.move", number, 7, at, person, "<div><p>Invoice Created</p></div>")
    world.message(
        "account.move", number, NOTE, at, person, f"<p>This journal entry has been created from: {data['name']}</p>"
    )
    _order_event(world, case, "Create Invoice", at, person, f"move:{number}")


def post_invoice(world: World, case: Case, at: int, person: Person, _: object) -> None:
    """Post Invoice."""
    data, when = case.data, world.stamp(at)
    name = f"INV/{when[:4]}/{world.next_number(('invoice', data['customer'].company_id, when[:4])):05d}"
    invoices.post(world, data["invoice"], at, person, name=name, subtype=5)
    _order_event(world, case, "Post Invoice", at, person, name)


def pay(world: World, case: Case, at: int, person: Person, _: object) -> None:
    """Register Payment, noted on the order, too."""
    data = case.data
    world.message(ORDER, data["id"], NOTE, at, person, f"<p>Invoice {data['invoice'].name} paid</p>")
    payment = invoices.pay(world, case, at, person, data["invoice"], partner=data["customer"], is_bill=False)
    _order_event(world, case, "Register Payment", at, person, payment)
