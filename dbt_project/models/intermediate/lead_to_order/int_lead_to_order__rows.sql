{{ config(materialized='table', unlogged=true, post_hook="analyze {{ this }}") }}
with
touched as (
    -- a lead's number is in its case's name: it finds the lead through the key, which the computed name could not
    select case_id, substr(case_id, 6)::bigint as lead_id
    from {{ ref('int_lead_to_order__touched_cases') }}
),

rows as (
    select
        rows.source_table,
        rows.source_key,
        rows.source_id,
        rows.case_id,
        bool_or(rows.is_current) as is_current
    from {{ ref('int_lead_to_order__case_rows') }} as rows
    inner join touched on rows.root_id = touched.lead_id
    group by rows.source_table, rows.source_key, rows.source_id, rows.case_id
)

select source_table, source_key, source_id, case_id, is_current
from rows
