select
    {{ change_event("'Win Opportunity'") }}
from {{ ref('int_lead_to_order__changes') }} as changes
inner join {{ ref('stg_odoo__lead_stages') }} as stages on changes.new_value_integer = stages.stage_id
where changes.document_model = 'crm.lead' and changes.field_name = 'stage_id' and stages.is_won
