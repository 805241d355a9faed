{#- Odoo keeps the moment but not the person of a conversion. -#}
select
    {{ document_event("'Convert to Opportunity'", 'converted_at', 'null::text', 'crm_lead', 'lead_id') }}
from {{ ref('int_lead_to_order__leads') }}
where lead_type = 'opportunity' and converted_at is not null  -- null: never a lead before
