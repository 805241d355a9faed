select source_table, source_key, case_id
from {{ ref('int_lead_to_order__rows') }}
