{{ config(materialized='table', unlogged=true, pre_hook="{{ with_little_memory() }}", post_hook="analyze {{ this }}") }}
{{ touched_rows(
    ref('int_lead_to_order__case_rows'), ref('int_lead_to_order__touched_cases'), "substr(touched.case_id, 6)::bigint", half=2) }}
