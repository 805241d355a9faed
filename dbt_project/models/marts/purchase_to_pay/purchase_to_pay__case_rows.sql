select source_table, source_key, case_id
from {{ ref('int_purchase_to_pay__rows') }}
