{{ config(materialized='table', unlogged=true, post_hook="analyze {{ this }}") }}
{{ touched_rows(ref('int_order_to_cash__case_rows'), ref('int_order_to_cash__touched_cases')) }}
