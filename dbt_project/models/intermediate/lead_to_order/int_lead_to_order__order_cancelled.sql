select
    {{ change_event("'Cancel Order'") }}
from {{ ref('int_lead_to_order__changes') }} as changes
where document_model = 'sale.order' and field_name = 'state' and new_state = 'cancel'
