{{ config(materialized='table', schema='candidate', alias='desktop_work__touched_cases', post_hook="analyze {{ this }}") }}
{{ touched_cases(ref('int_desktop_work__case_rows'), ref('int_desktop_work__source_rows')) }}
