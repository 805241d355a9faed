"""The documents' rows in short: which fields of a table the simulation fills, which are the same in all its rows.

A row is a list of values in the form's order (text, or int for ids); `form.line(row)` is its COPY line.
"""

from sluice.demo.tables import NULL, read_schema


class Form:
    """Fields of one table: `form.state` is a field's place in a row, `form.line(row)` the COPY line."""

    called: str  # its name in Forms

    def __init__(self, table: str, columns: tuple[str, ...], fields: str, **constants: str) -> None:
        self.table = table
        names = fields.split()
        unknown = (set(names) | constants.keys()) - set(columns)
        if unknown or sorted(names, key=columns.index) != names:
            raise ValueError(f"{table}: fields must be columns in the table's order, found {sorted(unknown) or names}")
        for place, name in enumerate(names):
            setattr(self, name, place)
        self.template = "\t".join("%s" if column in names else constants.get(column, NULL) for column in columns)

    def line(self, row: list[object]) -> str:
        """The COPY line of a row."""
        return self.template % tuple(row)


class Forms:
    """The forms of all documents."""

    def __init__(self) -> None:
        columns = read_schema()

        def form(table: str, fields: str, **constants: str) -> Form:
            return Form(table, columns[table], fields, **constants)

        self.purchase_order = form(
            "purchase_order",
            "id partner_id currency_id user_id company_id create_uid write_uid name partner_ref state "
            "invoice_status note amount_untaxed amount_total amount_total_cc currency_rate acknowledged "
            "date_order date_approve date_planned create_date write_date receipt_status effective_date",
            origin="Reorder",
        )
        self.purchase_line = form(
            "purchase_order_line",
            "id product_id order_id create_uid write_uid name product_qty price_unit price_subtotal qty_invoiced "
            "qty_received create_date write_date",
        )
        self.sale_order = form(
            "sale_order",
            "id company_id partner_id currency_id user_id team_id create_uid write_uid name state "
            "client_order_ref invoice_status validity_date note currency_rate amount_untaxed amount_total "
            "create_date date_order write_date opportunity_id delivery_status effective_date",
        )
        self.sale_line = form(
            "sale_order_line",
            "id order_id product_id create_uid write_uid name product_uom_qty price_unit price_subtotal "
            "qty_delivered qty_invoiced create_date write_date",
            discount="0.00",
        )
        self.picking = form(
            "stock_picking",
            "id backorder_id picking_type_id partner_id company_id create_uid write_uid name origin state note "
            "scheduled_date date_deadline date_done create_date write_date sale_id",
        )
        self.move = form(
            "stock_move",
            "id company_id product_id picking_id create_uid write_uid state description_picking_manual "
            "product_uom_qty quantity date create_date write_date purchase_line_id sale_line_id",
        )
        self.invoice = form(
            "account_move",
            "id company_id partner_id currency_id invoice_user_id create_uid write_uid name ref state move_type "
            "payment_reference payment_state invoice_source_email invoice_partner_display_name invoice_origin "
            "date invoice_date invoice_date_due invoice_currency_rate amount_untaxed amount_total amount_residual "
            "amount_untaxed_signed amount_total_signed create_date write_date",
        )
        self.invoice_line = form(
            "account_move_line",
            "id move_id company_id currency_id product_id create_uid write_uid name quantity price_unit "
            "price_subtotal create_date write_date purchase_line_id",
            display_type="product",
        )
        self.term_line = form(
            "account_move_line",
            "id move_id company_id currency_id create_uid write_uid create_date write_date",
            display_type="payment_term",
            quantity="0.00",
            price_unit="0.0",
            price_subtotal="0.00",
        )
        self.entry = form(
            "account_move",
            "id company_id origin_payment_id partner_id currency_id create_uid write_uid name ref date "
            "invoice_date_due amount_total amount_total_signed create_date write_date",
            state="posted",
            move_type="entry",
            payment_state="not_paid",
            invoice_currency_rate="0.0",
            amount_untaxed="0.00",
            amount_residual="0.00",
            amount_untaxed_signed="0.00",
        )
        self.entry_line = form(
            "account_move_line",
            "id move_id company_id currency_id create_uid write_uid name price_subtotal create_date write_date",
            display_type="product",
            quantity="1.00",
            price_unit="0.0",
        )
        self.payment = form(
            "account_payment",
            "id move_id company_id currency_id partner_id create_uid write_uid name state payment_type "
            "partner_type memo date amount amount_company_currency_signed create_date write_date",
            is_reconciled="t",
            is_matched="f",
        )
        self.invoice_payment = form("account_move__account_payment", "invoice_id payment_id")
        self.order_bill = form("account_move_purchase_order_rel", "purchase_order_id account_move_id")
        self.order_picking = form("purchase_order_stock_picking_rel", "purchase_order_id stock_picking_id")
        self.sale_invoice = form("sale_order_line_invoice_rel", "invoice_line_id order_line_id")
        self.lead = form(
            "crm_lead",
            "id user_id team_id company_id stage_id partner_id lost_reason_id create_uid write_uid "
            "email_normalized name type priority contact_name partner_name email_from phone street city "
            "won_status description expected_revenue active date_closed date_open date_last_stage_update "
            "date_conversion create_date write_date probability",
        )
        for name, made in vars(self).items():
            made.called = name
