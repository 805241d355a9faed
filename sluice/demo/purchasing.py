"""Purchasing: requests for quotation, approvals, receipts, vendor bills and payments, as Odoo writes them."""

from math import exp
from random import Random

from sluice.demo.calendar import HOUR, WORKDAY
from sluice.demo.company import PICKING_TYPES, Person
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
    lines = [(product, 1 + int(rng.random() * 39), int(price * (0.85 + 0.3 * rng.random())))
             for product in rng.sample(company.products, 1 + int(rng.random() * 4)) for price in (product[2],)]
    total = sum(quantity * price for _, quantity, price in lines)
    data = case.data
    buyer, helper = rng.choice(staff["buyer"]), rng.choice(staff["buyer"])
    clerk = rng.choice(staff["ap"])
    treasurer = rng.choice(staff["treasury"])
    data.update(supplier=supplier, lines=lines, state="RFQ", bills={}, pickings=[], same_as=None)
    created = time(work)
    day = created // 86400
    data["late"] = day >= world.hold_from and work % WORKDAY > WORKDAY - 2 * HOUR
    world.at(case, created, create, buyer, day=day + 1 if data["late"] else None)
    if data["late"]:
        work += WORKDAY  # whatever follows an order that becomes visible late, follows a day later
    draw = rng.random()
    if draw < 0.07:
        world.at(case, time(work + delay(rng, 12)), cancel, buyer)
        return
    if rng.random() < 0.68:
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
        world.measures.values["approval_hours_slow" if slow else "approval_hours_others"].append((work - requested) / HOUR)
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
    world.make_bad(case)
    receipts = 2 if rng.random() < 0.22 else 1
    received = approved + lead
    for n in range(receipts):
        if n:
            received += delay(rng, 20)
        world.at(case, time(received), receive, rng.choice(staff["warehouse"]), n == receipts - 1)
    if rng.random() < 0.05:
        return  # the vendor never sends a bill
    plan_bills(world, case, rng, clerk, treasurer, requested=requested, approved=approved, received=received)


def plan_bills(world: World, case: Case, rng: Random, clerk: Person, treasurer: Person, *, requested: int, approved: int,
               received: int) -> None:
    """Plan the vendor bills of an order and their payment."""
    plant, time, name = world.plant, world.calendar.time, _name(case.number)
    work = received + delay(rng, 14, 0.6)
    if plant["invoice_before_approval"] and approved > requested and rng.random() < 0.05:
        work = requested + int((approved - requested) * (0.2 + 0.6 * rng.random()))
        world.measures.counts["invoice_before_approval_cases"] += 1
        world.measures.example("invoice_before_approval_examples", name)
    world.at(case, time(work), create_bill, clerk, 1)
    last = 1
    if plant["recreated_bills"] and rng.random() < 0.05:
        world.at(case, time(work + delay(rng, 4)), cancel_bill, clerk, 1)
        work = max(work + WORKDAY, received) + delay(rng, 12)
        last = 2
        world.at(case, time(work), create_bill, clerk, 2)
        world.measures.counts["recreated_bills_cases"] += 1
    posted = max(work, received) + delay(rng, 5, 0.8)
    world.at(case, time(posted), post_bill, clerk, last)
    paid = posted + delay(rng, 40, 0.3)
    if plant["duplicate_bills"] and rng.random() < 0.025:
        other = rng.choice([person for person in world.company.staff["ap"] if person is not clerk])
        again = posted + delay(rng, 10)
        case.data["same_as"] = last  # the same vendor reference
        world.at(case, time(again), create_bill, other, last + 1)
        world.at(case, time(again + delay(rng, 3)), post_bill, other, last + 1)
        world.measures.counts["duplicate_bills_cases"] += 1
        world.measures.example("duplicate_bills_examples", name)
        if rng.random() < 0.4:
            world.at(case, time(again + delay(rng, 40, 0.2) + WORKDAY), pay, treasurer, last + 1)
            world.measures.counts["duplicate_bills_paid_twice"] += 1
    if rng.random() < 0.97:
        world.at(case, time(paid), pay, treasurer, last)


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
    data, schema, when = case.data, world.schema, world.stamp(at)
    supplier = data["supplier"]
    order = world.next_id("purchase_order")
    rate = world.company.rate(supplier.company_id, supplier.currency_id, when)
    data.update(id=order, name=_name(case.number), rate=rate, total=0)
    T = schema.purchase_order
    row = T.row(id=order, partner_id=supplier.partner_id, currency_id=supplier.currency_id, user_id=person.user_id,
                company_id=supplier.company_id, create_uid=person.user_id, write_uid=person.user_id, name=data["name"],
                partner_ref=f"AB-{10_000 + case.number * 7 % 89_989}", origin="Reorder", state="draft", invoice_status="no",
                note=f"Agreed with {supplier.name} by phone", currency_rate=str(rate), date_order=when,
                date_planned=world.stamp(data.get("planned", at)), create_date=when, write_date=when)
    data["row"] = row
    case.docs.append(("purchase_order", row))
    L = schema.purchase_order_line
    data["line_rows"] = rows = []
    for (product, label, _price), quantity, price in data["lines"]:
        line = L.row(id=world.next_id("purchase_order_line"), product_id=product, order_id=order, create_uid=person.user_id,
                     write_uid=person.user_id, name=label, product_qty=f"{quantity}.00", price_unit=cents(price),
                     price_subtotal=cents(price * quantity), qty_invoiced="0.00", qty_received="0.00", create_date=when,
                     write_date=when)
        data["total"] += price * quantity
        rows.append([line, quantity, price, 0])
        case.docs.append(("purchase_order_line", line))
    _amounts(world, case)
    world.message(MODEL, order, NOTE, at, person, "<p>Purchase Order created</p>")
    world.event(PROCESS, data["name"], data["name"], "Create RFQ", at, person)
    world.record(case, at, "create_rfq", person, data["name"])


