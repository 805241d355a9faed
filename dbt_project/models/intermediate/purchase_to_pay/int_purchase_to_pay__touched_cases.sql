{{ config(materialized='table', schema='candidate', alias='purchase_to_pay__touched_cases', post_hook="analyze {{ this }}") }}
{{ touched_cases(ref('int_purchase_to_pay__case_rows'), ref('int_purchase_to_pay__source_rows'), 'purchase_order') }}
