{{ config(materialized='table', unlogged=true, pre_hook="{{ with_rows_looked_up(workers=1) }}", post_hook="analyze {{ this }}") }}
{{ tracked_changes_of_odoo(ref('int_order_to_cash__rows')) }}
