select
    {{ change_event("'Cancel Delivery'") }}
from {{ ref('int_order_to_cash__changes') }} as changes
where document_model = 'stock.picking' and field_name = 'state' and new_state = 'cancel'
