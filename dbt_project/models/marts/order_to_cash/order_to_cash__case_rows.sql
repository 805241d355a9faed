select source_table, source_key, case_id
from {{ ref('int_order_to_cash__rows') }}
