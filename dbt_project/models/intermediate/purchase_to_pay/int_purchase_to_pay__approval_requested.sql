select
    {{ change_event("'Request Approval'") }}
from {{ ref('int_purchase_to_pay__changes') }} as changes
where document_model = 'purchase.order' and field_name = 'state' and new_state = 'to approve'
