select
    {{ change_event("'Send Quotation'") }}
from {{ ref('int_order_to_cash__changes') }} as changes
where document_model = 'sale.order' and field_name = 'state' and new_state = 'sent'
