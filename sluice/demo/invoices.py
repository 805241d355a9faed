"""Vendor bills, customer invoices and their payments: account.move and account.payment as Odoo writes them."""

from dataclasses import dataclass, field

from sluice.demo.company import Partner, Person
from sluice.demo.stock import Line
from sluice.demo.tables import NULL, cents
from sluice.demo.world import NOTE, Case, World

PAID = 6  # subtype


@dataclass(slots=True)
class Invoice:
    """A vendor bill or customer invoice (total in cents): its rows, and its name once posted."""

    invoice_id: int
    row: list
    total: int
    ref: str
    lines: list = field(default_factory=list)
    name: str = ""


def draft(
    world: World,
    case: Case,
    at: int,
    person: Person,
    *,
    partner: Partner,
    lines: list[Line],
    origin: str,
    ref: str,
    is_bill: bool,
    seller: int | str = NULL,
) -> Invoice:
    """A draft without a name ('/' in the second company), with one line per order line and a payment term line."""
    forms, when, user = world.forms, world.stamp(at), person.user_id
    number, day = world.next_id("account_move"), when[:10]
    rate = world.company.rate(partner.company_id, partner.currency_id, day)
    total = sum(line.quantity * line.price for line in lines)
    amount, signed = cents(total), cents(round(total / rate) * (-1 if is_bill else 1))
    row = [
        number,
        partner.company_id,
        partner.partner_id,
        partner.currency_id,
        seller,
        user,
        user,
        NULL if partner.company_id == 1 else "/",
        ref,
        "draft",
        "in_invoice" if is_bill else "out_invoice",
        NULL,
        "not_paid",
        partner.email,
        partner.name,
        origin,
        day,
        day,
        world.stamps.day(at + 30 * 86400),
        rate,
        amount,
        amount,
        amount,
        signed,
        signed,
        when,
        when,
    ]
    case.docs.append((forms.invoice, row))
    invoice = Invoice(number, row, total, ref)
    for line in lines:
        fields = [
            world.next_id("account_move_line"),
            number,
            partner.company_id,
            partner.currency_id,
            line.product_id,
            user,
            user,
            f"{origin}: {line.label}",
            f"{line.quantity}.00",
            cents(line.price),
            cents(line.price * line.quantity),
            when,
            when,
            line.line_id if is_bill else NULL,
        ]
        invoice.lines.append((forms.invoice_line, fields))
        if not is_bill:
            case.docs.append((forms.sale_invoice, [fields[0], line.line_id]))
    invoice.lines.append(
        (
            forms.term_line,
            [
                world.next_id("account_move_line"),
                number,
                partner.company_id,
                partner.currency_id,
                user,
                user,
                when,
                when,
            ],
        )
    )
    case.docs.extend(invoice.lines)
    return invoice


def touch(world: World, invoice: Invoice, at: int, person: Person) -> None:
    """Odoo writes header and lines at every step of an invoice."""
    T, when, user = world.forms.invoice, world.stamp(at), person.user_id
    invoice.row[T.write_date], invoice.row[T.write_uid] = when, user
    for form, fields in invoice.lines:
        fields[form.write_date], fields[form.write_uid] = when, user


def cancel(world: World, invoice: Invoice, at: int, person: Person) -> None:
    """Cancel a draft; it never gets a name."""
    invoice.row[world.forms.invoice.state] = "cancel"
    touch(world, invoice, at, person)
    message = world.message("account.move", invoice.invoice_id, NOTE, at, person)
    world.track(message, "account.move", "state", at, person, old="Draft", new="Cancelled")


def post(world: World, invoice: Invoice, at: int, person: Person, *, name: str, subtype: int) -> None:
    """Post a draft: it gets its name."""
    T = world.forms.invoice
    invoice.name = name
    invoice.row[T.name], invoice.row[T.state] = name, "posted"
    touch(world, invoice, at, person)
    message = world.message("account.move", invoice.invoice_id, subtype, at, person)
    world.track(message, "account.move", "state", at, person, old="Draft", new="Posted")
    if subtype != NOTE:
        invoice.row[T.payment_reference] = name
        world.track(message, "account.move", "payment_reference", at, person, new=name)
    world.track(message, "account.move", "name", at, person, new=name)
    day = world.stamp(at)[:10]
    if subtype != NOTE and invoice.row[T.date] != day:
        world.track(
            message,
            "account.move",
            "date",
            at,
            person,
            old_time=f"{invoice.row[T.date]} 00:00:00",
            new_time=f"{day} 00:00:00",
        )
        invoice.row[T.date] = invoice.row[T.invoice_date] = day
    world.track(message, "account.move", "checked", at, person, old_int=0, new_int=1)


def pay(world: World, case: Case, at: int, person: Person, invoice: Invoice, *, partner: Partner, is_bill: bool) -> str:
    """Pay in full: the payment, its journal entry, the link, the new payment state; returns the payment's name."""
    forms, when, bot, user = world.forms, world.stamp(at), world.company.bot, person.user_id
    company_id, currency, day, total = partner.company_id, partner.currency_id, when[:10], invoice.total
    payment, entry = world.next_id("account_payment"), world.next_id("account_move")
    name = f"PBNK{company_id}/{when[:4]}/{world.next_number(('payment', company_id, when[:4])):05d}"
    amount = round(total / world.company.rate(company_id, currency, day))
    direction, kind, state = ("outbound", "supplier", "in_process") if is_bill else ("inbound", "customer", "paid")
    ref = invoice.ref if is_bill else invoice.name
    docs = case.docs
    docs.append(
        (
            forms.payment,
            [
                payment,
                entry,
                company_id,
                currency,
                partner.partner_id,
                user,
                1,
                name,
                state,
                direction,
                kind,
                f"{ref} {partner.name}",
                day,
                cents(total),
                cents(-amount if is_bill else amount),
                when,
                when,
            ],
        )
    )
    docs.append(
        (
            forms.entry,
            [
                entry,
                company_id,
                payment,
                partner.partner_id,
                currency,
                user,
                user,
                name,
                ref,
                day,
                day,
                cents(total),
                cents(amount),
                when,
                when,
            ],
        )
    )
    for sign in (-1, 1):
        docs.append(
            (
                forms.entry_line,
                [
                    world.next_id("account_move_line"),
                    entry,
                    company_id,
                    currency,
                    user,
                    user,
                    f"Manual Payment: {ref}",
                    cents(sign * total),
                    when,
                    when,
                ],
            )
        )
    docs.append((forms.invoice_payment, [invoice.invoice_id, payment]))
    T = forms.invoice
    invoice.row[T.payment_state], invoice.row[T.amount_residual] = "paid", "0.00"
    touch(world, invoice, at, person)
    world.message("account.payment", payment, NOTE, at, person, "<p>Payments created</p>")
    world.message("account.move", entry, NOTE, at, bot, "<p>Journal Entry created</p>")
    message = world.message("account.move", invoice.invoice_id, PAID, at, person)
    world.track(message, "account.move", "payment_state", at, person, old="Not Paid", new="Paid")
    return name