def _amounts(world: World, case: Case) -> None:
    data, T = case.data, world.schema.purchase_order
    row, total = data["row"], data["total"]
    row[T.amount_untaxed] = row[T.amount_total] = cents(total)
    row[T.amount_total_cc] = cents(round(total / data["rate"]))


def _touch(world: World, case: Case, at: int, user: int) -> None:
    T, row = world.schema.purchase_order, case.data["row"]
    row[T.write_date], row[T.write_uid] = world.stamp(at), str(user)


def _to_state(world: World, case: Case, at: int, person: Person, subtype: int, label: str, state: str) -> None:
    data = case.data
    data["row"][world.schema.purchase_order.state] = state
    _touch(world, case, at, person.user_id)
    message = world.message(MODEL, data["id"], subtype, at, person, shown=_shown(case, "future", at))
    world.track(message, MODEL, "state", at, person, old=data["state"], new=label)
    data["state"] = label


def send(world: World, case: Case, at: int, person: Person, _: object) -> None:
    """Send RFQ."""
    _to_state(world, case, at, person, 55, "RFQ Sent", "sent")
    name = case.data["name"]
    world.event(PROCESS, name, name, "Send RFQ", _shown(case, "future", at) or at, person)
    world.record(case, at, "send_rfq", person, name)


def request_approval(world: World, case: Case, at: int, person: Person, _: object) -> None:
    """Request Approval: confirming an order above the limit."""
    _to_state(world, case, at, person, 53, "To Approve", "to approve")
    world.event(PROCESS, case.data["name"], case.data["name"], "Request Approval", _shown(case, "future", at) or at, person)


def approve(world: World, case: Case, at: int, person: Person, _: object) -> None:
    """Approve PO, which makes the receipt."""
    _make_receipt(world, case, at, person)
    _to_state(world, case, at, person, 54, "Purchase Order", "purchase")
    case.data["row"][world.schema.purchase_order.date_approve] = world.stamp(at)
    world.event(PROCESS, case.data["name"], case.data["name"], "Approve PO", _shown(case, "future", at) or at, person)
    world.record(case, at, "approve", person, case.data["name"])


def confirm(world: World, case: Case, at: int, person: Person, _: object) -> None:
    """Confirm PO: below the limit, no approval."""
    _make_receipt(world, case, at, person)
    _to_state(world, case, at, person, 53, "Purchase Order", "purchase")
    case.data["row"][world.schema.purchase_order.date_approve] = world.stamp(at)
    world.event(PROCESS, case.data["name"], case.data["name"], "Confirm PO", _shown(case, "future", at) or at, person)


