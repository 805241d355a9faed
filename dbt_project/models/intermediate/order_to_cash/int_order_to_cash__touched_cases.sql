{{ config(materialized='table', schema='candidate', alias='order_to_cash__touched_cases', post_hook="analyze {{ this }}") }}
{{ touched_cases(ref('int_order_to_cash__case_rows'), ref('int_order_to_cash__source_rows'), 'sale_order') }}
