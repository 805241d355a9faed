{{ config(materialized='view') }}
{{ source_rows_of_odoo([
    ('purchase_order', ['id']),
    ('purchase_order_line', ['id']),
    ('account_move_purchase_order_rel', ['purchase_order_id', 'account_move_id']),
    ('account_move', ['id']),
    ('purchase_order_stock_picking_rel', ['purchase_order_id', 'stock_picking_id']),
    ('stock_picking', ['id']),
    ('account_move__account_payment', ['invoice_id', 'payment_id']),
    ('account_payment', ['id']),
    ('mail_message', ['id']),
    ('mail_tracking_value', ['id']),
]) }}
