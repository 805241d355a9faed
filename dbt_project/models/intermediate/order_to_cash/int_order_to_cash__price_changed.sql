select
    {{ change_event("'Change Price'") }}
from {{ ref('int_order_to_cash__changes') }} as changes
where document_model = 'sale.order' and field_name = 'amount_untaxed'
