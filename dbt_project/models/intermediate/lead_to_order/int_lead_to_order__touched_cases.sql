{{ config(materialized='table', schema='candidate', alias='lead_to_order__touched_cases', post_hook="analyze {{ this }}") }}
{{ touched_cases(ref('int_lead_to_order__case_rows'), ref('int_lead_to_order__source_rows'), 'crm_lead') }}
