select
    {{ change_event("'Change Price'") }}
from {{ ref('int_purchase_to_pay__changes') }} as changes
where document_model = 'purchase.order' and field_name = 'amount_untaxed'
