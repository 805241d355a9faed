{{ config(materialized='table', unlogged=true, post_hook="analyze {{ this }}") }}
{{ union_events([
    ref('int_lead_to_order__lead_created'),
    ref('int_lead_to_order__lead_converted'),
    ref('int_lead_to_order__stage_changed'),
    ref('int_lead_to_order__opportunity_won'),
    ref('int_lead_to_order__opportunity_lost'),
    ref('int_lead_to_order__opportunity_restored'),
    ref('int_lead_to_order__revenue_changed'),
    ref('int_lead_to_order__quotation_created'),
    ref('int_lead_to_order__quotation_sent'),
    ref('int_lead_to_order__order_confirmed'),
    ref('int_lead_to_order__order_cancelled'),
]) }}
