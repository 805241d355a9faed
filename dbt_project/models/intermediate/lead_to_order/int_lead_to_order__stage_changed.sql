{#- By the stage's id, so that the language of whoever moved it does not matter; its label only where the stage is gone. -#}
select
    {{ change_event("'Move to ' || coalesce(stages.stage, changes.new_label, 'Unnamed Stage')") }}
from {{ ref('int_lead_to_order__changes') }} as changes
left join {{ ref('stg_odoo__lead_stages') }} as stages on changes.new_value_integer = stages.stage_id
where changes.document_model = 'crm.lead' and changes.field_name = 'stage_id' and not coalesce(stages.is_won, false)
