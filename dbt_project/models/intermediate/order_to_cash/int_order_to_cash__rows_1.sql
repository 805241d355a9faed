{{ config(materialized='table', unlogged=true, pre_hook="{{ with_little_memory() }}", post_hook="analyze {{ this }}") }}
{{ touched_rows(ref('int_order_to_cash__case_rows'), ref('int_order_to_cash__touched_cases'), half=1) }}
