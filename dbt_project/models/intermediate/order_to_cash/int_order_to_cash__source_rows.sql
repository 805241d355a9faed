{{ config(materialized='view') }}
{{ source_rows_of_odoo([
    ('sale_order', ['id']),
    ('sale_order_line', ['id']),
    ('sale_order_line_invoice_rel', ['invoice_line_id', 'order_line_id']),
    ('account_move_line', ['id']),
    ('account_move', ['id']),
    ('stock_picking', ['id']),
    ('account_move__account_payment', ['invoice_id', 'payment_id']),
    ('account_payment', ['id']),
    ('mail_message', ['id']),
    ('mail_tracking_value', ['id']),
]) }}
