select
    {{ change_event("'Change Expected Revenue'") }}
from {{ ref('int_lead_to_order__changes') }} as changes
where document_model = 'crm.lead' and field_name = 'expected_revenue'
