select source_table, source_key, source_id, case_id, is_current from {{ ref('int_lead_to_order__rows_1') }}
union all
select source_table, source_key, source_id, case_id, is_current from {{ ref('int_lead_to_order__rows_2') }}
