select
    {{ change_event("'Vendor Acknowledges'") }}
from {{ ref('int_purchase_to_pay__changes') }} as changes
where document_model = 'purchase.order' and field_name = 'acknowledged' and new_value_integer = 1
