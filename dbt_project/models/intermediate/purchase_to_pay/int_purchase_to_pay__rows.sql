select source_table, source_key, source_id, case_id, is_current from {{ ref('int_purchase_to_pay__rows_1') }}
union all
select source_table, source_key, source_id, case_id, is_current from {{ ref('int_purchase_to_pay__rows_2') }}
