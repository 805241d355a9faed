{{ open_orders(
    ref('int_order_to_cash__orders'), ref('int_order_to_cash__rows'), ref('stg_odoo__sale_order_lines'), 'sale_order_line',
    ref('int_order_to_cash__invoices')) }}
