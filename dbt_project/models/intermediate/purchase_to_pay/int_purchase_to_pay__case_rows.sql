{{ config(materialized='view') }}
{#- One branch per way from a raw table to the order, so that a few changed rows are found through indexes.
    Deleted rows (tombstones) stay in, with is_current false: they tell which case a row belonged to. -#}
{%- set orders = source('raw_odoo', 'purchase_order') -%}
{%- set bill_links = source('raw_odoo', 'account_move_purchase_order_rel') -%}
{%- set picking_links = source('raw_odoo', 'purchase_order_stock_picking_rel') -%}
{%- set payment_links = source('raw_odoo', 'account_move__account_payment') -%}
{%- set messages = source('raw_odoo', 'mail_message') -%}
{%- set tracked_changes = source('raw_odoo', 'mail_tracking_value') -%}
{%- set to_bills = [
    ('bills', source('raw_odoo', 'account_move')),
    ('bill_links', bill_links, 'bill_links.account_move_id = bills.id'),
    ('orders', orders, 'orders.id = bill_links.purchase_order_id'),
] -%}
{%- set to_pickings = [
    ('pickings', source('raw_odoo', 'stock_picking')),
    ('picking_links', picking_links, 'picking_links.stock_picking_id = pickings.id'),
    ('orders', orders, 'orders.id = picking_links.purchase_order_id'),
] -%}
{%- set branches = [
    ('purchase_order', 'orders.id', none, [('orders', orders)]),
    ('purchase_order_line', 'lines.id', none, [
        ('lines', source('raw_odoo', 'purchase_order_line')), ('orders', orders, 'orders.id = lines.order_id')]),
    ('account_move_purchase_order_rel', none, "bill_links.purchase_order_id || ':' || bill_links.account_move_id", [
        ('bill_links', bill_links), ('orders', orders, 'orders.id = bill_links.purchase_order_id')]),
    ('account_move', 'bills.id', none, to_bills),
    ('purchase_order_stock_picking_rel', none, "picking_links.purchase_order_id || ':' || picking_links.stock_picking_id", [
        ('picking_links', picking_links), ('orders', orders, 'orders.id = picking_links.purchase_order_id')]),
    ('stock_picking', 'pickings.id', none, to_pickings),
    ('account_move__account_payment', none, "payment_links.invoice_id || ':' || payment_links.payment_id", [
        ('payment_links', payment_links),
        ('bill_links', bill_links, 'bill_links.account_move_id = payment_links.invoice_id'),
        ('orders', orders, 'orders.id = bill_links.purchase_order_id')]),
    ('account_payment', 'payments.id', none, [
        ('payments', source('raw_odoo', 'account_payment')),
        ('payment_links', payment_links, 'payment_links.payment_id = payments.id'),
        ('bill_links', bill_links, 'bill_links.account_move_id = payment_links.invoice_id'),
        ('orders', orders, 'orders.id = bill_links.purchase_order_id')]),
] -%}
{{ case_rows_of_odoo(
    branches,
    [
        ('purchase.order', 'orders', [('orders', orders)]),
        ('account.move', 'bills', to_bills),
        ('stock.picking', 'pickings', to_pickings),
    ],
    'orders.id',
    'orders.name',
) }}
