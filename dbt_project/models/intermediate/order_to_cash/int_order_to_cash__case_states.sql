{{ config(materialized='table', unlogged=true, pre_hook="{{ with_rows_looked_up() }}", post_hook="analyze {{ this }}") }}
{{ open_orders(
    ref('int_order_to_cash__orders'), ref('int_order_to_cash__rows'), ref('stg_odoo__sale_order_lines'), 'sale_order_line',
    ref('int_order_to_cash__invoices')) }}
