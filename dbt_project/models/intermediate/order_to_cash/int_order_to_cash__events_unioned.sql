{{ config(materialized='table', unlogged=true, post_hook="analyze {{ this }}") }}
{{ union_events([
    ref('int_order_to_cash__quotation_created'),
    ref('int_order_to_cash__quotation_sent'),
    ref('int_order_to_cash__order_confirmed'),
    ref('int_order_to_cash__order_cancelled'),
    ref('int_order_to_cash__quotation_reopened'),
    ref('int_order_to_cash__price_changed'),
    ref('int_order_to_cash__state_changed_otherwise'),
    ref('int_order_to_cash__goods_delivered'),
    ref('int_order_to_cash__return_received'),
    ref('int_order_to_cash__delivery_cancelled'),
    ref('int_order_to_cash__invoice_created'),
    ref('int_order_to_cash__invoice_posted'),
    ref('int_order_to_cash__invoice_cancelled'),
    ref('int_order_to_cash__invoice_reset'),
    ref('int_order_to_cash__payment_registered'),
]) }}
