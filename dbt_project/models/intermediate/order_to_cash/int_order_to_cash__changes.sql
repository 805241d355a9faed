{{ config(materialized='table', unlogged=true, post_hook="analyze {{ this }}") }}
{{ tracked_changes_of_odoo(ref('int_order_to_cash__rows')) }}