def cancel(world: World, case: Case, at: int, person: Person, _: object) -> None:
    """Cancel PO."""
    _to_state(world, case, at, person, NOTE, "Cancelled", "cancel")
    world.event(PROCESS, case.data["name"], case.data["name"], "Cancel PO", _shown(case, "future", at) or at, person)
    world.recent_cancelled.append(case)


def change_price(world: World, case: Case, at: int, person: Person, _: object) -> None:
    """Change Price: logged by the system user, as Odoo recomputes the total."""
    data, L = case.data, world.schema.purchase_order_line
    if data["pickings"] and data["pickings"][0]["done"]:
        return
    line = max(data["line_rows"], key=lambda line: line[1] * line[2])
    old = data["total"]
    line[2] += max(1, line[2] * (2 + case.number % 7) // 100)
    line[0][L.price_unit], line[0][L.price_subtotal] = cents(line[2]), cents(line[1] * line[2])
    line[0][L.write_date], line[0][L.write_uid] = world.stamp(at), str(person.user_id)
    data["total"] = sum(quantity * price for _, quantity, price, _ in data["line_rows"])
    _amounts(world, case)
    bot = world.company.bot
    _touch(world, case, at, bot.user_id)
    message = world.message(MODEL, data["id"], NOTE, at, bot)
    world.track(message, MODEL, "amount_untaxed", at, bot, old_float=old / 100, new_float=data["total"] / 100,
                currency=data["supplier"].currency_id)
    world.event(PROCESS, data["name"], data["name"], "Change Price", at, person)
    world.measures.counts["price_change_after_approval_cases"] += 1


def acknowledge(world: World, case: Case, at: int, person: Person, _: object) -> None:
    """Vendor Acknowledges: recorded by the buyer, or by Odoo itself at the first receipt."""
    data, T = case.data, world.schema.purchase_order
    if data["row"][T.acknowledged] == "t":
        return
    data["row"][T.acknowledged] = "t"
    _touch(world, case, at, person.user_id)
    message = world.message(MODEL, data["id"], NOTE, at, person)
    world.track(message, MODEL, "acknowledged", at, person, old_int=0, new_int=1)
    world.event(PROCESS, data["name"], data["name"], "Vendor Acknowledges", at, person)


def _make_receipt(world: World, case: Case, at: int, person: Person) -> None:
    data = case.data
    picking = _picking(world, case, at, world.company.bot, None)
    picking["moves"] = [_move(world, case, at, person, picking, line, line[1]) for line in data["line_rows"]]
    world.message("stock.picking", picking["id"], NOTE, at, world.company.bot,
                  f"<p>This transfer has been created from: {data['name']}</p>")


def _picking(world: World, case: Case, at: int, person: Person, backorder_of: int | None) -> dict:
    data, T, when = case.data, world.schema.stock_picking, world.stamp(at)
    company_id = data["supplier"].company_id
    number = world.next_id("stock_picking")
    prefix = "WH" if company_id == 1 else "WH2"
    name = f"{prefix}/IN/{world.next_number(('picking', company_id, 'in')):05d}"
    row = T.row(id=number, name=name, state="assigned", origin=data["name"], picking_type_id=PICKING_TYPES[company_id, "in"],
                partner_id=data["supplier"].partner_id, company_id=company_id, backorder_id=backorder_of,
                scheduled_date=world.stamp(data["planned"]), date_deadline=world.stamp(data["planned"]),
                create_uid=person.user_id, write_uid=person.user_id, create_date=when, write_date=when)
    case.docs.append(("stock_picking", row))
    case.docs.append(("purchase_order_stock_picking_rel", [str(data["id"]), str(number)]))
    picking = {"id": number, "name": name, "row": row, "moves": [], "done": False}
    data["pickings"].append(picking)
    world.message("stock.picking", number, NOTE, at, person, "<p>Transfer created</p>")
    return picking


def _move(world: World, case: Case, at: int, person: Person, picking: dict, line: list, quantity: int) -> list:
    T, when = world.schema.stock_move, world.stamp(at)
    row = T.row(id=world.next_id("stock_move"), picking_id=picking["id"], product_id=line[0][world.schema.purchase_order_line.product_id],
                state="assigned", product_uom_qty=f"{quantity}.00", quantity=f"{quantity}.00",
                purchase_line_id=line[0][0], company_id=case.data["supplier"].company_id, date=world.stamp(case.data["planned"]),
                create_uid=person.user_id, write_uid=person.user_id, create_date=when, write_date=when)
    case.docs.append(("stock_move", row))
    return [row, line, quantity]


def receive(world: World, case: Case, at: int, person: Person, is_last: object) -> None:
    """Receive Goods: all of what is open, or about half of it with a back order for the rest."""
    data, schema, when = case.data, world.schema, world.stamp(at)
    picking = data["pickings"][-1]
    P, M, L, T = schema.stock_picking, schema.stock_move, schema.purchase_order_line, schema.purchase_order
    rest = []
    if not is_last:
        for move in picking["moves"]:
            taken = max(1, move[2] * 3 // 5)
            if taken < move[2]:
                rest.append((move[1], move[2] - taken))
                move[2] = taken
                move[0][M.product_uom_qty] = move[0][M.quantity] = f"{taken}.00"
                world.message("stock.picking", picking["id"], NOTE, at, person, "<div>The initial demand has been updated.</div>")
    for row, line, quantity in picking["moves"]:
        row[M.state], row[M.date], row[M.write_date], row[M.write_uid] = "done", when, when, str(person.user_id)
        line[3] += quantity
        line[0][L.qty_received], line[0][L.write_date], line[0][L.write_uid] = f"{line[3]}.00", when, str(person.user_id)
    picking["done"] = True
    shown = _shown(case, "backwards", at)
    done = when if shown is None else world.stamp(shown)
    picking["row"][P.state], picking["row"][P.date_done] = "done", done
    picking["row"][P.write_date], picking["row"][P.write_uid] = when, str(person.user_id)
    first = data["row"][T.effective_date] == NULL
    if first:
        data["row"][T.effective_date] = done
        world.measures.values["late_supplier_days" if data["supplier"] is world.company.late_supplier else "other_suppliers_days"
                              ].append((at - data["planned"]) / 86400)
    data["row"][T.receipt_status] = "partial" if rest else "full"
    data["row"][T.invoice_status] = "to invoice"
    _touch(world, case, at, person.user_id)
    if rest:
        backorder = _picking(world, case, at, person, picking["id"])
        backorder["moves"] = [_move(world, case, at, person, backorder, line, quantity) for line, quantity in rest]
        world.message("stock.picking", picking["id"], NOTE, at, person, f"<p>The backorder {backorder['name']} has been created.</p>")
    for _ in picking["moves"]:
        world.message(MODEL, data["id"], NOTE, at, world.company.bot, "<div><strong>The received quantity has been updated.</strong></div>")
    message = world.message("stock.picking", picking["id"], NOTE, at, person, shown=shown)
    world.track(message, "stock.picking", "state", at, person, old="Ready", new="Done")
    world.event(PROCESS, data["name"], picking["name"], "Receive Goods", shown or at, person)
    if first:
        acknowledge(world, case, at, person, None)


def create_bill(world: World, case: Case, at: int, person: Person, key: object) -> None:
    """Create Vendor Bill: a draft without a name, with one line per order line."""
    data, schema, when = case.data, world.schema, world.stamp(at)
    supplier, day = data["supplier"], when[:10]
    rate = world.company.rate(supplier.company_id, supplier.currency_id, day)
    number, total, T, L = world.next_id("account_move"), data["total"], schema.account_move, schema.account_move_line
    signed = cents(-round(total / rate))
    row = T.row(id=number, name="/" if supplier.company_id == 2 else NULL, state="draft", move_type="in_invoice",
                payment_state="not_paid", partner_id=supplier.partner_id, currency_id=supplier.currency_id,
                company_id=supplier.company_id, date=day, invoice_date=day, invoice_date_due=world.stamps.day(at + 30 * 86400),
                invoice_origin=data["name"], ref=f"INV-{data['name']}-{data['same_as'] if data['same_as'] and key > data['same_as'] else key}",
                invoice_partner_display_name=supplier.name, invoice_source_email=supplier.email,
                amount_untaxed=cents(total), amount_total=cents(total), amount_residual=cents(total),
                amount_total_signed=signed, amount_untaxed_signed=signed, invoice_currency_rate=str(rate),
                create_uid=person.user_id, write_uid=person.user_id, create_date=when, write_date=when)
    case.docs.append(("account_move", row))
    case.docs.append(("account_move_purchase_order_rel", [str(data["id"]), str(number)]))
    P = schema.purchase_order_line
    lines = []
    for line, quantity, price, _ in data["line_rows"]:
        lines.append(L.row(id=world.next_id("account_move_line"), move_id=number, product_id=line[P.product_id],
                           purchase_line_id=line[0], quantity=f"{quantity}.00", price_unit=cents(price),
                           price_subtotal=cents(price * quantity), name=f"{data['name']}: {line[P.name]}", display_type="product",
                           company_id=supplier.company_id, currency_id=supplier.currency_id, create_uid=person.user_id,
                           write_uid=person.user_id, create_date=when, write_date=when))
        line[P.qty_invoiced], line[P.write_date], line[P.write_uid] = f"{quantity}.00", when, "1"
    lines.append(L.row(id=world.next_id("account_move_line"), move_id=number, quantity="0.00", price_unit="0.0", price_subtotal="0.00",
                       display_type="payment_term", company_id=supplier.company_id, currency_id=supplier.currency_id,
                       create_uid=person.user_id, write_uid=person.user_id, create_date=when, write_date=when))
    case.docs.extend(("account_move_line", line) for line in lines)
    data["row"][schema.purchase_order.invoice_status] = "invoiced"
    _touch(world, case, at, 1)
    data["bills"][key] = {"id": number, "row": row, "lines": lines, "total": total}
    world.message("account.move", number, NOTE, at, person, "<p>Vendor Bill Created</p>")
    world.message("account.move", number, NOTE, at, person, f"<p>This vendor bill has been created from: {data['name']}</p>")
    world.event(PROCESS, data["name"], f"move:{number}", "Create Vendor Bill", at, person)


def _write_bill(world: World, bill: dict, at: int, person: Person) -> None:
    T, L, when = world.schema.account_move, world.schema.account_move_line, world.stamp(at)
    user = str(person.user_id)
    bill["row"][T.write_date], bill["row"][T.write_uid] = when, user
    for line in bill["lines"]:
        line[L.write_date], line[L.write_uid] = when, user


def cancel_bill(world: World, case: Case, at: int, person: Person, key: object) -> None:
    """Cancel Vendor Bill, while it is a draft."""
    bill = case.data["bills"][key]
    bill["row"][world.schema.account_move.state] = "cancel"
    _write_bill(world, bill, at, person)
    message = world.message("account.move", bill["id"], NOTE, at, person)
    world.track(message, "account.move", "state", at, person, old="Draft", new="Cancelled")
    world.event(PROCESS, case.data["name"], f"move:{bill['id']}", "Cancel Vendor Bill", at, person)
    world.recent_dropped_bills.append((case, bill))


def post_bill(world: World, case: Case, at: int, person: Person, key: object) -> None:
    """Post Vendor Bill, which gives it its name."""
    data, T, when = case.data, world.schema.account_move, world.stamp(at)
    bill = data["bills"][key]
    month = when[:4] + "/" + when[5:7]
    name = f"BILL/{month}/{world.next_number(('bill', data['supplier'].company_id, month)):04d}"
    bill["name"] = name
    bill["row"][T.name], bill["row"][T.state] = name, "posted"
    _write_bill(world, bill, at, person)
    M = world.schema.stock_move
    for picking in data["pickings"]:
        for row, _, _ in picking["moves"]:
            row[M.write_date], row[M.write_uid] = when, str(person.user_id)
    message = world.message("account.move", bill["id"], NOTE, at, person)
    world.track(message, "account.move", "state", at, person, old="Draft", new="Posted")
    world.track(message, "account.move", "name", at, person, new=name)
    world.track(message, "account.move", "checked", at, person, old_int=0, new_int=1)
    world.event(PROCESS, data["name"], name, "Post Vendor Bill", at, person)
    world.record(case, at, "post_bill", person, name, bill)


def pay(world: World, case: Case, at: int, person: Person, key: object) -> None:
    """Register Payment: the payment, its journal entry, and the bill's new payment state."""
    data = case.data
    bill = data["bills"][key]
    supplier = data["supplier"]
    payment = register_payment(world, case, at, person, bill, supplier, direction="outbound", name=bill["row"][world.schema.account_move.ref])
    world.event(PROCESS, data["name"], payment, "Register Payment", at, person)


def register_payment(world: World, case: Case, at: int, person: Person, bill: dict, partner: object, *, direction: str, name: str) -> str:
    """The rows of a payment of `bill` in full, for vendors and customers alike; returns the payment's name."""
    schema, when, bot = world.schema, world.stamp(at), world.company.bot
    T, L, P, day = schema.account_move, schema.account_move_line, schema.account_payment, when[:10]
    company_id, currency, total = partner.company_id, partner.currency_id, bill["total"]
    payment, entry = world.next_id("account_payment"), world.next_id("account_move")
    document = f"PBNK{company_id}/{when[:4]}/{world.next_number(('payment', company_id, when[:4])):05d}"
    rate = world.company.rate(company_id, currency, day)
    inbound = direction == "inbound"
    company_amount = round(total / rate)
    stamps = dict(create_uid=person.user_id, create_date=when, write_date=when)
    case.docs.append(("account_payment", P.row(
        id=payment, name=document, state="paid" if inbound else "in_process", payment_type=direction,
        partner_type="customer" if inbound else "supplier", partner_id=partner.partner_id, currency_id=currency,
        company_id=company_id, move_id=entry, amount=cents(total),
        amount_company_currency_signed=cents(company_amount if inbound else -company_amount), date=day, is_reconciled=True,
        is_matched=False, memo=f"{name} {partner.name}", write_uid=1, **stamps)))
    case.docs.append(("account_move", T.row(
        id=entry, name=document, state="posted", move_type="entry", payment_state="not_paid", partner_id=partner.partner_id,
        currency_id=currency, company_id=company_id, origin_payment_id=payment, date=day, invoice_date_due=day, ref=name,
        amount_untaxed="0.00", amount_total=cents(total), amount_residual="0.00", amount_total_signed=cents(company_amount),
        amount_untaxed_signed="0.00", invoice_currency_rate="0.0", write_uid=person.user_id, **stamps)))
    for sign in (-1, 1):
        case.docs.append(("account_move_line", L.row(
            id=world.next_id("account_move_line"), move_id=entry, quantity="1.00", price_unit="0.0", price_subtotal=cents(sign * total),
            name=f"Manual Payment: {name}", display_type="product", company_id=company_id, currency_id=currency,
            write_uid=person.user_id, **stamps)))
    case.docs.append(("account_move__account_payment", [str(bill["id"]), str(payment)]))
    row = bill["row"]
    row[T.payment_state], row[T.amount_residual] = "paid", "0.00"
    _write_bill(world, bill, at, person)
    world.message("account.payment", payment, NOTE, at, person, "<p>Payments created</p>")
    world.message("account.move", entry, NOTE, at, bot, "<p>Journal Entry created</p>")
    message = world.message("account.move", bill["id"], 6, at, person)
    world.track(message, "account.move", "payment_state", at, person, old="Not Paid", new="Paid")
    return document


def delete_cancelled(world: World, case: Case) -> None:
    """Delete an order that was cancelled as a draft, with its lines and messages, as Odoo's unlink does."""
    data = case.data
    deleted = world.batch.deleted
    deleted.append(("mail_tracking_value", f"mail_message_id in (select id from mail_message where model = '{MODEL}' and res_id = {data['id']})"))
    deleted.append(("mail_message", f"model = '{MODEL}' and res_id = {data['id']}"))
    deleted.append(("purchase_order_line", f"order_id = {data['id']}"))
    deleted.append(("purchase_order", f"id = {data['id']}"))
    world.gone.add((PROCESS, data["name"], "*"))


def unlink_bill(world: World, case: Case, bill: dict) -> None:
    """Take a cancelled bill off its order: its lines go, and with them the row that links it."""
    world.batch.deleted.append(("account_move_line", f"move_id = {bill['id']} and purchase_line_id is not null"))
    world.batch.deleted.append(("account_move_purchase_order_rel", f"account_move_id = {bill['id']} and purchase_order_id = {case.data['id']}"))
    world.gone.add((PROCESS, case.data["name"], f"move:{bill['id']}"))


def is_deletable(case: Case) -> bool:
    """Whether Odoo would let the order be deleted: cancelled, nothing received, nothing billed."""
    return case.data["state"] == "Cancelled" and not case.data["pickings"] and not case.data["bills"]
