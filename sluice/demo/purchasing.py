"""Purchasing: requests for quotation, approvals, receipts, vendor bills and payments, as Odoo writes them."""

from math import exp
from random import Random

from sluice.demo import invoices, stock
from sluice.demo.calendar import HOUR, WORKDAY
from sluice.demo.company import Person
from sluice.demo.plants import DRIFT_DAY
from sluice.demo.stock import Line
from sluice.demo.tables import NULL, cents
from sluice.demo.world import NOTE, Case, World

PROCESS = "purchase_to_pay"
MODEL = "purchase.order"
FUTURE = 4_073_000_000  # 2099-01-25


def delay(rng: Random, hours: float, spread: float = 0.5) -> int:
    """Working seconds, log-normal around a median of `hours`."""
    return int(hours * HOUR * exp(rng.gauss(0.0, spread))) + 1


def plan(world: World, number: int, work: int, rng: Random) -> None:
    """Plan one purchase order that is created at working second `work`."""
    company, plant = world.company, world.plant
    case = Case(number)
    staff, time = company.staff, world.calendar.time
    supplier = company.suppliers[int(rng.random() ** 1.4 * len(company.suppliers))]
    first, products = int(rng.random() * len(company.products)), company.products
    lines = [
        (products[(first + 7 * n) % len(products)], 1 + int(rng.random() * 39), 0.85 + 0.3 * rng.random())
        for n in range(1 + int(rng.random() * 3))
    ]
    lines = [(product, quantity, int(product[2] * factor)) for product, quantity, factor in lines]
    total = sum(quantity * price for _, quantity, price in lines)
    data = case.data
    buyer, helper = rng.choice(staff["buyer"]), rng.choice(staff["buyer"])
    clerk = rng.choice(staff["ap"])
    treasurer = rng.choice(staff["treasury"])
    data.update(supplier=supplier, lines=lines, state="RFQ", bills={}, links={}, pickings=[], same_as=None)
    created = time(work)
    world.at(case, created, create, buyer, day=created // 86400 + 1 if world.is_late else None)
    if world.is_late:
        work += WORKDAY  # a long transaction: what follows the order follows a day later
    draw = rng.random()
    if draw < 0.07:
        world.at(case, time(work + delay(rng, 12)), cancel, buyer)
        return
    if rng.random() < (0.4 if _is_later(world, work) else 0.68):
        work += delay(rng, 3, 0.9)
        world.at(case, time(work), send, helper)
        if draw < 0.10:
            world.at(case, time(work + delay(rng, 20)), cancel, buyer)
            return
    work += delay(rng, 9, 0.7)
    if total > 150_000:
        requested = work
        world.at(case, time(work), request_approval, buyer)
        if draw < 0.14:
            world.at(case, time(work + delay(rng, 14)), cancel, buyer)
            return
        approver = staff["approver"][int(rng.random() * 3)]
        slow = plant["slow_approval"] and approver is company.slow_approver
        work += delay(rng, 22 if slow else 2.5, 0.5)
        world.at(case, time(work), approve, approver)
        data["approval"] = ("approval_hours_slow" if slow else "approval_hours_others", (work - requested) / HOUR)
    else:
        requested = work
        world.at(case, time(work), confirm, buyer)
    approved = work
    if plant["price_change_after_approval"] and rng.random() < 0.17:
        world.at(case, time(approved + delay(rng, 5, 0.6)), change_price, buyer)
    acknowledged = rng.random() < 0.45
    lead = delay(rng, 45, 0.35)
    data["planned"] = time(approved + int(45 * HOUR * 1.35))
    if plant["late_supplier"] and supplier is company.late_supplier:
        lead += 9 * WORKDAY + delay(rng, 10)
    if acknowledged:
        world.at(case, time(approved + min(delay(rng, 6), lead - 1)), acknowledge, buyer)
    world.make_bad(case, _name(case.number))
    receipts = 2 if rng.random() < 0.22 else 1
    received = approved + lead
    for n in range(receipts):
        if n:
            received += delay(rng, 20)
        world.at(case, time(received), receive, rng.choice(staff["warehouse"]), n == receipts - 1)
    if rng.random() < 0.05:
        return  # the vendor never sends a bill
    plan_bills(world, case, rng, clerk, treasurer, requested=requested, approved=approved, received=received)


def plan_bills(
    world: World,
    case: Case,
    rng: Random,
    clerk: Person,
    treasurer: Person,
    *,
    requested: int,
    approved: int,
    received: int,
) -> None:
    """Plan the vendor bills of an order and their payment."""
    plant, time = world.plant, world.calendar.time
    work = received + delay(rng, 14, 0.6)
    if plant["invoice_before_approval"] and approved > requested and rng.random() < 0.05:
        work = requested + int((approved - requested) * (0.2 + 0.6 * rng.random()))
    world.at(case, time(work), create_bill, clerk, 1)
    last = 1
    if plant["recreated_bills"] and rng.random() < 0.05:
        world.at(case, time(work + delay(rng, 4)), cancel_bill, clerk, 1)
        work = max(work + WORKDAY, received) + delay(rng, 12)
        last = 2
        world.at(case, time(work), create_bill, clerk, 2)
    posted = max(work, received) + delay(rng, 5, 0.8)
    if plant["batched_posting"]:
        posted = -(-posted // WORKDAY) * WORKDAY
    world.at(case, time(posted), post_bill, clerk, last)
    paid = posted + delay(rng, 64 if _is_later(world, posted) else 40, 0.3)
    if plant["duplicate_bills"] and rng.random() < 0.025:
        other = rng.choice([person for person in world.company.staff["ap"] if person is not clerk])
        again = posted + delay(rng, 10)
        case.data["same_as"] = last  # the same vendor reference
        world.at(case, time(again), create_bill, other, last + 1)
        world.at(case, time(again + delay(rng, 3)), post_bill, other, last + 1)
        if rng.random() < 0.4:
            world.at(case, time(again + delay(rng, 40, 0.2) + WORKDAY), pay, treasurer, last + 1)
    if rng.random() < 0.97:
        world.at(case, time(paid), pay, treasurer, last)


def _is_later(world: World, work: int) -> bool:
    """Whether working second `work` lies behind the planted drift."""
    return bool(world.plant["drift"]) and work >= world.calendar.work(DRIFT_DAY)


def _name(number: int) -> str:
    """The order's name; Odoo draws it before it saves, so that now and then two are the wrong way round."""
    return f"P{(number ^ 1 if number // 2 % 7 == 3 else number) + 16:05d}"


def _shown(case: Case, kind: str, at: int) -> int | None:
    """The wrong time of a bad case's steps; None for all others."""
    if case.bad != kind:
        return None
    return FUTURE + case.number if kind == "future" else at - 120 * 86400


# steps -------------------------------------------------------------------------------------------------------------


def create(world: World, case: Case, at: int, person: Person, _: object) -> None:
    """Create RFQ: the order, its lines, and Odoo's note."""
    data, forms, when, user = case.data, world.forms, world.stamp(at), person.user_id
    supplier = data["supplier"]
    order, name = world.next_id("purchase_order"), _name(case.number)
    rate = world.company.rate(supplier.company_id, supplier.currency_id, when)
    planned = data.setdefault("planned", at)
    lines = []
    for (product, label, _price), quantity, price in data["lines"]:
        number = world.next_id("purchase_order_line")
        row = [
            number,
            product,
            order,
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
        case.docs.append((forms.purchase_line, row))
    row = [
        order,
        supplier.partner_id,
        supplier.currency_id,
        user,
        supplier.company_id,
        user,
        user,
        name,
        f"AB-{10_000 + case.number * 7 % 89_989}",
        "draft",
        "no",
        f"Agreed with {supplier.name} by phone",
        NULL,
        NULL,
        NULL,
        rate,
        NULL,
        when,
        NULL,
        world.stamp(planned),
        when,
        when,
        NULL,
        NULL,
    ]
    data.update(id=order, name=name, rate=rate, lines=lines, row=row)
    case.docs.append((forms.purchase_order, row))
    _amounts(world, case)
    world.message(MODEL, order, NOTE, at, person, "<p>Purchase Order created</p>")
    world.event(PROCESS, name, name, "Create RFQ", at, person)
    world.record(case, at, "create_rfq", person, name)


def _amounts(world: World, case: Case) -> None:
    data, T = case.data, world.forms.purchase_order
    row, total = data["row"], sum(line.quantity * line.price for line in data["lines"])
    data["total"] = total
    row[T.amount_untaxed] = row[T.amount_total] = cents(total)
    row[T.amount_total_cc] = cents(round(total / data["rate"]))


def _touch(world: World, case: Case, at: int, user: int) -> None:
    T, row = world.forms.purchase_order, case.data["row"]
    row[T.write_date], row[T.write_uid] = world.stamp(at), user


def _to_state(
    world: World, case: Case, at: int, person: Person, subtype: int, label: str, state: str, activity: str
) -> None:
    data = case.data
    data["row"][world.forms.purchase_order.state] = state
    _touch(world, case, at, person.user_id)
    shown = _shown(case, "future", at)
    message = world.message(MODEL, data["id"], subtype, at, person, shown=shown)
    world.track(message, MODEL, "state", at, person, old=data["state"], new=label)
    data["state"] = label
    world.event(PROCESS, data["name"], data["name"], activity, shown or at, person)


def send(world: World, case: Case, at: int, person: Person, _: object) -> None:
    """Send RFQ."""
    _to_state(world, case, at, person, 55, "RFQ Sent", "sent", "Send RFQ")
    world.record(case, at, "send_rfq", person, case.data["name"])


def request_approval(world: World, case: Case, at: int, person: Person, _: object) -> None:
    """Request Approval: confirming an order above the limit."""
    _to_state(world, case, at, person, 53, "To Approve", "to approve", "Request Approval")


def approve(world: World, case: Case, at: int, person: Person, _: object) -> None:
    """Approve PO, which makes the receipt."""
    _order_goods(world, case, at, person)
    _to_state(world, case, at, person, 54, "Purchase Order", "purchase", "Approve PO")
    measure, hours = case.data["approval"]
    world.measures.values[measure].append(hours)
    world.record(case, at, "approve", person, case.data["name"])


def confirm(world: World, case: Case, at: int, person: Person, _: object) -> None:
    """Confirm PO: below the limit, no approval."""
    _order_goods(world, case, at, person)
    _to_state(world, case, at, person, 53, "Purchase Order", "purchase", "Confirm PO")


def cancel(world: World, case: Case, at: int, person: Person, _: object) -> None:
    """Cancel PO."""
    _to_state(world, case, at, person, NOTE, "Cancelled", "cancel", "Cancel PO")
    world.recent_cancelled.append(case)


def change_price(world: World, case: Case, at: int, person: Person, _: object) -> None:
    """Change Price: logged by the system user, as Odoo recomputes the total. Not any more once goods are there."""
    data, L, bot = case.data, world.forms.purchase_line, world.company.bot
    if data["pickings"][0].is_done:
        return
    line = max(data["lines"], key=lambda line: line.quantity * line.price)
    old = data["total"]
    line.price += max(1, line.price * (2 + case.number % 7) // 100)
    line.row[L.price_unit], line.row[L.price_subtotal] = cents(line.price), cents(line.quantity * line.price)
    line.row[L.write_date], line.row[L.write_uid] = world.stamp(at), person.user_id
    _amounts(world, case)
    _touch(world, case, at, bot.user_id)
    message = world.message(MODEL, data["id"], NOTE, at, bot)
    world.track(
        message,
        MODEL,
        "amount_untaxed",
        at,
        bot,
        old_float=old / 100,
        new_float=data["total"] / 100,
        currency=data["supplier"].currency_id,
    )
    world.event(PROCESS, data["name"], data["name"], "Change Price", at, person)
    world.measures.planted("price_change_after_approval", data["name"])


def acknowledge(world: World, case: Case, at: int, person: Person, _: object) -> None:
    """Vendor Acknowledges: recorded by the buyer, or by Odoo itself at the first receipt."""
    data, T = case.data, world.forms.purchase_order
    if data["row"][T.acknowledged] == "t":
        return
    data["row"][T.acknowledged] = "t"
    _touch(world, case, at, person.user_id)
    message = world.message(MODEL, data["id"], NOTE, at, person)
    world.track(message, MODEL, "acknowledged", at, person, old_int=0, new_int=1)
    world.event(PROCESS, data["name"], data["name"], "Vendor Acknowledges", at, person)


def _order_goods(world: World, case: Case, at: int, person: Person) -> None:
    data, bot = case.data, world.company.bot
    data["row"][world.forms.purchase_order.date_approve] = world.stamp(at)
    picking = stock.new_picking(
        world,
        case,
        at,
        bot,
        partner=data["supplier"],
        direction="in",
        order_id=data["id"],
        origin=data["name"],
        planned=data["planned"],
    )
    stock.add_moves(
        world, case, at, person, picking, [(line, line.quantity) for line in data["lines"]], data["supplier"].company_id
    )
    data["pickings"].append(picking)
    world.message(
        "stock.picking",
        picking.picking_id,
        NOTE,
        at,
        bot,
        f"<p>This transfer has been created from: {data['name']}</p>",
    )


def receive(world: World, case: Case, at: int, person: Person, is_last: object) -> None:
    """Receive Goods: all of what is open, or a part with a back order for the rest."""
    data, T, L, when = case.data, world.forms.purchase_order, world.forms.purchase_line, world.stamp(at)
    picking, shown, supplier = data["pickings"][-1], _shown(case, "backwards", at), data["supplier"]
    backorder = stock.complete(
        world,
        case,
        at,
        person,
        picking,
        is_last=bool(is_last),
        partner=supplier,
        order_id=data["id"],
        origin=data["name"],
        planned=data["planned"],
        shown=shown,
    )
    for line in data["lines"]:
        line.row[L.qty_received], line.row[L.write_date], line.row[L.write_uid] = (
            f"{line.moved}.00",
            when,
            person.user_id,
        )
    row, is_first = data["row"], data["row"][T.effective_date] == NULL
    if is_first:
        row[T.effective_date] = picking.row[world.forms.picking.date_done]
        late = supplier is world.company.late_supplier
        world.measures.values["days_after_plan_late_supplier" if late else "days_after_plan_others"].append(
            (at - data["planned"]) / 86400
        )
    row[T.receipt_status], row[T.invoice_status] = "partial" if backorder else "full", "to invoice"
    _touch(world, case, at, person.user_id)
    world.message(
        MODEL,
        data["id"],
        NOTE,
        at,
        world.company.bot,
        "<div><strong>The received quantity has been updated.</strong></div>",
    )
    stock.log_done(world, at, person, picking, shown)
    if backorder:
        data["pickings"].append(backorder)
    world.event(PROCESS, data["name"], picking.name, "Receive Goods", shown or at, person)
    if is_first:
        acknowledge(world, case, at, person, None)


def create_bill(world: World, case: Case, at: int, person: Person, key: object) -> None:
    """Create Vendor Bill: a draft without a name, with one line per order line."""
    data, L, when = case.data, world.forms.purchase_line, world.stamp(at)
    same = data["same_as"]  # a duplicate carries the vendor's own reference a second time
    ref = f"INV-{data['name']}-{same if same and key > same else key}"
    bill = invoices.draft(
        world,
        case,
        at,
        person,
        partner=data["supplier"],
        lines=data["lines"],
        origin=data["name"],
        ref=ref,
        is_bill=True,
    )
    data["bills"][key] = bill
    data["links"][key] = link = (world.forms.order_bill, [data["id"], bill.invoice_id])
    case.docs.append(link)
    for line in data["lines"]:
        line.row[L.qty_invoiced], line.row[L.write_date], line.row[L.write_uid] = f"{line.quantity}.00", when, 1
    data["row"][world.forms.purchase_order.invoice_status] = "invoiced"
    _touch(world, case, at, 1)
    world.message("account.move", bill.invoice_id, NOTE, at, person, "<p>Vendor Bill Created</p>")
    world.message(
        "account.move",
        bill.invoice_id,
        NOTE,
        at,
        person,
        f"<p>This vendor bill has been created from: {data['name']}</p>",
    )
    world.event(PROCESS, data["name"], f"move:{bill.invoice_id}", "Create Vendor Bill", at, person)
    if data["row"][world.forms.purchase_order.date_approve] == NULL:
        world.measures.planted("invoice_before_approval", data["name"])
    if key == 2 and same != 1:
        world.measures.planted("recreated_bills", data["name"])


def cancel_bill(world: World, case: Case, at: int, person: Person, key: object) -> None:
    """Cancel Vendor Bill, while it is a draft."""
    bill = case.data["bills"][key]
    invoices.cancel(world, bill, at, person)
    world.event(PROCESS, case.data["name"], f"move:{bill.invoice_id}", "Cancel Vendor Bill", at, person)
    world.recent_dropped_bills.append((case, key))


def post_bill(world: World, case: Case, at: int, person: Person, key: object) -> None:
    """Post Vendor Bill, which gives it its name; Odoo writes the received moves, too."""
    data, M, when = case.data, world.forms.move, world.stamp(at)
    bill = data["bills"][key]
    month = f"{when[:4]}/{when[5:7]}"
    name = f"BILL/{month}/{world.next_number(('bill', data['supplier'].company_id, month)):04d}"
    invoices.post(world, bill, at, person, name=name, subtype=NOTE)
    for picking in data["pickings"]:
        for row, _, _ in picking.moves:
            row[M.write_date], row[M.write_uid] = when, person.user_id
    world.event(PROCESS, data["name"], name, "Post Vendor Bill", at, person)
    world.record(case, at, "post_bill", person, name, bill)
    if data["same_as"] and key > data["same_as"]:
        world.measures.planted("duplicate_bills", data["name"])
    elif world.plant["batched_posting"]:
        world.measures.planted("batched_posting", data["name"])


def pay(world: World, case: Case, at: int, person: Person, key: object) -> None:
    """Register Payment."""
    data = case.data
    payment = invoices.pay(world, case, at, person, data["bills"][key], partner=data["supplier"], is_bill=True)
    world.event(PROCESS, data["name"], payment, "Register Payment", at, person)
    if data["same_as"] and key > data["same_as"]:
        world.measures.counts["duplicate_bills_paid_twice"] += 1


# deletions ---------------------------------------------------------------------------------------------------------


def is_deletable(case: Case) -> bool:
    """Whether Odoo would let the order be deleted: cancelled, nothing received, nothing billed."""
    return case.data["state"] == "Cancelled" and not case.data["pickings"] and not case.data["bills"]


def delete_cancelled(world: World, case: Case) -> None:
    """Delete an order that was cancelled as a draft, with its lines and messages, as Odoo's unlink does."""
    order, deleted = case.data["id"], world.batch.deleted
    messages = f"model = '{MODEL}' and res_id = {order}"
    deleted.append(("mail_tracking_value", f"mail_message_id in (select id from mail_message where {messages})"))
    deleted.append(("mail_message", messages))
    deleted.append(("purchase_order_line", f"order_id = {order}"))
    deleted.append(("purchase_order", f"id = {order}"))
    case.docs.clear()
    world.gone.add((PROCESS, case.data["name"], "*"))


def unlink_bill(world: World, case: Case, key: object) -> None:
    """Take a cancelled bill off its order: its lines go, and with them the row that links it."""
    bill, data = case.data["bills"][key], case.data
    lines = [line for line in bill.lines if line[0] is world.forms.invoice_line]
    dropped = {id(row) for _, row in [*lines, data["links"][key]]}
    case.docs = [doc for doc in case.docs if id(doc[1]) not in dropped]
    world.batch.deleted.append(("account_move_line", f"move_id = {bill.invoice_id} and display_type = 'product'"))
    world.batch.deleted.append(("account_move_purchase_order_rel", f"account_move_id = {bill.invoice_id}"))
    world.gone.add((PROCESS, data["name"], f"move:{bill.invoice_id}"))
