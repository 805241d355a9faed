select
    {{ change_event("'Cancel Receipt'") }}
from {{ ref('int_purchase_to_pay__changes') }} as changes
where document_model = 'stock.picking' and field_name = 'state' and new_state = 'cancel'
