{{ config(materialized='table', unlogged=true, pre_hook="{{ with_little_memory() }}", post_hook="analyze {{ this }}") }}
{{ touched_rows(ref('int_purchase_to_pay__case_rows'), ref('int_purchase_to_pay__touched_cases'), half=1) }}
