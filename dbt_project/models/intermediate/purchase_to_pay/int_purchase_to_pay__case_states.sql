{{ config(materialized='table', unlogged=true, pre_hook="{{ with_rows_looked_up() }}", post_hook="analyze {{ this }}") }}
{{ open_orders(
    ref('int_purchase_to_pay__orders'), ref('int_purchase_to_pay__rows'), ref('stg_odoo__purchase_order_lines'), 'purchase_order_line',
    ref('int_purchase_to_pay__bills')) }}
