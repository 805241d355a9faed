"""Receipts and deliveries: Odoo's pickings and moves, whole or in part with a back order for the rest."""

from dataclasses import dataclass, field

from sluice.demo.company import PICKING_TYPES, Partner, Person
from sluice.demo.tables import NULL
from sluice.demo.world import NOTE, Case, World

PREFIX = {1: "WH", 2: "WB"}  # the warehouses of the two companies


@dataclass(slots=True)
class Line:
    """A line of a purchase or sales order: its row, and the figures behind it (price in cents)."""

    row: list
    line_id: int
    product_id: int
    label: str
    quantity: int
    price: int
    moved: int = 0


@dataclass(slots=True)
class Picking:
    """A receipt ('in') or delivery ('out') with its moves: [row, line, quantity]."""

    picking_id: int
    name: str
    direction: str
    row: list
    moves: list = field(default_factory=list)
    is_done: bool = False


def new_picking(
    world: World,
    case: Case,
    at: int,
    person: Person,
    *,
    partner: Partner,
    direction: str,
    order_id: int,
    origin: str,
    planned: int,
    backorder_of: int | None = None,
) -> Picking:
    """A picking that is ready to be worked, without moves yet."""
    when, due = world.stamp(at), world.stamp(planned)
    number = world.next_id("stock_picking")
    company_id = partner.company_id
    name = f"{PREFIX[company_id]}/{direction.upper()}/{world.next_number(('picking', company_id, direction)):05d}"
    row = [
        number,
        backorder_of or NULL,
        PICKING_TYPES[company_id, direction],
        partner.partner_id,
        company_id,
        person.user_id,
        person.user_id,
        name,
        origin,
        "assigned",
        f"Ask for {partner.name} at the gate",
        due,
        due,
        NULL,
        when,
        when,
        order_id if direction == "out" else NULL,
    ]
    case.docs.append((world.forms.picking, row))
    if direction == "in":
        case.docs.append((world.forms.order_picking, [order_id, number]))
    world.message("stock.picking", number, NOTE, at, person, "<p>Transfer created</p>")
    return Picking(number, name, direction, row)


def add_moves(
    world: World, case: Case, at: int, person: Person, picking: Picking, lines: list[tuple[Line, int]], company_id: int
) -> None:
    """The picking's moves, one per order line."""
    when, user = world.stamp(at), person.user_id
    due = picking.row[world.forms.picking.scheduled_date]
    for line, quantity in lines:
        purchase, sale = (line.line_id, NULL) if picking.direction == "in" else (NULL, line.line_id)
        amount = f"{quantity}.00"
        row = [
            world.next_id("stock_move"),
            company_id,
            line.product_id,
            picking.picking_id,
            user,
            user,
            "assigned",
            f"noted by {person.name}",
            amount,
            amount,
            due,
            when,
            when,
            purchase,
            sale,
        ]
        case.docs.append((world.forms.move, row))
        picking.moves.append([row, line, quantity])


def complete(
    world: World,
    case: Case,
    at: int,
    person: Person,
    picking: Picking,
    *,
    is_last: bool,
    partner: Partner,
    order_id: int,
    origin: str,
    planned: int,
    shown: int | None = None,
) -> Picking | None:
    """Work the picking: wholly, or about three fifths of it; then returns the back order for the rest.

    shown: the wrong time that the documents of a bad case carry.
    """
    M, P, when, user = world.forms.move, world.forms.picking, world.stamp(at), person.user_id
    rest: list[tuple[Line, int]] = []
    for move in picking.moves:
        row, line, quantity = move
        taken = quantity if is_last else max(1, quantity * 3 // 5)
        if taken < quantity:
            rest.append((line, quantity - taken))
            move[2] = taken
            row[M.product_uom_qty] = row[M.quantity] = f"{taken}.00"
        row[M.state], row[M.date], row[M.write_date], row[M.write_uid] = "done", when, when, user
        line.moved += taken
    picking.is_done = True
    row = picking.row
    row[P.state], row[P.write_date], row[P.write_uid] = "done", when, user
    row[P.date_done] = when if shown is None else world.stamp(shown)
    backorder = None
    if rest:
        world.message(
            "stock.picking", picking.picking_id, NOTE, at, person, "<div>The initial demand has been updated.</div>"
        )
        backorder = new_picking(
            world,
            case,
            at,
            person,
            partner=partner,
            direction=picking.direction,
            order_id=order_id,
            origin=origin,
            planned=planned,
            backorder_of=picking.picking_id,
        )
        add_moves(world, case, at, person, backorder, rest, partner.company_id)
        world.message(
            "stock.picking",
            picking.picking_id,
            NOTE,
            at,
            person,
            f"<p>The backorder {backorder.name} has been created.</p>",
        )
    return backorder


def log_done(world: World, at: int, person: Person, picking: Picking, shown: int | None = None) -> None:
    """The change log of a worked picking: from Ready to Done."""
    message = world.message("stock.picking", picking.picking_id, NOTE, at, person, shown=shown)
    world.track(message, "stock.picking", "state", at, person, old="Ready", new="Done")
