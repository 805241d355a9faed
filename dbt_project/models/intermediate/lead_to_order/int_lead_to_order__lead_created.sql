select
    {{ document_event("'Create Lead'", 'created_at', 'created_by', 'crm_lead', 'lead_id') }}
from {{ ref('int_lead_to_order__leads') }}
