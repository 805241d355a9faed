select
    {{ change_event("'Lose Opportunity'") }}
from {{ ref('int_lead_to_order__changes') }} as changes
where document_model = 'crm.lead' and field_name = 'active' and new_value_integer = 0
