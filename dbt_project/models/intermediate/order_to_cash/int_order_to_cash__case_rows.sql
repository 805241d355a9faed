{{ config(materialized='view') }}
{#- One branch per way from a raw table to the order, so that a few changed rows are found through indexes.
    Deleted rows (tombstones) stay in, with is_current false: they tell which case a row belonged to. -#}
{%- set orders = source('raw_odoo', 'sale_order') -%}
{%- set order_lines = source('raw_odoo', 'sale_order_line') -%}
{%- set line_links = source('raw_odoo', 'sale_order_line_invoice_rel') -%}
{%- set invoice_lines = source('raw_odoo', 'account_move_line') -%}
{%- set payment_links = source('raw_odoo', 'account_move__account_payment') -%}
{%- set from_line_link = [
    ('order_lines', order_lines, 'order_lines.id = line_links.order_line_id'),
    ('orders', orders, 'orders.id = order_lines.order_id'),
] -%}
{%- set from_invoice_line = [('line_links', line_links, 'line_links.invoice_line_id = invoice_lines.id')] + from_line_link -%}
{%- set to_invoices = [
    ('invoices', source('raw_odoo', 'account_move')),
    ('invoice_lines', invoice_lines, 'invoice_lines.move_id = invoices.id'),
] + from_invoice_line -%}
{%- set to_pickings = [
    ('pickings', source('raw_odoo', 'stock_picking')),
    ('orders', orders, 'orders.id = pickings.sale_id'),
] -%}
{%- set branches = [
    ('sale_order', 'orders.id', none, [('orders', orders)]),
    ('sale_order_line', 'order_lines.id', none, [
        ('order_lines', order_lines), ('orders', orders, 'orders.id = order_lines.order_id')]),
    ('sale_order_line_invoice_rel', none, "line_links.invoice_line_id || ':' || line_links.order_line_id",
        [('line_links', line_links)] + from_line_link),
    ('account_move_line', 'invoice_lines.id', none, [('invoice_lines', invoice_lines)] + from_invoice_line),
    ('account_move', 'invoices.id', none, to_invoices),
    ('stock_picking', 'pickings.id', none, to_pickings),
    ('account_move__account_payment', none, "payment_links.invoice_id || ':' || payment_links.payment_id", [
        ('payment_links', payment_links),
        ('invoice_lines', invoice_lines, 'invoice_lines.move_id = payment_links.invoice_id'),
    ] + from_invoice_line),
    ('account_payment', 'payments.id', none, [
        ('payments', source('raw_odoo', 'account_payment')),
        ('payment_links', payment_links, 'payment_links.payment_id = payments.id'),
        ('invoice_lines', invoice_lines, 'invoice_lines.move_id = payment_links.invoice_id'),
    ] + from_invoice_line),
] -%}
{%- set documents = [
    ('sale.order', 'orders', [('orders', orders)]),
    ('account.move', 'invoices', to_invoices),
    ('stock.picking', 'pickings', to_pickings),
] -%}
{{ case_rows_of_odoo(branches, documents, 'orders.id', 'orders.name') }}
