{{ config(materialized='table', unlogged=true, post_hook="analyze {{ this }}") }}
{{ touched_rows(ref('int_purchase_to_pay__case_rows'), ref('int_purchase_to_pay__touched_cases')) }}
